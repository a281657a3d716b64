"""What passing a request on adds: the same request through the server, and without it."""

import asyncio
import statistics
import threading
import time

import httpx

from tests.api.upstream import Upstream
from tests.bench import http
from tests.bench.figures import Figure

REQUESTS = 500
PAGE = b"x" * 8_192


class Behind(threading.Thread):
    """The server behind ours, in a thread of its own."""

    def __init__(self):
        super().__init__(daemon=True)
        self.upstream, self.ready = Upstream(), threading.Event()
        self.upstream.answers["/page"] = (200, {}, PAGE)

    def run(self):
        asyncio.run(self._serve())

    async def _serve(self):
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with self.upstream:
            self.ready.set()
            await self._over.wait()

    def stop(self):
        self._loop.call_soon_threadsafe(self._over.set)
        self.join()


def every(folder, cookies):
    project, behind = folder / "project", Behind()
    behind.start()
    behind.ready.wait()
    (project / ".dango" / "metabase.yml").write_text(f"metabase_url: {behind.upstream.url}\n")
    try:
        with http.served(project) as (port, _):
            cookie = cookies[0] if isinstance(cookies, list) else next(iter(cookies.values()))
            shown = {"cookie": f"dango_session={cookie}"}
            base = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=base, headers=shown, trust_env=False) as client:
                through = _times(client, "/metabase/page")
        with httpx.Client(base_url=behind.upstream.url, trust_env=False) as client:
            direct = _times(client, "/page")
    finally:
        behind.stop()
    added = [statistics.median(through) - statistics.median(direct)]
    p99 = statistics.quantiles(through, n=100)[-1]
    yield Figure(
        name="proxy, added latency of an 8 KiB page, p50",
        value=added[0],
        unit="ms",
        limit=3,
        least=False,
        note=f"p99 of the whole {p99:.1f} ms",
    )


def _times(client, path):
    times = []
    for _ in range(REQUESTS):
        begin = time.perf_counter()
        answer = client.get(path)
        times.append((time.perf_counter() - begin) * 1000)
        assert (200, PAGE) == (answer.status_code, answer.content), answer.text[:200]
    return times[REQUESTS // 10 :]
