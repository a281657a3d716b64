"""`dango run`: ask for models to be built, tell of each as it ends, cancel on Ctrl-C."""

import argparse
import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, Final

from api.cli.client import OPEN, Api
from api.cli.command import Command, arg
from api.cli.output import Output, number
from api.cli.world import Refusal

POLL_S: Final = 0.2  # between two looks at a run
CANCEL_WAIT_S: Final = 15.0  # how long a cancelled run may take to end
FOLLOW_WAIT_S: Final = 2.0  # how long a sync may take to lead to a run


async def run(given: argparse.Namespace, api: Api, out: Output) -> int:
    """Build models; 1 when one of them could not be built, or a test failed."""
    body = {"select": given.select, "full_refresh": given.full_refresh}
    job = (await api.post("/api/dbt/run", body))["job_id"]
    teller = _Teller(out, quiet=given.json)
    try:
        ended = await _until_ended(api, job, teller)
    except asyncio.CancelledError:
        ended = await _cancel(api, job)
        out.problem("The run was cancelled; what was built before is published.")
    if given.json:
        out.json(ended)
    return _tell(ended, out, quiet=given.json)


async def follow(api: Api, jobs: Sequence[int], out: Output, *, quiet: bool = False) -> int:
    """See the runs through that these syncs led to; 1 when one of them failed."""
    code = 0
    for job in sorted({each for sync in jobs for each in await _led_to(api, sync)}):
        code |= _tell(await _until_ended(api, job, _Teller(out, quiet=quiet)), out, quiet=quiet)
    return code


async def _led_to(api: Api, sync: int) -> list[int]:
    """The runs behind a sync, which its completion asks for a moment later."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FOLLOW_WAIT_S):
            while True:
                found = await api.get("/api/dbt/runs", sync=sync)
                if found["runs"] or not found["auto_dbt"]:
                    return [each["id"] for each in found["runs"]]
                await asyncio.sleep(POLL_S)
    return []


async def _until_ended(api: Api, job: int, teller: "_Teller") -> dict[str, Any]:
    while True:
        found: dict[str, Any] = await api.get(f"/api/dbt/runs/{job}")
        teller.show(found)
        if found["status"] not in OPEN:
            return found
        await asyncio.sleep(POLL_S)


async def _cancel(api: Api, job: int) -> dict[str, Any]:
    with contextlib.suppress(Refusal):  # it has ended meanwhile
        await api.post(f"/api/dbt/runs/{job}/cancel")
    try:
        async with asyncio.timeout(CANCEL_WAIT_S):
            return await _until_ended(api, job, _Teller(None, quiet=True))
    except TimeoutError:
        raise Refusal("The run was told to stop and has not ended yet; see `status`.") from None


def _tell(run: dict[str, Any], out: Output, *, quiet: bool) -> int:
    if run["status"] == "success":
        if not quiet:
            passed = f", {_many(run['tests'], 'test')} passed" if run["tests"] else ""
            out.line(f"{_many(run['models'], 'model')} built{passed}")
        return 0
    if run["error"] is not None:
        out.problem(f"{run['error']}{_place(run)}")
    return 1


def _many(count: int, what: str) -> str:
    return f"{number(count)} {what}{'' if count == 1 else 's'}"


def _place(found: dict[str, Any]) -> str:
    """Where in which file, unless the sentence has said it."""
    if found["file"] is None or found["file"] in (found["error"] or ""):
        return ""
    line = "" if found["line"] is None else f", line {found['line']}"
    return f" ({found['file']}{line})"


class _Teller:
    """A line for each model that comes to its end."""

    def __init__(self, out: Output | None, *, quiet: bool) -> None:
        self._out, self._quiet = out, quiet
        self._told: set[str] = set()
        self._state = ""

    def show(self, run: dict[str, Any]) -> None:
        """Tell what is new."""
        if self._out is None or self._quiet:
            return
        if run["status"] in OPEN and run["status"] != self._state:
            self._state = run["status"]
            self._out.note(f"models: {self._state}")
        for result in run["results"]:
            if result["status"] != "running" and result["model"] not in self._told:
                self._told.add(result["model"])
                self._out.line(_outcome(result))


def _outcome(result: dict[str, Any]) -> str:
    if result["status"] != "success":
        return f"{result['model']}: {result['status']}"
    rows = "" if result["rows"] is None else f": {number(result['rows'])} rows"
    return f"{result['model']}{rows}, {result['duration_s']:.1f} s"


ROWS: Final[tuple[Command, ...]] = (
    Command(
        "run",
        "build dbt models and run their tests; all, when none is selected",
        "dango run stg_orders__orders+",
        run,
        (
            arg("select", metavar="SELECT", nargs="*", help="a model, or a selector of dbt's"),
            arg("--full-refresh", action="store_true", help="build incremental models anew"),
        ),
        policies=True,
    ),
)
