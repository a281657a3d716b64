"""What a query may take: what the server tells its workers, who alone load the engine."""

import msgspec

from infra.warehouse.settings import Settings as Warehouse


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the warehouse is and how much of the machine one query may take."""

    warehouse: Warehouse
    memory_bytes_max: int = 1024**3
    threads: int = 2
