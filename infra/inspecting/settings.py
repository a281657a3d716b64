"""What a look into the data may take."""

import msgspec

from infra.warehouse.settings import Settings as Warehouse


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the warehouse is, and how much of it and of the machine one scan takes."""

    warehouse: Warehouse
    memory_bytes_max: int = 512 * 1024**2
    sample_rows: int = 1_000  # of each table
    rows_read_max: int = 1_000_000  # of a table, from which the sample is drawn
    value_chars_max: int = 400  # of a value that is looked at
    columns_at_once: int = 50
    statement_s_max: float = 60.0  # of a monitor's statement, then it is interrupted
