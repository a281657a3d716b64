"""JSON and NDJSON: objects become rows, their keys columns.

The engine must not pass over errors: it turns a line that it cannot read into a row of NULLs.
So when it complains, lines are judged one by one, and what is left is read again.
"""

import functools
import json
from pathlib import Path

import duckdb
import msgspec

from commands import ports
from domain.datasets import Column, Format
from infra.loading import json_types, types
from infra.loading.csv_files import file_sql
from infra.loading.header import checked
from infra.loading.nesting import refuse_deep
from infra.loading.portion import Portion, Refusals, Task, filled
from infra.loading.prepare import Prepared
from infra.loading.progress import reading
from infra.loading.scan import STAGED_COLUMN
from infra.loading.staged import RAW_CHARS_MAX, REJECTS_KEPT_MAX, Reject, discard
from infra.warehouse.quoting import identifier, literal

LINE_COLUMN = "_dango_line"
PROBE_BYTES = 64 * 1024
BROKEN = (
    duckdb.InvalidInputException,
    duckdb.ConversionException,
    duckdb.SerializationException,
    duckdb.BinderException,  # what is there is no object
    UnicodeDecodeError,
)


def read(task: Task, files: list[Prepared]) -> Portion:
    """Read the files; those with too many bad lines are refused, the others stay."""
    refused: Refusals = {}
    files = [one for one in files if _shallow(one, refused)]
    try:
        return _read(task, refused, files)
    except (*BROKEN, ports.WorkRefused):
        # One of them is at fault: each is looked at by itself.
        rejects: list[Reject] = []
    rejected: dict[str, int] = {}
    good = []
    for one in files:
        try:
            bad = _judged(task, one)
            _probe(task, one)
        except ports.WorkRefused as refusal:
            refused[one.found.name] = refusal
            continue
        good.append(one)
        if bad:
            rejects += bad
            rejected[one.found.name] = len(bad)
    portion = _read(task, refused, good)
    return msgspec.structs.replace(portion, rejects=tuple(rejects), rejected=rejected)


def _shallow(one: Prepared, refused: Refusals) -> bool:
    try:
        _refuse_empty(one)
        refuse_deep(one.staged, one.found.name)
    except ports.WorkRefused as refusal:
        refused[one.found.name] = refusal
    return one.found.name not in refused


def _refuse_empty(one: Prepared) -> None:
    """A list of nothing, or objects without a key, say as little as a file of no bytes."""
    name = one.found.name
    with Path(one.staged).open("rb") as file:
        head = b"".join(file.read(PROBE_BYTES).removeprefix(b"\xef\xbb\xbf").split())
    if head.startswith(b"[]") or not head:
        raise ports.WorkRefused(f"{name} is empty.", file=name)
    if head in (b"{}", b"[{}]"):
        raise ports.WorkRefused(f"{name} holds an object without any key.", file=name)


def _read(task: Task, refused: Refusals, files: list[Prepared]) -> Portion:
    by_shape: dict[str, list[Prepared]] = {}
    for one in files:
        by_shape.setdefault(_shape(one), []).append(one)
    if not files:
        return Portion(refused=refused)
    columns, sources = _columns(task, by_shape)
    total = sum(one.found.size_bytes for one in files)
    paths: list[str] = []
    with reading(task.connection, task.desk, total, ordered=task.ordered):
        for shape, source in sources.items():
            listed = [
                (identifier(name) if name in source[1] else "NULL")
                + f"::{spelled} AS {identifier(name)}"
                for name, spelled in columns.items()
            ]
            listed.append(task.lineage(file_sql(by_shape[shape])))
            try:
                paths.append(task.copy(f"SELECT {', '.join(listed)} FROM {source[0]}"))  # noqa: S608 - quoted
            except BaseException:
                discard(paths)
                raise
    made = tuple(Column(name=name, type=spelled) for name, spelled in columns.items())
    found = Format(format="json", columns=filled(task, made, paths))
    return Portion(columns=made, paths=tuple(paths), refused=refused, found=found)


def _columns(
    task: Task, by_shape: dict[str, list[Prepared]]
) -> tuple[dict[str, str], dict[str, tuple[str, set[str]]]]:
    """Find the columns of all files together, and how each shape of file is read with them."""
    wanted: dict[str, str] = {}
    sources = {}
    for shape, files in by_shape.items():
        described = _described(task, shape, files)
        for name, spelled in described.items():
            kept = types.stored(spelled)
            wanted[name] = types.wider(wanted.get(name, kept), kept)
        sources[shape] = (_typed(task, shape, files, described), set(described))
    return wanted, sources


def _described(task: Task, shape: str, files: list[Prepared]) -> dict[str, str]:
    found = json_types.find(
        task.connection,
        lambda *options: _table(task, shape, files, *options),
        _objects(task, shape, files),
        total_bytes=sum(one.found.size_bytes for one in files),
    )
    name = files[0].found.name if len(files) == 1 else f"One of {len(files)} files"
    if list(found) == ["json"] and not found["json"].startswith("STRUCT"):
        raise ports.WorkRefused(f"{name} does not hold JSON objects.", file=files[0].found.name)
    checked(tuple(found), name, task.settings.columns_max)
    return found


