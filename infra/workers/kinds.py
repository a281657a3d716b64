"""Every kind of child process there is: its handler and its limits, in one table."""

import msgspec

GIB = 1024**3
MIB = 1024**2
# How far the system puts children behind the server process, which must answer meanwhile: with 5,
# the slowest in a hundred answers took 20 ms instead of 12 while eight asked and a sync ran.
BEHIND = 10


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of work. `handler` is a module with `start(config) -> Run`, see desk.py.

    A limit of None leaves the system's own. `file_bytes_max` and `processes_max` come into force
    after `start`; `processes_max` counts threads too and does not bind the root user.
    """

    name: str
    handler: str
    concurrency_max: int = 1
    spares: int = 0  # idle workers that are kept ready; one, before the first task
    lazy: bool = False  # none is kept ready before the first task
    start_s_max: float = 30.0  # until it is ready
    waiting_max: int = 32  # tasks that may wait for a slot; the next one is Busy
    tasks_max: int = 200  # a worker is replaced after so many
    result_bytes_max: int = 8 * MIB
    address_space_bytes_max: int | None = 8 * GIB
    file_bytes_max: int | None = None
    cpu_s_max: int | None = None  # per task
    processes_max: int | None = None
    open_files_max: int = 1024
    # It costs nothing where there is a processor for each; 19 is the most.
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
        niceness=BEHIND,
    ),
    Kind(
        name="fetch",  # a load that asks others over the network
        handler="infra.loading.worker",
        concurrency_max=2,
        waiting_max=256,
        tasks_max=20,
        file_bytes_max=64 * GIB,
        cpu_s_max=4 * 3600,
        niceness=BEHIND,
        network=True,
    ),
    Kind(
        name="query",
        handler="infra.querying.worker",
        concurrency_max=4,
        spares=2,
        waiting_max=64,
        tasks_max=2_000,  # while a child starts, the server stands still for some 10 ms
        result_bytes_max=64 * MIB,
        address_space_bytes_max=4 * GIB,
        file_bytes_max=0,
        cpu_s_max=90,
        niceness=BEHIND,
        processes_max=0,
        open_files_max=256,
    ),
    Kind(
        name="dbt",
        start_s_max=120.0,  # three seconds where nothing else runs
        handler="infra.modelling.worker",
        spares=1,
        lazy=True,
        waiting_max=8,
        tasks_max=50,
        result_bytes_max=32 * MIB,
        file_bytes_max=64 * GIB,
        cpu_s_max=4 * 3600,
        niceness=BEHIND,
    ),
    Kind(
        name="inspect",  # looks into data: untrusted values meet parsers
        handler="infra.inspecting.worker",
        waiting_max=64,
        tasks_max=50,
        address_space_bytes_max=4 * GIB,
        file_bytes_max=0,
        cpu_s_max=300,
        niceness=BEHIND,
        open_files_max=256,
    ),
    Kind(
        name="script",  # code of the project's own, which may ask others
        handler="infra.scripts.worker",
        concurrency_max=2,
        waiting_max=64,
        tasks_max=1,
        file_bytes_max=64 * GIB,
        cpu_s_max=4 * 3600,
        niceness=BEHIND,
        network=True,
    ),
    Kind(
        name="notebook",  # code of people's own, for as long as they edit it
        handler="infra.notebooks.worker",
        concurrency_max=4,
        waiting_max=0,
        tasks_max=1,
        address_space_bytes_max=16 * GIB,
        file_bytes_max=64 * GIB,
        cpu_s_max=24 * 3600,
        open_files_max=4_096,
        niceness=BEHIND,
        network=True,  # its server must be reached
    ),
    Kind(
        name="log",
        handler="infra.log.worker",
        concurrency_max=2,
        waiting_max=16,
        cpu_s_max=3600,
        niceness=BEHIND,
    ),
    Kind(
        name="backup",  # its place may be a bucket
        handler="infra.backups.worker",
        waiting_max=4,
        tasks_max=20,
        cpu_s_max=6 * 3600,
        niceness=BEHIND,
        network=True,
    ),
    Kind(
        name="warehouse",
        handler="infra.warehouse.worker",
        concurrency_max=2,
        waiting_max=16,
        cpu_s_max=3600,
        niceness=BEHIND,
    ),
)
