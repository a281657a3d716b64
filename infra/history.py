"""The log for those who may read it: single events, and the proof that none was changed."""

import asyncio
import itertools
from typing import Final

from eventsourcing.dcb.api import DCBQuery, DCBQueryItem

from domain.kernel import Recorded
from infra.log.envelope import Codec, framed
from infra.log.places import chained
from infra.log.port import Log
from infra.log.tasks import Verify
from infra.workers.pool import Pool
from projections.audit import Mark, Noted, Stored, Verified

VERIFY_DEADLINE_S: Final = 600.0


class LogHistory:
    """The `History` port. Verification of a long log is a worker's task."""

    def __init__(self, log: Log, codec: Codec, pool: Pool) -> None:
        self._log, self._codec, self._pool = log, codec, pool

    def head(self) -> int:
        """As the port says."""
        return self._log.head()

    def get(self, position: int) -> tuple[Recorded, str] | None:
        """As the port says."""
        found = self._log.at(position)
        if found is None:
            return None
        (at, kind, _, data), digest = found
        return self._codec.open(at, kind, data), digest.hex()

    def event(self, position: int) -> Recorded | None:
        """An event without its hash."""
        found = self.get(position)
        return found[0] if found else None

    def under(self, mark: str) -> Mark | None:
        """As the port says."""
        rows = self._log.fetch(DCBQuery([DCBQueryItem(tags=[mark])]), limit=None)
        if not rows:
            return None
        envelopes = [self._codec.envelope(data) for *_, data in rows]
        request = next((each.request for each in envelopes if each.request is not None), None)
        return Mark(rows[-1][0], envelopes[-1].at, request)

    def page(self, after: int, limit: int) -> list[Recorded]:
        """As the port says."""
        rows = self._log.fetch(None, after=after, limit=limit)
        return [self._codec.open(at, kind, data) for at, kind, _, data in rows]

    async def stored(self, after: int, limit: int) -> list[Stored]:
        """As the port says. In a thread, on a connection of its own: a page can be megabytes."""
        return await asyncio.to_thread(self._stored, after, limit)

    def _stored(self, after: int, limit: int) -> list[Stored]:
        place = self._log.place
        found = []
        for position, record, digest in itertools.islice(chained(place, after), limit):
            envelope = self._codec.envelope(record.data)
            found.append(
                Stored(
                    position=position,
                    hash=digest.hex(),
                    record=framed(record),
                    id=envelope.id,
                    type=record.type,
                    at=envelope.at,
                    stream=envelope.stream,
                    tags=record.tags.decode(),
                    actor=envelope.actor,
                    via=envelope.via,
                    command=envelope.command,
                    correlation=envelope.correlation,
                    causation=envelope.causation,
                    data=envelope.data,
                )
            )
        return found

    async def verify(self, noted: Noted | None = None) -> Verified:
        """As the port says."""
        task = Verify(log=self._log.place, noted=noted)
        return await self._pool.run("log", task, deadline_s=VERIFY_DEADLINE_S, result_type=Verified)
