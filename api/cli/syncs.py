"""`dango sync`: ask for syncs, show how far they are, cancel them on Ctrl-C."""

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Final, Protocol

from api.cli import models
from api.cli.arguments import day
from api.cli.client import OPEN, Api, segment
from api.cli.command import Command, arg
from api.cli.output import Output, number
from api.cli.world import Refusal

POLL_S: Final = 0.2  # between two looks at a job
CANCEL_WAIT_S: Final = 15.0  # how long a cancelled job may take to end
BEFORE_WAIT_S: Final = 300.0  # how long jobs may take that are under way already
BUSY: Final = frozenset({"queued", "syncing"})  # states of a source


class Progress(Protocol):
    """Shows how far runs are."""

    def show(self, run: dict[str, Any]) -> None: ...


async def sync(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Sync sources, and cancel that on Ctrl-C; 1 when any of them was not loaded."""
    names = list(dict.fromkeys(given.sources)) or await _enabled(api)
    options = {"start_date": given.since, "end_date": given.until}
    dated = {name: value for name, value in options.items() if value is not None}
    jobs: list[int] = []
    behind = 0
    try:
        async for job in _request(api, names, full_refresh=given.full_refresh, dated=dated):
            jobs.append(job)  # noqa: PERF401 - one by one: a Ctrl-C must know what was asked for
        ended = await _watch(api, jobs, out)
        behind = await models.follow(api, _loaded(ended), out, quiet=given.json)
    except asyncio.CancelledError:
        ended = await _cancel(api, jobs)
        out.problem("The sync was cancelled; what was not loaded yet stays as it was.")
    if given.json:
        out.json(ended)
    return _tell(ended, out, quiet=given.json) or behind


async def sync_all(api: Api, out: Output, names: Sequence[str]) -> int:
    """Sync these sources as one job, once those have ended that a stopped server had begun."""
    with contextlib.suppress(TimeoutError):  # the API then refuses, with the job's number
        async with asyncio.timeout(BEFORE_WAIT_S):
            while await _busy(api, names):  # noqa: ASYNC110 - it is asked over HTTP
                await asyncio.sleep(POLL_S)
    jobs = [job async for job in _request(api, names, full_refresh=False, dated={})]
    ended = await _watch(api, jobs, out)
    return _tell(ended, out) or await models.follow(api, _loaded(ended), out)


def _loaded(jobs: Sequence[dict[str, Any]]) -> list[int]:
    """Those that brought data: something follows from them."""
    return [job["id"] for job in jobs if any(run["status"] == "success" for run in job["runs"])]


async def _busy(api: Api, names: Sequence[str]) -> bool:
    found = await api.get("/api/sources")
    return any(source["name"] in names and source["status"] in BUSY for source in found)


def _tell(jobs: Sequence[dict[str, Any]], out: Output, *, quiet: bool = False) -> int:
    runs = [run for job in jobs for run in job["runs"]]
    for run in runs:
        if run["status"] not in ("failed", "interrupted") and not quiet:
            out.line(_outcome(run))
        if run["error"] is not None:  # of a run that succeeded too: what it left out
            out.problem(f"{run['source']}: {run['error']}{_place(run)}")
    return 0 if all(run["status"] == "success" for run in runs) else 1


async def _enabled(api: Api) -> list[str]:
    names = [source["name"] for source in await api.get("/api/sources") if source["enabled"]]
    if not names:
        raise Refusal("There is no enabled source; write one into .dango/sources.yml.")
    return names


async def _request(
    api: Api, names: Sequence[str], *, full_refresh: bool, dated: dict[str, str]
) -> AsyncIterator[int]:
    """Ask for one job; with dates, which only the route of one source takes, for one each."""
    if not dated:
        body = {"sources": list(names), "full_refresh": full_refresh}
        yield (await api.post("/api/sync/trigger", body))["job_id"]
        return
    for name in names:
        path = f"/api/sources/{segment(name)}/sync"
        yield (await api.post(path, {"full_refresh": full_refresh, **dated}))["job_id"]


async def _watch(api: Api, jobs: Sequence[int], out: Output) -> list[dict[str, Any]]:
    with _progress(out) as progress:
        return await _until_ended(api, jobs, progress)


async def _until_ended(api: Api, jobs: Sequence[int], progress: Progress) -> list[dict[str, Any]]:
    while True:
        found = [await api.get(f"/api/sync/status/{job}") for job in jobs]
        runs = [run for job in found for run in job["runs"]]
        for run in runs:
            progress.show(run)
        if not any(run["status"] in OPEN for run in runs):
            return found
        await asyncio.sleep(POLL_S)


async def _cancel(api: Api, jobs: Sequence[int]) -> list[dict[str, Any]]:
    for job in jobs:
        with contextlib.suppress(Refusal):  # it has ended meanwhile
            await api.post(f"/api/sync/{job}/cancel")
    try:
        async with asyncio.timeout(CANCEL_WAIT_S):
            return await _until_ended(api, jobs, _Silence())
    except TimeoutError:
        raise Refusal("The sync was told to stop and has not ended yet; see `status`.") from None


def _outcome(run: dict[str, Any]) -> str:
    if run["status"] != "success":
        return f"{run['source']}: {run['status']}"
    if not run["rows"]:
        return f"{run['source']}: no new rows"
    rows = "1 row" if run["rows"] == 1 else f"{number(run['rows'])} rows"
    return f"{run['source']}: {rows} loaded"


def _place(run: dict[str, Any]) -> str:
    """Where in which file, unless the sentence has said it."""
    if run["file"] is None or run["file"] in (run["error"] or ""):
        return ""
    line = "" if run["line"] is None else f", line {run['line']}"
    return f" ({run['file']}{line})"


class _Silence:
    def show(self, run: dict[str, Any]) -> None:
        """Show nothing."""


class _Lines:
    """A line whenever a run comes to another state."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._told: dict[str, str] = {}

    def show(self, run: dict[str, Any]) -> None:
        """As the port says."""
        name, status = run["source"], run["status"]
        if status in OPEN and self._told.get(name) != status:
            self._told[name] = status
            self._out.note(f"{name}: {status}")


class _Bars:
    """A bar for each source."""

    def __init__(self, bars: Any) -> None:
        self._bars = bars
        self._tasks: dict[str, Any] = {}

    def show(self, run: dict[str, Any]) -> None:
        """As the port says."""
        name, now = run["source"], run["progress"]
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=None, what="")
        task = self._tasks[name]
        if run["status"] not in OPEN:
            what = f"{number(run['rows'])} rows" if run["rows"] is not None else run["status"]
            self._bars.update(task, total=1, completed=1, what=what)
        elif now is not None:
            what = f"{now['phase']} {number(now['done'])} {now['unit']}"
            self._bars.update(task, total=now["total"] or None, completed=now["done"], what=what)
        else:
            self._bars.update(task, what=run["status"])


@contextlib.contextmanager
def _progress(out: Output) -> Iterator[Progress]:
    if not out.lively:
        yield _Lines(out)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    with Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[what]}", markup=False),
        TimeElapsedColumn(),
        console=Console(file=out.err),
    ) as bars:
        yield _Bars(bars)


ROWS: Final[tuple[Command, ...]] = (
    Command(
        "sync",
        "load sources into the warehouse; all enabled ones, when none is named",
        "dango sync orders customers",
        sync,
        (
            arg("sources", metavar="SOURCE", nargs="*", help="name of a source"),
            arg("--full-refresh", action="store_true", help="load everything anew"),
            arg("--since", metavar="D", type=day, help="only from this day on (2026-05-17)"),
            arg("--until", metavar="D", type=day, help="only up to this day"),
        ),
        policies=True,
    ),
)
