"""strace around the real server: to record what it does to the disk, or to make a call fail.

`-D` leaves the server the direct child of the test, with strace beside it.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.harness import lives, until

CHANGES = (
    *("openat", "lseek", "write", "pwrite64", "pwritev", "writev", "ftruncate", "fallocate"),
    *("fsync", "fdatasync", "sync_file_range", "rename", "renameat", "renameat2"),
    *("mkdir", "unlink", "unlinkat", "rmdir", "link", "linkat", "symlink", "sendto", "sendmsg"),
)
STRING_BYTES_MAX = 16 * 1024 * 1024  # of one argument: nothing that is written may be cut short
ATTACH_S = 10.0


def absent(what: str) -> None:
    """Something that this machine lacks: a reason to skip, but for CI, which must have it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}, and CI must run the tests of faults")
    pytest.skip(what)


def require() -> None:
    """Skip, or fail in CI, when strace cannot be used."""
    if shutil.which("strace") is None:
        absent("strace is not installed")
    probe = ("strace", "-qq", "-o", "/dev/null", "-e", "trace=none", "true")
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        absent("this machine does not let strace trace")


def recorder(trace: Path) -> tuple[str, ...]:
    """The command under which a server writes down all that it changes on the disk, and says."""
    return (
        *("strace", "-D", "-f", "--seccomp-bpf", "-qq", "-y", "-xx", "-s", str(STRING_BYTES_MAX)),
        *("-e", f"trace={','.join(CHANGES)}", "-e", "signal=none", "-o", str(trace)),
    )


def tracer_of(pid: int) -> int:
    """Who traces a process; 0 when nobody does."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("TracerPid:")[2].split()[0])


@contextlib.contextmanager
def injecting(pid: int, what: str, paths: tuple[Path, ...] = ()) -> Iterator[None]:
    """Tamper with the calls of a running process: `what` is as strace's `-e inject=` takes it.

    Calls are counted for each thread by itself, so that those of the writer are always the same
    ones. With paths, only calls that name them, or a descriptor of theirs, count.
    """
    calls = what.partition(":")[0]
    command = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={what}"]
    for path in paths:
        command += ["-P", str(path)]
    tracer = subprocess.Popen(
        (*command, "-p", str(pid)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _traced(pid, tracer.pid), ATTACH_S, 0.005)
        yield
    finally:
        if lives(pid):
            tracer.send_signal(signal.SIGINT)  # it lets go of the process, which goes on
        else:
            tracer.kill()  # it may wait for ever for threads that are gone
        tracer.wait(ATTACH_S)


def _traced(pid: int, tracer: int) -> bool:
    """Whether the tracer has taken hold of every thread."""
    with contextlib.suppress(OSError):
        return all(
            f"TracerPid:\t{tracer}\n" in (task / "status").read_text()
            for task in Path(f"/proc/{pid}/task").iterdir()
        )
    return False
