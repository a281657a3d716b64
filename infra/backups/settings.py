"""What the worker that makes backups is told at its start."""

import msgspec

from infra.warehouse.settings import S3Access
from infra.warehouse.settings import Settings as WarehouseSettings


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`key` is in hex, None for backups that are not encrypted; `log` is its place."""

    root: str
    name: str
    log: str
    temp: str
    warehouse: WarehouseSettings
    key: str | None = None
    keep: int = 7
    s3: S3Access | None = None
    version: str = ""


class Make(msgspec.Struct, frozen=True, kw_only=True):
    """Make a backup at a place."""

    to: str
