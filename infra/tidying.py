"""What has run out goes: from the vault, then from the disk. Views that stopped are tried again."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from commands.kernel import OutcomeUnknown, Overloaded, StorageFull
from infra.clocks import Every
from infra.log.port import Log
from infra.log.vault import Vault
from infra.views.views import Views
from infra.writer import Writer

ERASE_S: Final = 10.0  # until what was deleted from the vault is gone from the disk too


def tidying(
    log: Log, vault: Vault, views: Views, writer: Writer, healed: Callable[[], Awaitable[None]]
) -> Every:
    """`healed` is called when the views stand again."""

    async def tidy() -> None:
        # Told elsewhere, and tried again.
        with contextlib.suppress(Overloaded, OutcomeUnknown, StorageFull, *log.errors):
            if views.broken is not None:
                await writer.call(views.resume)
                await healed()
            if vault.expired():
                await writer.transact(vault.expire)
            if log.unerased:
                await writer.call(log.erase)

    return Every("what has run out", tidy, ERASE_S)
