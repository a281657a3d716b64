"""What the system holds a child to: limits, death with its parent, a network of its own."""

import contextlib
import ctypes
import os
import resource
import signal
from pathlib import Path

from infra.workers.kinds import Kind

AUTOGROUP = Path("/proc/self/autogroup")
PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000


def before_start(kind: Kind) -> None:
    """Limits that hold from the first line of the handler on."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_NOFILE, kind.open_files_max)
    _lower(resource.RLIMIT_AS, kind.address_space_bytes_max)
    _stand_back(kind.niceness)


def after_start(kind: Kind) -> None:
    """Limits that would be in the way of opening a database and starting its threads."""
    _lower(resource.RLIMIT_FSIZE, kind.file_bytes_max)
    _lower(resource.RLIMIT_NPROC, kind.processes_max)


def before_task(kind: Kind) -> None:
    """Give the task its share of CPU time; the system counts over the whole life of the process."""
    if kind.cpu_s_max is None:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + kind.cpu_s_max
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def die_with(parent: int) -> None:
    """Ask for SIGKILL when the parent dies, and leave at once if it is dead already."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def leave_network() -> bool:
    """Move into an empty network namespace; False where the system does not allow it.

    Call it while the process has one thread, and before `die_with`: changing credentials clears
    the death signal.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) == 0:
        return True
    # Who is not root needs a user namespace first. Its ids stay unmapped: files that are made keep
    # the owner that they would have had.
    return bool(libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)


def _stand_back(niceness: int) -> None:
    os.nice(niceness)
    # A child has a session of its own. Where the system groups processes by sessions, what counts
    # between two of them is the niceness of the groups. sched(7), "The autogroup feature"
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(niceness))


def _lower(limit: int, value: int | None) -> None:
    if value is None:
        return
    hard = resource.getrlimit(limit)[1]
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (bound, bound))
