"""Defects to plant in a server: each law of the server must catch the one that breaks it."""

import sys
import time

import msgspec

from api import once, sockets
from infra import connections
from infra.log.sqlite import SQLiteLog
from infra.writer import Writer
from projections.live import Ring

DROPPED_S = 0.3  # how long a commit that is only said to be done is kept back
FORGOTTEN = 400  # every so many frames one is left out


def commit_kept_back():
    """Callers are answered before the disk has their events."""
    commit, begin = SQLiteLog.commit, SQLiteLog.begin

    def late(self):
        now = time.monotonic()
        if now > getattr(self, "due", 0):
            self.due = now + DROPPED_S
            commit(self)

    def again(self):
        self.due = getattr(self, "due", time.monotonic() + DROPPED_S)
        if not self.connection.in_transaction:
            begin(self)

    SQLiteLog.commit, SQLiteLog.begin = late, again


def key_ignored():
    """A request under an Idempotency-Key is carried out whenever it comes."""
    send = Writer.send

    async def anew(self, command, origin):
        return await send(self, command, msgspec.structs.replace(origin, once=None))

    Writer.send = anew


def keys_unknown():
    """As `key_ignored`, and no answer is given again."""
    key_ignored()

    async def nothing(self, request):
        return None

    once.Turns.before = nothing


def frame_forgotten():
    """The ring leaves out a frame now and then."""
    publish = Ring.publish

    def leaky(self, new):
        publish(self, [frame for frame in new if not frame.position or frame.position % FORGOTTEN])

    Ring.publish = leaky


def impatient():
    """No defect: a client that takes nothing is cut off sooner, so that a test need not wait."""
    sockets.STUCK_S = 2.0
    connections.SEND_BYTES_MAX = 16 * 1024


def sockets_cut():
    """Told to stop, the server drops its sockets without a last frame."""

    def shutdown(self):
        self.transport.abort()

    connections.Socket.shutdown = shutdown


def plant(name):
    globals()[name]()


if __name__ == "__main__":
    plant(sys.argv.pop(1))
    from infra.main import main

    sys.exit(main())
