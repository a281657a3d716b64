"""New keys for the vault, while everything runs.

A data key: drawn and kept; taken into use once it is durable; then all rows are sealed anew, page
after page, each within the writer's transaction, with as much time for others in between as a page
took; then older keys that no row names are deleted. What stops in between leaves rows under two
keys, both of which are there.

A master key: at every moment the file holds one that opens what lies beside the events. First both
are written, the new one before the old; then all keys are sealed under the new one, in one
transaction; then the file is written with the new one alone.
"""

import asyncio
import functools
import os
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import msgspec

from commands.kernel import Bus, Clock, Overloaded, StorageFull
from commands.policies.vault import VaultPolicy
from commands.ports import OnProgress, Progress, WorkFailed
from commands.vault import Rotated, Sealing, VaultKeys
from domain.kernel import Recorded
from infra import keys, master_keys
from infra.log.port import Log
from infra.log.vault import BEGINNING, Page, Vault
from infra.master_keys import KeyUnusable, MasterKeys
from infra.views.views import Views
from projections import live
from projections import vault as rotations
from projections.live import Ring

PAUSE_S_MAX: Final = 0.1  # after a page, for others
TRIES_MAX: Final = 20  # of one step, while the writer's queue is full
GIVEN: Final = "The master key comes from DANGO_MASTER_KEY; only who sets it can change it."

T = TypeVar("T")


class Writing(Protocol):
    """What this needs of the writer."""

    def transact(self, function: Callable[[], Any]) -> Awaitable[Any]: ...

    def call(self, function: Callable[[], Any]) -> Awaitable[Any]: ...


