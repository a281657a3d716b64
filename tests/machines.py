"""A machine as a test says, for what tells how the platform is."""

from commands.machine import Machine, Sizes, Workers

GIB = 1024**3


class Gauges:
    """A machine as the test says."""

    def __init__(self, clock):
        self.clock, self.free, self.memory = clock, 100 * GIB, 8 * GIB
        self.known = {}

    async def machine(self):
        return Machine(
            at=self.clock(),
            disk_free_bytes=self.free,
            disk_total_bytes=200 * GIB,
            disk_used_bytes=200 * GIB - self.free,
            sizes=Sizes(warehouse=5 * 1024**2, uploads={"orders": 1024**2}, backups=3 * 1024**2),
            cpu_count=2,
            cpu_pct=12.5,
            memory_total_bytes=16 * GIB,
            memory_available_bytes=self.memory,
            process_bytes=100 * 1024**2,
            load=(0.5, 0.4, 0.3),
        )

    def workers(self):
        return (
            Workers(
                kind="query", idle=1, busy=0, waiting=0, tasks=7, died=1, killed=2, isolated=True
            ),
        )

    def events_per_minute(self):
        return 1.5

    def since(self, trouble):
        return self.known.setdefault(trouble, self.clock())
