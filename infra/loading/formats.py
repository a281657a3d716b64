"""Which format a file has: what its first bytes say, then what its name ends with."""

import zipfile
from pathlib import Path
from typing import Final

import msgspec

from commands import ports
from domain.source_types.files import Format
from infra.loading.find import GZIP_ENDING, Found
from infra.loading.prepare import GZIP_MAGIC, ZIP_MAGIC

PARQUET_MAGIC: Final = b"PAR1"
OLE_MAGIC: Final = bytes.fromhex("d0cf11e0a1b11ae1")  # workbooks of before 2007
ENDINGS: Final[dict[str, Format]] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
}
BINARY: Final = ("parquet", "excel")


class FileFormat(msgspec.Struct, frozen=True, kw_only=True):
    """What was found out about the files of one table, and is presumed of later ones.

    `columns` are those that hold values. Dates are None where they are written the ISO way.
    """

    format: str
    columns: dict[str, str] = {}
    delimiter: str | None = None
    date: str | None = None
    timestamp: str | None = None


def detect(found: Found, wanted: Format) -> Format:
    """Give the format of a file. Raises WorkRefused when it is not the one that is wanted."""
    with Path(found.path).open("rb", buffering=0) as file:
        head = file.read(8)
    told: Format | None = None
    if head.startswith(PARQUET_MAGIC):
        told = "parquet"
    elif head.startswith(OLE_MAGIC) or (head.startswith(ZIP_MAGIC) and _workbook(found)):
        told = "excel"
    elif head.startswith(ZIP_MAGIC):
        reason = f"{found.name} is a ZIP archive: unpack it first."
        raise ports.WorkRefused(reason, file=found.name)
    if wanted != "auto":
        _agree(found, told, wanted, packed=head.startswith(GZIP_MAGIC))
        return wanted
    if told is not None:
        return told
    named = ENDINGS.get(_ending(found.name), "csv")
    _agree(found, told, named, packed=False)
    return named


def _agree(found: Found, told: Format | None, wanted: Format, *, packed: bool) -> None:
    if wanted in BINARY or told is not None:
        if told == wanted:
            return
        what = f"not a {wanted} file" if told is None else f"a {told} file, not {wanted}"
        if packed:
            what += ": unpack it first"
        raise ports.WorkRefused(f"{found.name} is {what}.", file=found.name)


def _ending(name: str) -> str:
    return Path(name.lower().removesuffix(GZIP_ENDING)).suffix


def _workbook(found: Found) -> bool:
    try:
        with zipfile.ZipFile(found.path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        if _ending(found.name) in {".xlsx", ".xlsm", ".xlsb", ".ods"}:
            reason = f"{found.name} is a broken workbook."
            raise ports.WorkRefused(reason, file=found.name) from None
        return False
    return bool({"xl/workbook.xml", "xl/workbook.bin", "content.xml"} & names)
