"""The files that syncs told of: which of a source were loaded, how many rows, when."""

from datetime import datetime
from typing import Final

import msgspec

from domain import syncs, uploads
from domain.kernel import Recorded
from projections.engine import Projection, Reader, Rows, Table, stamp

FILES: Final = Table(
    name="loaded_files",
    columns={
        "source": "TEXT NOT NULL",
        "file": "TEXT NOT NULL",
        "size_bytes": "INTEGER NOT NULL",
        "rows": "INTEGER NOT NULL",
        "loaded_at": "TEXT NOT NULL",
    },
    key=("source", "file"),
)


def _loaded(rows: Rows, e: syncs.SyncCompleted, r: Recorded) -> None:
    for file in e.files:
        rows.put(
            FILES,
            source=e.source,
            file=file.path,
            size_bytes=file.size_bytes,
            rows=file.rows,
            loaded_at=stamp(r.at),
        )


def _handed_in(rows: Rows, e: uploads.CsvUploaded, _: Recorded) -> None:
    rows.remove(FILES, source=e.source, file=e.file)


PROJECTION: Final = Projection(
    name="uploads",
    tables=(FILES,),
    on={syncs.SyncCompleted: _loaded, uploads.CsvUploaded: _handed_in},
)


class LoadedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file as it was loaded last."""

    size_bytes: int
    rows: int
    loaded_at: datetime


def of_source(reader: Reader, source: str) -> dict[str, LoadedFile]:
    """The files of a source that syncs told of, by path below its folder."""
    found = reader.rows(
        "SELECT file, size_bytes, rows, loaded_at FROM loaded_files WHERE source = :source",
        source=source,
    )
    return {
        name: LoadedFile(size_bytes=size, rows=count, loaded_at=datetime.fromisoformat(at))
        for name, size, count, at in found
    }
