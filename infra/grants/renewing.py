"""Before a sync, what a provider gave is made to last as long as the sync may take."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from commands.grants import VALUE, Given, GrantProvider, LapseGrant, RenewGrant
from commands.kernel import Bus, Clock, Origin, Secrets
from commands.ports import ProofRefused, UpstreamFailed, WorkFailed, WorkRefused
from domain import grants
from domain.source_types.secret import references
from domain.sources import Source

EARLY: Final = timedelta(minutes=10)  # a grant is renewed so long before its end
ORIGIN: Final = Origin(actor="system:grants", via="policy", correlation="grants")
LAPSED: Final = "{} does not renew the connection; connect again: /oauth/connect/{}."


def read(vault: Secrets, source_type: str) -> Given | None:
    """What a provider gave, from the vault."""
    found = vault.read(VALUE, source_type)
    return None if found is None else msgspec.json.decode(found, type=Given)


class Renewing:
    """Renews what a source refers to. One at a time for each grant: some are good for one use."""

    def __init__(
        self, bus: Bus, vault: Secrets, providers: Mapping[str, GrantProvider], clock: Clock
    ) -> None:
        self._bus, self._vault, self._providers, self._clock = bus, vault, providers, clock
        self._turns = {name: asyncio.Lock() for name in grants.PROVIDERS}

    async def __call__(self, source: Source) -> None:
        """Raises WorkRefused when somebody has to connect again, WorkFailed for what may pass."""
        for name in sorted(references(source.options)):
            source_type = grants.named(name)
            if source_type is not None:
                async with self._turns[source_type]:
                    await self._renewed(source_type)

    async def _renewed(self, source_type: str) -> None:
        given, provider = read(self._vault, source_type), self._providers.get(source_type)
        if given is None or given.expires_at is None:
            return
        if given.expires_at > self._clock() + EARLY:
            return
        if provider is None or not given.renewable:
            if given.expires_at <= self._clock():
                raise WorkRefused(LAPSED.format("Nobody", source_type))
            return
        try:
            renewed = await provider.renew(given)
        except ProofRefused:
            reason = LAPSED.format("The provider", source_type)
            await self._bus.send(LapseGrant(source_type=source_type, reason=reason), ORIGIN)
            raise WorkRefused(reason) from None
        except UpstreamFailed as error:
            raise WorkFailed(error.reason, transient=True) from None
        command = RenewGrant(
            source_type=source_type,
            value=msgspec.json.encode(renewed),
            expires_at=renewed.expires_at,
        )
        await self._bus.send(command, ORIGIN)
