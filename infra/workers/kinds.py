"""Every kind of child process there is: its handler and its limits, in one table."""

import msgspec

GIB = 1024**3
MIB = 1024**2
BACKGROUND = 10  # niceness of what takes minutes
ASKED_FOR = 5  # of what somebody waits for


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of work. `handler` is a module with `start(config) -> Run`, see desk.py.

    A limit of None leaves the system's own. `file_bytes_max` and `processes_max` come into force
    after `start`; `processes_max` counts threads too and does not bind the root user.
    """

    name: str
    handler: str
    concurrency_max: int = 1
    spares: int = 0  # idle workers that are kept ready
    waiting_max: int = 32  # tasks that may wait for a slot; the next one is Busy
    tasks_max: int = 200  # a worker is replaced after so many
    result_bytes_max: int = 8 * MIB
    address_space_bytes_max: int | None = 8 * GIB
    file_bytes_max: int | None = None
    cpu_s_max: int | None = None  # per task
    processes_max: int | None = None
    open_files_max: int = 1024
    # How far the system puts the child behind the server process, which must answer meanwhile. It
    # costs nothing where there is a processor for each; 19 is the most.
    niceness: int = 0
    network: bool = False  # False: an empty network namespace, where the system lets us make one


KINDS: tuple[Kind, ...] = (
    Kind(
        name="load",
        handler="infra.loading.worker",
        concurrency_max=2,
        spares=1,
        waiting_max=256,
        file_bytes_max=64 * GIB,
        cpu_s_max=4 * 3600,
        niceness=BACKGROUND,
    ),
    Kind(
        name="fetch",  # a load that asks others over the network
        handler="infra.loading.worker",
        concurrency_max=2,
        waiting_max=256,
        tasks_max=20,
        file_bytes_max=64 * GIB,
        cpu_s_max=4 * 3600,
        niceness=BACKGROUND,
        network=True,
    ),
    Kind(
        name="query",
        handler="infra.querying.worker",
        concurrency_max=4,
        spares=2,
        waiting_max=64,
        result_bytes_max=64 * MIB,
        address_space_bytes_max=4 * GIB,
        file_bytes_max=0,
        cpu_s_max=90,
        niceness=ASKED_FOR,
        processes_max=0,
        open_files_max=256,
    ),
    Kind(
        name="log",
        handler="infra.log.worker",
        concurrency_max=2,
        waiting_max=16,
        cpu_s_max=3600,
        niceness=BACKGROUND,
    ),
    Kind(
        name="warehouse",
        handler="infra.warehouse.worker",
        concurrency_max=2,
        waiting_max=16,
        cpu_s_max=3600,
        niceness=BACKGROUND,
    ),
)
