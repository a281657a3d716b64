"""What health needs from outside: how the machine, the disk and the workers are. `infra` has it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

import msgspec


class Workers(msgspec.Struct, frozen=True, kw_only=True):
    """The child processes of one kind; counts are since the start."""

    kind: str
    idle: int
    busy: int
    waiting: int
    tasks: int
    died: int
    killed: int
    isolated: bool | None  # from the network; None: none was started yet, or it needs the network


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in the project's folders, in bytes; not all of it when there are too many files."""

    warehouse: int = 0
    catalog: int = 0
    events: int = 0
    views: int = 0
    uploads: Mapping[str, int] = {}  # by source
    dbt: int = 0
    logs: int = 0
    backups: int = 0  # in folders of this machine
    complete: bool = True


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine as it was a few seconds ago. What the system does not tell is None."""

    at: datetime
    disk_free_bytes: int
    disk_total_bytes: int
    disk_used_bytes: int
    sizes: Sizes
    cpu_count: int
    cpu_pct: float | None = None
    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    process_bytes: int | None = None  # of the server alone
    load: tuple[float, float, float] | None = None  # of 1, 5 and 15 minutes


class Gauges(Protocol):
    """Looks at the machine, seldom and beside everything else."""

    async def machine(self) -> Machine:
        """The last look, which is a few seconds old at most while somebody asks."""
        ...

    def workers(self) -> tuple[Workers, ...]:
        """Every kind of worker."""
        ...

    def events_per_minute(self) -> float:
        """How many events were written, in the mean of the last five minutes."""
        ...

    def since(self, trouble: str) -> datetime:
        """When a trouble came up; it is forgotten when nobody asks for it any more."""
        ...
