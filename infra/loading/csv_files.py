"""Type `csv`: every file that matches, checked, typed over all files, staged as Parquet."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import msgspec

from commands import ports
from domain.datasets import File
from domain.source_types.files import CsvBlock
from infra.loading import plan, prepare, rejects, scan
from infra.loading.find import Found, find
from infra.loading.header import read_header
from infra.loading.progress import reading
from infra.loading.settings import LoadSettings
from infra.loading.staged import Staged, StagedTable, discard
from infra.warehouse import tables, temporary
from infra.warehouse.quoting import identifier, literal
from infra.workers.desk import Desk

REJECTS_SHOWN_MAX = 5
# Whole numbers above this are not exact in a DOUBLE.
EXACT_MAX = 2**53


def stage(
    connection: duckdb.DuckDBPyConnection,
    load: ports.Load,
    settings: LoadSettings,
    desk: Desk,
) -> Staged:
    """Stage the rows of all files."""
    return Reader(connection, load, settings, desk).stage()


class Reader:
    """One load's way from files to staged Parquet."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        load: ports.Load,
        settings: LoadSettings,
        desk: Desk,
    ) -> None:
        self._connection = connection
        self._load = load
        self._block = msgspec.convert(load.options, CsvBlock)
        self._settings = settings
        self._desk = desk
        self._name = tables.Name(schema=load.schema, table=load.table)

    def stage(self) -> Staged:
        """Read all files; refuse the load when too many rows cannot be taken."""
        load, settings = self._load, self._settings
        directory = str(Path(load.root) / self._block.directory)
        found = find(directory, self._block.file_pattern, settings.files_max)
        if not found:
            return Staged(
                tables=(
                    StagedTable(
                        name=load.table, columns=(), empty="No file matches the source's pattern"
                    ),
                )
            )
        nulls = self._block.null_values
        with _staging_folder(settings):
            prepared = self._prepare(found)
            headers = [
                read_header(one.staged, one.found.name, settings.columns_max, nulls)
                for one in prepared
            ]
            parts = plan.one_spelling(zip(prepared, headers, strict=True))
            made, paths = self._read(parts)
            staged = self._account(made, paths, prepared)
        for one in found:
            if not prepare.unchanged(one):
                discard(paths)
                raise ports.WorkFailed(f"{one.name} changed while it was read.", file=one.name)
        return staged

    def _prepare(self, found: list[Found]) -> list[prepare.Prepared]:
        total = sum(one.size_bytes for one in found)
        done = 0

        def show(position: int) -> None:
            here = ports.Progress(phase="checking", done=done + position, total=total, unit="bytes")
            self._desk.progress(here)

        prepared = []
        for number, one in enumerate(found):
            bound = self._settings.unpacked_bytes_max
            prepared.append(prepare.prepare(one, number, bound, show))
            done += one.size_bytes
        return prepared

    def _read(self, parts: list[plan.Part]) -> tuple[plan.Plan, list[str]]:
        """Read with types from a sample; a second time when later rows tell otherwise."""
        made = self._plan(parts, scan.SAMPLE_ROWS, frozenset())
        paths = self._write(made)
        inexact = self._inexact(made, paths)
        late = rejects.cast_columns(self._connection)
        if inexact or (late and self._too_many(paths)):
            discard(paths)
            sample_rows = scan.WHOLE_FILE if late else scan.SAMPLE_ROWS
            made = self._plan(parts, sample_rows, inexact)
            paths = self._write(made)
        if self._too_many(paths):
            discard(paths)
            raise self._refusal(parts)
        return made, paths

    def _plan(self, parts: list[plan.Part], sample_rows: int, texts: frozenset[str]) -> plan.Plan:
        return plan.make(
            self._connection,
            parts,
            sample_rows=sample_rows,
            line_bytes_max=self._settings.line_bytes_max,
            as_text=texts,
        )

    def _write(self, made: plan.Plan) -> list[str]:
        rejects.forget(self._connection)
        total = sum(part.prepared.found.size_bytes for group in made.groups for part in group.parts)
        paths = []
        with reading(self._connection, self._desk, total):
            for group in made.groups:
                path = tables.staged_path(self._settings.warehouse, self._name)
                paths.append(path)
                try:
                    self._connection.execute(self._copy_sql(made, group, path))
                except duckdb.InvalidInputException as error:
                    discard(paths)
                    raise _unreadable(group) from error
                except BaseException:
                    # On a full disk, half a file would take the room to tell of the failure.
                    discard(paths)
                    raise
        return paths

    def _copy_sql(self, made: plan.Plan, group: plan.Group, path: str) -> str:
        read_as = dict(zip(group.header.columns, group.types, strict=True))
        source = scan.read_sql(
            [part.prepared.staged for part in group.parts],
            group.header,
            read_as,
            group.formats,
            line_bytes_max=self._settings.line_bytes_max,
        )
        shown = [
            (identifier(name) if name in read_as else "NULL")
            + ("" if read_as.get(name) == wanted else f"::{wanted}")
            + f" AS {identifier(name)}"
            for name, wanted in made.types.items()
        ]
        shown.append(f"{self._file_sql(group)} AS _dango_file")
        shown.append(f"{int(self._load.job)}::BIGINT AS _dango_run")
        selected = f"SELECT {', '.join(shown)} FROM {source}"  # noqa: S608 - quoted
        return f"COPY ({selected}) TO {literal(path)} (FORMAT parquet)"

    @staticmethod
    def _file_sql(group: plan.Group) -> str:
        """Give the expression for the shown name of the file that a row is from."""
        parts = group.parts
        if len(parts) == 1:
            return literal(parts[0].prepared.found.name)
        # Found by position, because a MAP would be searched from its start for each row.
        names = {part.prepared.number: part.prepared.found.name for part in parts}
        listed = ", ".join(literal(names.get(number, "")) for number in range(max(names) + 1))
        return f"([{listed}])[{prepare.NUMBER_SQL.format(scan.STAGED_COLUMN)} + 1]"

    def _inexact(self, made: plan.Plan, paths: list[str]) -> frozenset[str]:
        """Name the DOUBLE columns that hold whole numbers too long for it, such as long ids."""
        doubles = [name for name, wanted in made.types.items() if wanted == "DOUBLE"]
        if not doubles:
            return frozenset()
        largest = ", ".join(f"max(abs({identifier(name)}))" for name in doubles)
        files = ", ".join(literal(path) for path in paths)
        row = self._connection.execute(
            f"SELECT {largest} FROM read_parquet([{files}])",  # noqa: S608 - quoted
        ).fetchone()
        large = [
            name
            for name, value in zip(doubles, row or (), strict=True)
            if value is not None and value >= EXACT_MAX
        ]
        return frozenset(name for name in large if self._has_long_numbers(made, name))

    def _has_long_numbers(self, made: plan.Plan, name: str) -> bool:
        for group in made.groups:
            if name not in group.header.columns:
                continue
            source = scan.read_sql(
                [part.prepared.staged for part in group.parts],
                group.header,
                dict.fromkeys(group.header.columns, scan.TEXT),
                scan.Formats(),
                line_bytes_max=self._settings.line_bytes_max,
            ).replace("store_rejects = true", "ignore_errors = true")
            long = f"regexp_full_match({identifier(name)}, '\\s*[+-]?[0-9]{{16,}}\\s*')"
            sql = f"SELECT 1 FROM {source} WHERE {long} LIMIT 1"  # noqa: S608 - quoted
            if self._connection.execute(sql).fetchone():
                return True
        return False

    def _too_many(self, paths: list[str]) -> bool:
        rejected, _ = rejects.collect(self._connection, 0)
        if not rejected:
            return False
        loaded = sum(_rows_by_file(self._connection, paths).values())
        return rejected / (rejected + loaded) > self._block.max_reject_ratio

    def _refusal(self, parts: list[plan.Part]) -> ports.WorkRefused:
        rejected, first = rejects.collect(self._connection, REJECTS_SHOWN_MAX)
        names = {part.prepared.staged: part.prepared.found.name for part in parts}
        listed = [
            {"file": names[one.staged], "line": one.line, "column": one.column, "what": one.what}
            for one in first
        ]
        top = first[0]
        reason = f"Line {top.line} of {names[top.staged]} {top.what}."
        if rejected > 1:
            reason += f" {rejected} rows cannot be loaded in all."
        return ports.WorkRefused(
            f"{reason} Nothing was loaded.",
            file=names[top.staged],
            line=top.line,
            column=top.column,
            rejected=rejected,
            rejects=listed,
        )

    def _account(
        self,
        made: plan.Plan,
        paths: list[str],
        prepared: list[prepare.Prepared],
    ) -> Staged:
        rows = _rows_by_file(self._connection, paths)
        rejected = rejects.by_file(self._connection)
        files = tuple(
            File(
                path=one.found.name,
                size_bytes=one.found.size_bytes,
                sha256=one.sha256,
                rows=rows.get(one.found.name, 0),
                encoding=one.encoding,
                rejected=rejected.get(one.staged, 0),
            )
            for one in prepared
        )
        table = StagedTable(
            name=self._load.table,
            columns=made.columns,
            paths=tuple(paths),
            rows=sum(rows.values()),
            empty="The files hold no rows",
        )
        return Staged(tables=(table,), files=files)


def _rows_by_file(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> dict[str, int]:
    files = ", ".join(literal(path) for path in paths)
    rows = connection.execute(
        f"SELECT _dango_file, count(*) FROM read_parquet([{files}]) GROUP BY _dango_file",  # noqa: S608 - quoted
    ).fetchall()
    return {name: int(count) for name, count in rows}


def _unreadable(group: plan.Group) -> ports.WorkRefused:
    names = [part.prepared.found.name for part in group.parts]
    which = names[0] if len(names) == 1 else f"One of {len(names)} files such as {names[0]}"
    reason = f"{which} is not a CSV file that can be read: its quotes or line endings are broken."
    return ports.WorkRefused(reason, file=names[0])


@contextmanager
def _staging_folder(settings: LoadSettings) -> Iterator[None]:
    """Work in a folder of safe names: the engine takes * ? [ in any path for a pattern."""
    own = temporary.own_folder(settings.warehouse)
    with tempfile.TemporaryDirectory(prefix="stage-", dir=own) as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir("/")