class Rotation:
    """The `VaultKeys` port. Master keys are read when they are needed, and not kept in memory."""

    def __init__(self, log: Log, vault: Vault, writer: Writing, master_key: Path) -> None:
        self._log, self._vault, self._writer = log, vault, writer
        self._path = master_key
        self._progress: Progress | None = None

    @property
    def master_given(self) -> bool:
        """As the port says."""
        return master_keys.VARIABLE in os.environ

    async def rotate(self, job: int, *, master: bool, on_progress: OnProgress) -> Rotated:
        """As the port says."""

        def tell(progress: Progress) -> None:
            self._progress = progress
            on_progress(progress)

        try:
            return await self._rotate(job, tell, master=master)
        finally:
            self._progress = None

    async def _rotate(self, job: int, on_progress: OnProgress, *, master: bool) -> Rotated:
        masters = await self._files(functools.partial(master_keys.load, self._path))
        if master:
            on_progress(Progress(phase="changing the master key"))
            masters = await self._change_master(masters)
        draw = functools.partial(keys.draw, masters, self._log, f"{keys.DATA}{job}")
        turn = functools.partial(self._turn, masters)
        await self._step(self._writer.transact, draw)
        await self._step(self._writer.call, turn)
        done = await self._seal_all(on_progress)
        await self._step(self._writer.transact, self._drop)
        await self._step(self._writer.call, turn)
        await self._step(self._writer.call, self._log.erase)
        if done.damaged:
            more = f", and {done.damaged - 1} more cannot" if done.damaged > 1 else ""
            raise WorkFailed(f"All else is sealed with the new key; {done.first}{more}.")
        return Rotated(key_id=self._vault.ring.current, rows=done.rows)

    async def sealing(self) -> Sealing:
        """As the port says."""
        ring, counts = self._vault.ring, await asyncio.to_thread(self._vault.counts)
        return Sealing(
            key_id=ring.current,
            number=ring.number,
            rows=counts,
            known=frozenset(self._vault.ring.numbers) | frozenset(ring.numbers),
            master_given=self.master_given,
            progress=self._progress,
        )

    # data keys

    async def _seal_all(self, on_progress: OnProgress) -> Page:
        """Seal every row that is not; answers what came of all pages together."""
        found = await asyncio.to_thread(self._vault.counts)
        total = sum(found.values()) - found.get(self._vault.ring.current, 0)
        mark, rows, damaged, first = BEGINNING, 0, 0, None
        while True:
            begun = time.monotonic()
            seal = functools.partial(self._vault.seal_anew, mark)
            page: Page = await self._step(self._writer.transact, seal)
            rows, damaged, first = rows + page.rows, damaged + page.damaged, first or page.first
            on_progress(Progress(phase="sealing anew", done=rows, total=max(total, rows)))
            if page.upto is None:
                return Page(None, rows, damaged, first)
            mark = page.upto
            await asyncio.sleep(min(time.monotonic() - begun, PAUSE_S_MAX))

    def _turn(self, masters: MasterKeys) -> None:
        """Take what lies there into use: what is committed, and what is no longer there not."""
        self._vault.turn(keys.read(masters, self._log).ring)

    def _drop(self) -> None:
        """Delete older data keys that no row names, within the open transaction."""
        ring, used = self._vault.ring, self._log.key_ids()
        for key_id, number in ring.numbers.items():
            if key_id not in used and number not in (ring.number, keys.DERIVED):
                self._log.drop_key(f"{keys.DATA}{number}")

    # master keys

    async def _change_master(self, masters: MasterKeys) -> MasterKeys:
        """Make a new one; answers it when it alone seals, and alone lies in the file."""
        if masters.path is None:
            raise WorkFailed(GIVEN)
        if masters.keys[1:]:  # somebody put a new one there, or an earlier try ended half-way
            await self._seal_under(masters)
        both = masters.newest.followed_by(secrets.token_bytes(master_keys.KEY_BYTES))
        await self._files(functools.partial(master_keys.replace, both))
        await self._seal_under(both)
        await self._files(functools.partial(master_keys.replace, both.newest))
        return both.newest

    async def _seal_under(self, masters: MasterKeys) -> None:
        """Seal all keys under the first of these; what no longer seals may be forgotten then."""
        seal = functools.partial(keys.seal_anew, masters, self._log)
        await self._step(self._writer.transact, seal)

    # steps

    async def _files(self, how: Callable[[], T]) -> T:
        """Read or write the file of the master key, beside the event loop. Raises WorkFailed."""
        try:
            return await asyncio.to_thread(how)
        except KeyUnusable as error:
            raise WorkFailed(f"A key cannot be used: {error}.") from None
        except OSError as error:
            reason = f"The file of the master key cannot be written: {error.strerror}."
            raise WorkFailed(reason) from None

    async def _step(
        self, how: Callable[[Callable[[], Any]], Awaitable[Any]], what: Callable[[], Any]
    ) -> Any:
        """Have something done on the writer's thread, when it has room. Raises WorkFailed."""
        for _ in range(TRIES_MAX):
            try:
                return await how(what)
            except Overloaded as error:
                await asyncio.sleep(error.retry_after)
            except StorageFull:
                raise WorkFailed("The disk is full.") from None
            except KeyUnusable as error:
                raise WorkFailed(f"A key cannot be used: {error}.") from None
        raise WorkFailed("The server has too much to do; try again.", transient=True)


def policy(
    bus: Bus,
    vault_keys: VaultKeys,
    views: Views,
    event: Callable[[int], Recorded | None],
    *,
    ring: Ring,
    clock: Clock,
) -> VaultPolicy:
    """What changes the keys when somebody asked for it."""

    def unended() -> Recorded | None:
        found = rotations.running(views.current)
        return None if found is None else event(found.job)

    def show(job: int, progress: Progress) -> None:
        """A frame for whoever watches; not an event, so it has no position."""
        fields = {"job": job, **msgspec.structs.asdict(progress)}
        ring.publish([live.progress(clock(), "config.manage", "vault_rotation_progress", fields)])

    return VaultPolicy(bus, vault_keys, unended=unended, monotonic=time.monotonic, show=show)
