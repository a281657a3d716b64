"""Looks that take long, and the event loop meanwhile."""

import asyncio
import threading
from datetime import UTC, datetime
from types import SimpleNamespace

from api.call import Call
from api.callers import ANONYMOUS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WAIT_S = 10


class Views:
    """Keeps one answer, which takes until `go` is set to make."""

    def __init__(self):
        self.go, self.looks, self.threads, self.found = threading.Event(), 0, set(), None

    def holds(self, tables, look, *key):
        return self.found is not None

    def kept(self, tables, look, *key):
        if self.found is None:
            self.looks += 1
            self.threads.add(threading.current_thread())
            assert self.go.wait(WAIT_S)
            self.found = look(self, *key)
        return self.found


def call_of(views, platform):
    call = Call(None, platform, None, ANONYMOUS, request_id="", stood=0)
    call.views = views
    return call


def test_a_long_look_is_taken_once_and_leaves_the_event_loop_free():
    async def story():
        views = Views()
        platform = SimpleNamespace(clock=lambda: NOW, looking=asyncio.Lock())
        calls = [call_of(views, platform) for _ in range(3)]
        asked = [asyncio.create_task(call.kept((), lambda _, n: n + 1, 6)) for call in calls]
        async with asyncio.timeout(WAIT_S):
            while not views.looks:  # noqa: ASYNC110 - the loop turns while the look waits
                await asyncio.sleep(0)
            assert not any(task.done() for task in asked)
            views.go.set()
            assert [7, 7, 7] == await asyncio.gather(*asked)
        assert 1 == views.looks
        assert threading.main_thread() not in views.threads
        assert 7 == await calls[0].kept((), lambda _, n: n + 1, 6)

    asyncio.run(story())