def _typed(task: Task, shape: str, files: list[Prepared], described: dict[str, str]) -> str:
    return _table(task, shape, files, json_types.columns(described))


def _table(task: Task, shape: str, files: list[Prepared], *options: str) -> str:
    told = ("records = true", f"filename = {literal(STAGED_COLUMN)}", *options)
    return f"read_json({_input(task, shape, files)}, {', '.join(told)})"


def _objects(task: Task, shape: str, files: list[Prepared]) -> str:
    return f"read_json_objects({_input(task, shape, files)})"


def _input(task: Task, shape: str, files: list[Prepared]) -> str:
    listed = ", ".join(literal(one.staged) for one in files)
    size = task.settings.line_bytes_max
    return f"[{listed}], format = {literal(shape)}, maximum_object_size = {size}"


@functools.cache
def _shape_of(staged: str, sha256: str) -> str:  # noqa: ARG001 - part of the key
    with Path(staged).open("rb") as file:
        head = file.read(PROBE_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"["):
        return "array"
    line, ending, _ = head.partition(b"\n")
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        # A record that goes over several lines; or a first line that is broken or very long.
        return "newline_delimited" if not ending or line.rstrip().endswith(b"}") else "unstructured"
    return "newline_delimited"


def _shape(one: Prepared) -> str:
    return _shape_of(one.staged, one.sha256)


def _probe(task: Task, one: Prepared) -> None:
    """Read one file alone, for an error that says which one it is."""
    try:
        described = _described(task, _shape(one), [one])
        source = _typed(task, _shape(one), [one], described)
        discard([task.copy(f"SELECT * FROM {source}")])  # noqa: S608 - quoted
    except BROKEN:
        name = one.found.name
        raise ports.WorkRefused(f"{name} is not JSON that can be read.", file=name) from None


def _judged(task: Task, one: Prepared) -> list[Reject]:
    """Put the good lines in the place of an NDJSON file; the bad ones are the answer."""
    if _shape(one) != "newline_delimited":
        return []
    lines = (
        f"read_csv({literal(one.staged)}, auto_detect = false, header = false, quote = '',"
        " escape = '', delim = E'\\x01', comment = '', columns = {'line': 'VARCHAR'},"
        f" max_line_size = {task.settings.line_bytes_max}, parallel = false, null_padding = false)"
    )
    good = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"
    bad_ones = f"NOT ({good}) AND trim(line) <> ''"
    numbered = f"SELECT row_number() OVER () AS {LINE_COLUMN}, line FROM {lines}"  # noqa: S608 - quoted
    clean = f"clean-{one.staged}"
    try:
        # The lines once, as a table of this connection: they are asked for three times.
        task.connection.execute(f"CREATE OR REPLACE TEMP TABLE dango_lines AS {numbered}")
        row = task.connection.execute(
            f"SELECT count(*), count(*) FILTER ({bad_ones}) FROM dango_lines",  # noqa: S608 - ours
        ).fetchone()
        total, bad = (0, 0) if row is None else (int(row[0]), int(row[1]))
        if not bad:
            return []
        _refuse(task, one, total, bad, bad_ones)
        found = task.connection.execute(
            f"SELECT {LINE_COLUMN}, line[:{RAW_CHARS_MAX}] FROM dango_lines"  # noqa: S608 - ours
            f" WHERE {bad_ones} ORDER BY 1 LIMIT {REJECTS_KEPT_MAX}",
        ).fetchall()
        task.connection.execute(
            f"COPY (SELECT line FROM dango_lines WHERE {good} ORDER BY {LINE_COLUMN})"  # noqa: S608 - ours
            f" TO {literal(clean)}"
            " (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER E'\\x01')",
        )
    except BROKEN:
        name = one.found.name
        raise ports.WorkRefused(f"{name} is not JSON that can be read.", file=name) from None
    finally:
        task.connection.execute("DROP TABLE IF EXISTS dango_lines")
    Path(clean).replace(one.staged)
    reason = "It is no JSON object."
    return [
        Reject(file=one.found.name, line=int(line), reason=reason, raw=raw) for line, raw in found
    ]


def _refuse(task: Task, one: Prepared, total: int, bad: int, bad_ones: str) -> None:
    if bad / total <= task.block.max_reject_ratio:
        return
    row = task.connection.execute(
        f"SELECT min({LINE_COLUMN}) FROM dango_lines WHERE {bad_ones}",  # noqa: S608 - ours
    ).fetchone()
    line, name = int(row[0]) if row else 1, one.found.name
    reason = f"Line {line} of {name} is no JSON object."
    if bad > 1:
        reason += f" {bad} lines cannot be loaded in all."
    raise ports.WorkRefused(reason, file=name, line=line, rejected=bad)
