"""The bounds of a load."""

import msgspec

from infra.warehouse.settings import Settings


class LoadSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the kind "load" is started with."""

    warehouse: Settings
    files_max: int = 10_000
    columns_max: int = 2_000
    line_bytes_max: int = 8 * 1024**2
    unpacked_bytes_max: int = 50 * 1024**3  # of one file, when it is compressed
