"""The pages of 50 sources and 200 models: how long the server takes for each, what a browser gets.

Pages are asked for one after the other over one connection, by a client that parses next to
nothing; what a page takes is what passes until its answer is whole.
"""

import json
import re
import shutil
import statistics
import urllib.request

from api.routes import ROUTES
from tests.bench import http
from tests.bench.figures import Figure
from tests.bench.history import name
from tests.bench.load import Client

REQUESTS = 60
WARM = 3  # answers that find nothing kept, and templates that were not read
P50_MS = 10
FIRST = "model_0"
# What stands for a part of a path; pages of none of these have no part.
PARTS = {
    "source_name": name(0),
    "owner": name(0),
    "table": name(0),
    "model_name": FIRST,
    "name": "s00",
    "type_name": "postgres",
    "token": "t",
}
FURNISHED = (
    ("/notebooks", b"name=returns&template=explore"),
    ("/saved-queries", b"name=One&sql=select+1&shared=on"),
)
MORE = (  # pages that show more when they are asked to
    "/events?q=type:sync_*",
    "/models?show=lineage",
    "/catalog?q=column_7",
    "/search?q=so",
    f"/changes?from=1&stream=source:{name(0)}",
    f"/monitoring?metric={name(0)}_{name(0)}_row_count",
)
# Chromium is a browser of one machine among others: its figures are told by the best of these.
LOOKS = 7
REQUESTS_MAX, BYTES_MAX, PAINT_MS = 8, 60_000, 500


def every(folder, _):
    project = folder / "estate"
    token = json.loads(http.python("estate", str(project)).stdout)
    with http.served(project) as (port, _):
        for path, body in FURNISHED:
            _opened(port, token, path, body)
        job, user = _job(port, token), _user(port, token)
        for path in (*paths(job, user), *MORE):
            yield _asked(port, token, path)
        yield from _looked(port, token)


def paths(job, user):
    """Each page of the route table, with something in the place of its parts."""
    known = {**PARTS, "job_id": job, "position": job, "user_id": user}
    return [
        re.sub(r"{(\w+):\w+}", lambda part: str(known[part[1]]), row.path)
        for row in ROUTES
        if row.page and row.method == "GET"
    ]


def _asked(port, token, path):
    asking = Client(port, token, lambda _: iter(()), 0, "Accept-Encoding: gzip\r\n")
    for _ in range(REQUESTS + WARM):
        asking.ask((b"GET", path.encode(), b""))
        while (body := asking.take_some()) is None:
            continue
    asking.socket.close()
    moved = asking.last_bad.startswith((b"HTTP/1.1 302", b"HTTP/1.1 303"))
    if asking.bad and not moved:
        raise RuntimeError(f"{path}: {asking.last_bad.decode(errors='replace')}")
    times = [took_s * 1000 for took_s in asking.times[WARM:]]
    return Figure(
        name=f"page {path}, p50",
        value=statistics.median(times),
        unit="ms",
        limit=P50_MS,
        least=False,
        note=f"p90 {statistics.quantiles(times, n=10)[-1]:.1f} ms, {len(body) / 1024:,.0f} KiB,"
        f" first {asking.times[0] * 1000:.0f} ms",
    )


def _opened(port, token, path, body=None):
    headers = {"Cookie": f"dango_session={token}"}
    url = f"http://127.0.0.1:{port}{path}"
    asking = urllib.request.Request(url, body, headers)
    with urllib.request.urlopen(asking, timeout=30) as answer:  # noqa: S310 - ours
        return answer.read()


def _read(port, token, path):
    return json.loads(_opened(port, token, path))


def _job(port, token):
    return _read(port, token, "/api/dbt/runs")["runs"][0]["id"]


def _user(port, token):
    return _read(port, token, "/api/admin/users")[0]["id"]


def _looked(port, token):
    """The dashboard in a browser, with nothing in its cache."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return
    from playwright.sync_api import sync_playwright  # which not everybody has who measures

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        looks = [_look(browser, port, token) for _ in range(LOOKS)]
        browser.close()
    requests, size, paint_ms = (min(values) for values in zip(*looks, strict=True))
    for what, value, unit, limit in (
        ("requests", requests, "requests", REQUESTS_MAX),
        ("transferred", size, "bytes", BYTES_MAX),
        ("first contentful paint", paint_ms, "ms", PAINT_MS),
    ):
        yield Figure(
            name=f"dashboard in Chromium: {what}", value=value, unit=unit, limit=limit, least=False
        )


def _look(browser, port, token):
    """Requests, bytes that were sent for them, and when the first content was painted."""
    base = f"http://127.0.0.1:{port}"
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "dango_session", "value": token, "url": base}])
    page, ended = context.new_page(), []
    page.on("requestfinished", lambda request: ended.append(request))  # noqa: PLW0108 - a builtin cannot be marked
    page.goto(f"{base}/")
    page.locator("#state", has_text="Live").wait_for()
    painted = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    sizes = [request.sizes() for request in ended]
    sent = sum(each["responseBodySize"] + each["responseHeadersSize"] for each in sizes)
    found = len(ended), sent, page.evaluate(painted)
    context.close()
    return found
