"""CSV and TSV: typed over all files of a table, read with nothing left to guess."""

from collections.abc import Iterable

import duckdb

from commands import ports
from domain.datasets import Format
from infra.loading import plan, rejects, scan, types
from infra.loading.header import Header, read_header
from infra.loading.portion import Portion, Refusals, Task, filled
from infra.loading.prepare import NUMBER_SQL, Prepared
from infra.loading.progress import reading
from infra.loading.staged import Reject, discard, read_sql
from infra.warehouse.quoting import identifier, literal


def read(task: Task, files: list[Prepared], *, delimiter: str | None = None) -> Portion:
    """Read the files; those with too many rows that do not fit are refused, the others stay."""
    return _Reading(task, delimiter).read(files)


class _Reading:
    def __init__(self, task: Task, delimiter: str | None) -> None:
        self._task, self._connection = task, task.connection
        self._delimiter = delimiter
        self._bound = task.settings.line_bytes_max
        self._refused: Refusals = {}

    def read(self, files: list[Prepared]) -> Portion:
        headed = [(one, header) for one in files if (header := self._header(one)) is not None]
        known = self._task.known
        sample_rows, texts = scan.SAMPLE_ROWS, frozenset[str]()
        while headed:
            parts = plan.one_spelling(headed, known.columns if known else ())
            made = plan.make(
                self._connection,
                parts,
                sample_rows=sample_rows,
                line_bytes_max=self._bound,
                as_text=texts,
                known=known,
            )
            paths, broken = self._write(made)
            if broken:
                headed = self._without(headed, broken)
                continue
            over = self._over(parts, paths)
            inexact = self._inexact(made, paths) - texts
            late = bool(over) and bool(rejects.cast_columns(self._connection))
            if inexact or (late and (known is not None or sample_rows != scan.WHOLE_FILE)):
                # Later rows tell otherwise than the sample, or than earlier files did.
                discard(paths)
                texts |= inexact
                if late:
                    known, sample_rows = None, scan.WHOLE_FILE
                continue
            if not over:
                return self._portion(made, paths, parts)
            discard(paths)
            headed = self._without(headed, over)
        return Portion(refused=self._refused)

    def _header(self, one: Prepared) -> Header | None:
        columns_max, nulls = self._task.settings.columns_max, self._task.block.null_values
        size, line = one.longest
        try:
            if size > self._bound:  # the engine passes over one that is longer than its buffers
                name = one.found.name
                reason = f"Line {line} of {name} is longer than a line may be."
                raise ports.WorkRefused(reason, file=name, line=line)
            return read_header(
                one.staged, one.found.name, columns_max, nulls, delimiter=self._delimiter
            )
        except ports.WorkRefused as refused:
            self._refused[one.found.name] = refused
            return None

    def _without(
        self, headed: list[tuple[Prepared, Header]], refused: Refusals
    ) -> list[tuple[Prepared, Header]]:
        self._refused |= refused
        return [pair for pair in headed if pair[0].found.name not in refused]

    # the scan

    def _write(self, made: plan.Plan) -> tuple[list[str], Refusals]:
        """Stage all groups; or tell which files cannot be read at all."""
        rejects.forget(self._connection)
        total = sum(part.prepared.found.size_bytes for group in made.groups for part in group.parts)
        paths: list[str] = []
        with reading(self._connection, self._task.desk, total, ordered=self._task.ordered):
            for group in made.groups:
                try:
                    paths.append(self._task.copy(self._select(made, group, group.parts)))
                except duckdb.InvalidInputException as error:
                    discard(paths)
                    return [], self._broken(made, group, error)
                except BaseException:
                    discard(paths)
                    raise
        return paths, {}

    def _broken(
        self, made: plan.Plan, group: plan.Group, error: duckdb.InvalidInputException
    ) -> Refusals:
        found = {}
        for part in group.parts:
            try:
                if len(group.parts) == 1:
                    raise error
                discard([self._task.copy(self._select(made, group, [part]))])
            except duckdb.InvalidInputException:
                name = part.prepared.found.name
                reason = f"{name} is not a CSV file that can be read: its quotes or line endings"
                found[name] = ports.WorkRefused(f"{reason} are broken.", file=name)
        if not found:
            raise error
        return found

    def _select(self, made: plan.Plan, group: plan.Group, parts: list[plan.Part]) -> str:
        read_as = dict(zip(group.header.columns, group.types, strict=True))
        source = scan.read_sql(
            [part.prepared.staged for part in parts],
            group.header,
            read_as,
            group.formats,
            line_bytes_max=self._bound,
        )
        shown = [
            (identifier(name) if name in read_as else "NULL")
            + ("" if read_as.get(name) == wanted else f"::{wanted}")
            + f" AS {identifier(name)}"
            for name, wanted in made.types.items()
        ]
        shown.append(self._task.lineage(file_sql([part.prepared for part in parts])))
        return f"SELECT {', '.join(shown)} FROM {source}"  # noqa: S608 - quoted

    # what the scan tells

    def _inexact(self, made: plan.Plan, paths: list[str]) -> frozenset[str]:
        """Name the DOUBLE columns that hold whole numbers too long for it, such as long ids."""
        doubles = [name for name, wanted in made.types.items() if wanted == "DOUBLE"]
        if not doubles:
            return frozenset()
        largest = ", ".join(f"max(abs({identifier(name)}))" for name in doubles)
        sql = f"SELECT {largest} FROM {read_sql(paths)}"  # noqa: S608 - quoted
        row = self._connection.execute(sql).fetchone()
        large = [
            name
            for name, value in zip(doubles, row or (), strict=True)
            if value is not None and value >= types.EXACT_MAX
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
                line_bytes_max=self._bound,
            ).replace("store_rejects = true", "ignore_errors = true")
            long = f"regexp_full_match({identifier(name)}, '\\s*[+-]?[0-9]{{16,}}\\s*')"
            sql = f"SELECT 1 FROM {source} WHERE {long} LIMIT 1"  # noqa: S608 - quoted
            if self._connection.execute(sql).fetchone():
                return True
        return False

    def _over(self, parts: list[plan.Part], paths: list[str]) -> Refusals:
        """The files of which too many rows cannot be taken, with the first of them as reason."""
        rejected = rejects.by_file(self._connection)
        if not rejected:
            return {}
        loaded = rows_by_file(self._connection, paths)
        bound = self._task.block.max_reject_ratio
        over = {}
        for part in parts:
            one, bad = part.prepared, rejected.get(part.prepared.staged, 0)
            if bad and bad / (bad + loaded.get(one.found.name, 0)) > bound:
                over[one.found.name] = self._refusal(one, bad)
        return over

    def _refusal(self, one: Prepared, rejected: int) -> ports.WorkRefused:
        name = one.found.name
        first = rejects.first(self._connection, one.staged, rejects.SHOWN_MAX)
        reason = f"Line {first[0].line} of {name} {first[0].what}."
        if rejected > 1:
            reason += f" {rejected} rows cannot be loaded in all."
        return ports.WorkRefused(
            reason,
            file=name,
            line=first[0].line,
            column=first[0].column,
            rejected=rejected,
            rejects=[
                {"file": name, "line": row.line, "column": row.column, "what": row.what}
                for row in first
            ],
        )

    def _portion(self, made: plan.Plan, paths: list[str], parts: list[plan.Part]) -> Portion:
        names = {part.prepared.staged: part.prepared.found.name for part in parts}
        rejected = rejects.by_file(self._connection)
        kept = tuple(
            Reject(file=names[row.staged], line=row.line, reason=f"It {row.what}.", raw=row.raw)
            for row in rejects.collect(self._connection)
        )
        foreign = [group.formats for group in made.groups if group.formats != scan.Formats()]
        formats = foreign[0] if foreign else scan.Formats()
        found = Format(
            format="csv",
            columns=filled(self._task, made.columns, paths),
            delimiter=parts[0].header.delimiter,
            date=formats.date,
            timestamp=formats.timestamp,
        )
        return Portion(
            columns=made.columns,
            paths=tuple(paths),
            rejects=kept,
            rejected={names[staged]: count for staged, count in rejected.items()},
            refused=self._refused,
            found=found,
        )


def file_sql(files: list[Prepared]) -> str:
    """Give the expression for the shown name of the file that a row is from."""
    if len(files) == 1:
        return literal(files[0].found.name)
    # Found by position, because a MAP would be searched from its start for each row.
    names = {one.number: one.found.name for one in files}
    listed = ", ".join(literal(names.get(number, "")) for number in range(max(names) + 1))
    return f"([{listed}])[{NUMBER_SQL.format(scan.STAGED_COLUMN)} + 1]"


def rows_by_file(connection: duckdb.DuckDBPyConnection, paths: Iterable[str]) -> dict[str, int]:
    """Count the staged rows of each file."""
    listed = tuple(paths)
    if not listed:
        return {}
    rows = connection.execute(
        f"SELECT _dango_file, count(*) FROM {read_sql(listed)} GROUP BY _dango_file",  # noqa: S608 - quoted
    ).fetchall()
    return {name: int(count) for name, count in rows}
