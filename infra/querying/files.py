"""Takes a result off the engine and writes it as a file of its own format, within bounds.

CSV as in RFC 4180: UTF-8, a row of names first, NULL is nothing and an empty text is `""`; values
as in JSON, lists and structs as JSON text. Arrow is the IPC stream; Parquet has one row group.
`bytes_max` bounds the CSV, and of the others the columns in memory, before they are compressed.
"""

import decimal
import io
import re
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec

from commands import ports
from infra.querying.rows import CHUNK_ROWS, Rows

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 1024
MUST_BE_QUOTED = re.compile(r'[",\r\n]|^$|^[ \t]|[ \t]$')
LINE_END = "\r\n"
OUT_OF_MEMORY = "Out of Memory"  # so the engine begins, also where Arrow hands on what it says

_encoder = msgspec.json.Encoder(decimal_format="string", enc_hook=str)


class Unreadable(Exception):
    """What the engine complained of while Arrow took its rows; the text is the engine's own."""


def collect(
    con: duckdb.DuckDBPyConnection,
    kind: ports.ResultFormat,
    names: tuple[str, ...],
    *,
    rows_max: int,
    bytes_max: int,
) -> Rows:
    """Fetch the pending result of `con` up to both bounds; the rest is never computed.

    Raises WorkRefused for a type that the format does not have.
    """
    if kind is ports.ResultFormat.CSV:
        return _csv(con, names, rows_max, bytes_max)
    return _columns(con, kind, rows_max, bytes_max)


def _csv(
    con: duckdb.DuckDBPyConnection, names: tuple[str, ...], rows_max: int, bytes_max: int
) -> Rows:
    out = bytearray(_line(names))
    count = 0
    while chunk := con.fetchmany(CHUNK_ROWS):
        for row in chunk:
            line = _line(row)
            cut_by_size = len(out) + len(line) > bytes_max
            if count == rows_max or cut_by_size:
                cut = count < rows_max
                return Rows(file=bytes(out), count=count, truncated=True, cut_by_size=cut)
            out += line
            count += 1
    return Rows(file=bytes(out), count=count, truncated=False, cut_by_size=False)


def _line(values: tuple[Any, ...]) -> bytes:
    return (",".join(map(_field, values)) + LINE_END).encode()


def _field(value: Any) -> str:
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int | float | decimal.Decimal):
        return str(value)
    text = value if isinstance(value, str) else _text(value)
    if MUST_BE_QUOTED.search(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _text(value: Any) -> str:
    """As JSON has it: dates ISO 8601, blobs base64, what is nested as JSON text."""
    encoded = _encoder.encode(value)
    if encoded.startswith(b'"'):
        return str(msgspec.json.decode(encoded))
    return encoded.decode()


def _columns(
    con: duckdb.DuckDBPyConnection, kind: ports.ResultFormat, rows_max: int, bytes_max: int
) -> Rows:
    import pyarrow as pa  # 40 ms, of those alone who ask for it

    try:
        reader = con.to_arrow_reader(BATCH_ROWS)
        batches, truncated, cut_by_size = _batches(reader, rows_max, bytes_max)
    except (pa.ArrowException, OSError) as error:
        if OUT_OF_MEMORY in str(error):
            raise MemoryError from None
        raise Unreadable(str(error)) from None
    try:
        file = _written(pa.Table.from_batches(batches, reader.schema), kind)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        reason = f"This result cannot be written as {kind}; cast the column: {error}"
        raise ports.WorkRefused(reason[:500]) from None
    count = sum(batch.num_rows for batch in batches)
    return Rows(file=file, count=count, truncated=truncated, cut_by_size=cut_by_size)


def _batches(
    reader: "pa.RecordBatchReader", rows_max: int, bytes_max: int
) -> tuple[list["pa.RecordBatch"], bool, bool]:
    """Take batches up to the bounds; and whether there is more, and whether size was why."""
    taken: list[pa.RecordBatch] = []
    for whole in reader:
        batch = whole.slice(0, rows_max)
        cut_by_size = batch.nbytes > bytes_max
        if cut_by_size:
            batch = batch.slice(0, _fitting(batch, bytes_max))
        taken.append(batch)
        rows_max -= batch.num_rows
        bytes_max -= batch.nbytes
        if batch.num_rows < whole.num_rows:
            return taken, True, cut_by_size
    return taken, False, False


def _fitting(batch: "pa.RecordBatch", bytes_max: int) -> int:
    """How many of the first rows have that many bytes."""
    low, high = 0, batch.num_rows
    while low < high:
        middle = (low + high + 1) // 2
        if batch.slice(0, middle).nbytes <= bytes_max:
            low = middle
        else:
            high = middle - 1
    return low


def _written(table: "pa.Table", kind: ports.ResultFormat) -> bytes:
    import pyarrow as pa

    out = io.BytesIO()
    if kind is ports.ResultFormat.PARQUET:
        import pyarrow.parquet

        pyarrow.parquet.write_table(table, out)
    else:
        options = pa.ipc.IpcWriteOptions(use_threads=False)
        with pa.ipc.new_stream(out, table.schema, options=options) as stream:
            stream.write_table(table)
    return out.getvalue()
