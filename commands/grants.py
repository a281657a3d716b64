"""The intents around what providers let us read, and what talks to them: `infra` has it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Protocol, assert_never

import msgspec

from commands.identity_ports import Asked
from commands.kernel import Command, Forget, Keep
from domain import grants
from domain.kernel import Boundary, Decider, Event

VALUE: Final = "grant"  # the vault's kind of what a provider gave


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider gave, as it lies in the vault."""

    access: str
    refresh: str | None = None
    expires_at: datetime | None = None
    place: str = ""  # the shop, or the address of the API, that it is good for
    account: str = ""  # whose it is, for people

    @property
    def renewable(self) -> bool:
        """Whether it can last longer than it does."""
        return self.refresh is not None


class GrantProvider(Protocol):
    """One provider, for one type of source. Raises UpstreamFailed, ProofRefused, Busy."""

    async def authorization_url(self, asked: Asked, place: str) -> str:
        """Where a browser is sent to agree. Raises WorkRefused for a place that is none."""
        ...

    async def exchange(self, asked: Asked, place: str, code: str) -> Given:
        """What the code that came back stands for."""
        ...

    async def renew(self, given: Given) -> Given:
        """The same, for longer."""
        ...

    async def revoke(self, given: Given) -> None:
        """Give it back."""
        ...


class TakeGrant(Command, frozen=True, kw_only=True):
    """An account is connected."""

    source_type: str
    provider: str
    attempt: str
    value: bytes
    expires_at: datetime | None = None
    renewable: bool = True

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Keep(VALUE, self.source_type, self.value),)


class RenewGrant(Command, frozen=True, kw_only=True):
    """What was given lasts longer."""

    source_type: str
    value: bytes
    expires_at: datetime | None = None

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Keep(VALUE, self.source_type, self.value),)


class LapseGrant(Command, frozen=True, kw_only=True):
    """The provider renews it no more."""

    source_type: str
    reason: str


class TakeBackGrant(Command, frozen=True, kw_only=True):
    """An account is connected no more."""

    source_type: str
    revoked: bool

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Forget(VALUE, self.source_type),)


GrantCommand = TakeGrant | RenewGrant | LapseGrant | TakeBackGrant


def boundary(command: GrantCommand) -> Boundary:
    """All about this grant."""
    return grants.boundary(command.source_type)


def decide(state: grants.Grants, command: GrantCommand) -> Sequence[Event]:
    """Choose the decision."""
    name = command.source_type
    match command:
        case TakeGrant():
            given = grants.GrantGiven(
                source_type=name,
                provider=command.provider,
                attempt=command.attempt,
                expires_at=command.expires_at,
                renewable=command.renewable,
            )
            return grants.give(state, given)
        case RenewGrant():
            renewed = grants.GrantRenewed(source_type=name, expires_at=command.expires_at)
            return grants.renew(state, renewed)
        case LapseGrant():
            lapsed = grants.GrantLapsed(source_type=name, reason=command.reason)
            return grants.lapse(state, lapsed)
        case TakeBackGrant():
            back = grants.GrantTakenBack(source_type=name, revoked=command.revoked)
            return grants.take_back(state, back)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=grants.Grants(), boundary=boundary, evolve=grants.evolve, decide=decide
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    TakeGrant: _DECIDER,
    RenewGrant: _DECIDER,
    LapseGrant: _DECIDER,
    TakeBackGrant: _DECIDER,
}
