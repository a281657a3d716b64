"""Sources of files: what changed in their directory is read, format by format, table by table.

A file that cannot be read does not stand in the way of the others: it is refused, told, and tried
again at the next run; its earlier rows stay.
"""

from pathlib import Path
from typing import Any

import duckdb
import msgspec

from commands import ports
from domain.source_types.files import FilesBlock, Format
from infra.loading import (
    csv_files,
    formats,
    prepare,
    state,
)
from infra.loading.file_samples import check, sample
from infra.loading.file_sources import (
    BLOCKS,
    READERS,
    staging_folder,
    table_name,
    writing,
)
from infra.loading.find import Found, find
from infra.loading.outcome import Outcome
from infra.loading.portion import Portion, Refusals, Task, join
from infra.loading.settings import LoadSettings
from infra.loading.staged import Staged, discard
from infra.loading.tracking import Split, split
from infra.workers.desk import Desk

__all__ = ["Files", "check", "sample", "stage"]  # what the table of stages finds here


def stage(
    connection: duckdb.DuckDBPyConnection,
    load: ports.Load,
    settings: LoadSettings,
    desk: Desk,
) -> Staged:
    """Stage what changed in the source's directory."""
    block = msgspec.convert(load.options, BLOCKS[load.type])
    directory = str(Path(load.root) / block.directory)
    found = find(directory, block.file_pattern, settings.files_max, root=load.root)
    return Files(connection, load, settings, desk, block=block).stage(found)


class Files:
    """One load of files that were found."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        load: ports.Load,
        settings: LoadSettings,
        desk: Desk,
        *,
        block: FilesBlock,
    ) -> None:
        self._connection, self._load = connection, load
        self._settings, self._desk = settings, desk
        self._block = block
        self._write, self._keys = writing(block)
        self._refused: Refusals = {}
        self._made: list[str] = []

    def stage(self, found: list[Found]) -> Staged:
        """Read what changed. Raises WorkRefused when nothing that is there can be read."""
        before = state.read(self._connection, self._load.source)
        options = self._options()
        anew = self.anew(before)
        parts = split(found, before.files, self._table, anew=anew)
        try:
            with staging_folder(self._settings):
                prepared, touched = self._prepare(parts, anew=anew)
                portions = self._read(prepared)
            self._refuse_all(parts, touched, portions)
            for one in prepared:
                if not prepare.unchanged(one.found):
                    name = one.found.name
                    reason = f"{name} changed while it was read."
                    raise ports.WorkFailed(reason, file=name, transient=True)
        except BaseException:
            discard(self._made)
            raise
        return Outcome(
            load=self._load,
            write=self._write,
            keys=self._keys,
            anew=anew,
            options=options,
            parts=parts,
            read=[one for one in prepared if one.found.name not in self._refused],
            touched=touched,
            portions=portions,
            refused=self._refused,
            rows=self._rows(portions),
            there=frozenset(
                (
                    *(file.table for file in parts.same),
                    *(self._table(one.name) for one in parts.candidates),
                )
            ),
        ).staged()

    def anew(self, before: state.State) -> bool:
        """Tell whether all files are read, changed or not."""
        return self._load.full_refresh or self._reads_otherwise(before, self._options())

    # what is read

    def _options(self) -> dict[str, Any]:
        """What decides how files are read: when it changes, all of them are read anew."""
        told = {"null_values", "format", "sheet", "tables", "primary_key", "write", "deduplication"}
        given = msgspec.json.decode(msgspec.json.encode(self._block))
        return {name: given[name] for name in sorted(told & given.keys())}

    def _reads_otherwise(self, before: state.State, options: dict[str, Any]) -> bool:
        """Whether to begin anew; not by itself where that would lose what files held before."""
        had = before.cursors.get("options")
        return had is not None and had != options and self._write == "replace"

    def _table(self, name: str) -> str:
        how = getattr(self._block, "tables", "one")
        path = Path(name.removesuffix(".gz"))
        if how == "by_name":
            return table_name(path.stem)
        if how == "by_folder" and len(path.parts) > 1:
            return table_name(path.parts[0])
        return self._load.table

    def _prepare(
        self, parts: Split, *, anew: bool
    ) -> tuple[list[prepare.Prepared], list[state.Tracked]]:
        """Check and hash the candidates; those that hold what they held are only touched."""
        total = sum(one.size_bytes for one in parts.candidates)
        done = 0

        def show(position: int) -> None:
            here = ports.Progress(phase="checking", done=done + position, total=total, unit="bytes")
            self._desk.progress(here)

        ready, touched = [], []
        for number, one in enumerate(parts.candidates):
            try:
                found = formats.detect(one, self._block.format)
                if found in formats.BINARY:
                    prepared = prepare.hashed(one, number, show)
                else:
                    bound = self._settings.unpacked_bytes_max
                    prepared = prepare.prepare(one, number, bound, show)
            except ports.WorkRefused as refusal:
                self._refused[one.name] = refusal
                continue
            finally:
                done += one.size_bytes
            prepared.format, prepared.table = found, self._table(one.name)
            before = parts.known.get(one.name)
            same = before is not None and (before.sha256, before.table) == (
                prepared.sha256,
                prepared.table,
            )
            if before is not None and same and not anew:
                touched.append(
                    msgspec.structs.replace(
                        before, size_bytes=one.size_bytes, mtime_ns=one.mtime_ns
                    )
                )
            else:
                ready.append(prepared)
        return ready, touched

    def _read(self, prepared: list[prepare.Prepared]) -> dict[str, Portion]:
        groups: dict[str, dict[Format, list[prepare.Prepared]]] = {}
        for one in prepared:
            groups.setdefault(one.table, {}).setdefault(one.format, []).append(one)
        return {table: self._read_table(table, by) for table, by in groups.items()}

    def _read_table(self, table: str, by: dict[Format, list[prepare.Prepared]]) -> Portion:
        known = self._load.formats.get(table)
        task = Task(
            connection=self._connection,
            load=self._load,
            settings=self._settings,
            desk=self._desk,
            block=self._block,
            table=table,
            known=known if known is not None and known.format == "csv" else None,
        )
        portions = []
        for kind, files in by.items():
            portion = READERS[kind](task, files)
            self._made += portion.paths
            self._refused |= portion.refused
            portions.append(portion)
        joined = join(task, portions)
        self._made += joined.paths
        rejected: dict[str, int] = {}
        for portion in portions:
            rejected |= portion.rejected
        return Portion(
            columns=joined.columns,
            paths=joined.paths,
            rejects=tuple(reject for portion in portions for reject in portion.rejects),
            rejected=rejected,
            found=next((p.found for p in portions if p.found is not None), None),
        )

    def _refuse_all(
        self, parts: Split, touched: list[state.Tracked], portions: dict[str, Portion]
    ) -> None:
        """Nothing could be read, and nothing else is there: that is a failure, not a part."""
        read = any(portion.columns for portion in portions.values())
        if self._refused and not read and not parts.same and not touched:
            first = next(iter(self._refused.values()))
            more = len(self._refused) - 1
            also = f" {more} more cannot be read either." if more else ""
            raise ports.WorkRefused(f"{first.reason}{also} Nothing was loaded.", **first.facts)

    def _rows(self, portions: dict[str, Portion]) -> dict[str, int]:
        """How many rows each file has, by its shown name."""
        rows: dict[str, int] = {}
        for portion in portions.values():
            rows |= csv_files.rows_by_file(self._connection, portion.paths)
        return rows
