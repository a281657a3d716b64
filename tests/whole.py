"""The whole suite: `python -m tests.whole [pytest's arguments]`, which `make test` runs.

First what can share the machine, in four processes on two cores; then what measures time, by
itself. With `CI` set, a few tests that failed are run once more, one after the other, on the
machine that is quiet now. One that fails again is broken. One that does not is unsteady: the end
of the run names it, to be mended, and it does not turn away a change of something else (decision
20).
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

SHARED = ("--numprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder")
SHARED += ("-m", "not soak and not alone")
ALONE = ("-m", "alone and not soak")
AGAIN = ("-m", "not soak", "--last-failed", "--last-failed-no-failures=none", "-rfEp")
AGAIN_MAX = 5  # of more failures the machine is not the reason
LAST_FAILED = ".pytest_cache/v/cache/lastfailed"
PASSED, FAILED, NONE_PICKED = pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, 5


def main(arguments: Sequence[str], environ: Mapping[str, str], folder: Path) -> int:
    def run(*options: str) -> int:
        command = [sys.executable, "-m", "pytest", *options, *arguments]
        return subprocess.run(command, check=False, cwd=folder).returncode

    (folder / LAST_FAILED).unlink(missing_ok=True)
    codes = {run(*SHARED), run(*ALONE)} - {PASSED, NONE_PICKED}
    if not environ.get("CI") or codes != {FAILED} or _failed(folder) > AGAIN_MAX:
        return max(codes, default=PASSED)
    print("\nOnce more, by themselves, the tests that failed:", flush=True)  # noqa: T201
    if code := run(*AGAIN):
        return code
    print("\nUnsteady, and to be mended: those that passed just now.")  # noqa: T201
    return PASSED


def _failed(folder: Path) -> int:
    return len(json.loads((folder / LAST_FAILED).read_bytes()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ, Path(__file__).parents[1]))
