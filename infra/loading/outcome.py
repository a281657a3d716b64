"""What a load of files comes to: tables to write, files to be told of, files to be remembered."""

from collections.abc import Iterator
from typing import Any

import msgspec

from commands import ports
from domain.datasets import File, RefusedFile
from infra.loading import prepare, state
from infra.loading.file_sources import NO_FILE, NO_ROWS
from infra.loading.portion import Portion, Refusals
from infra.loading.staged import Staged, StagedTable
from infra.loading.tracking import Split


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A directory of which what changed was read."""

    load: ports.Load
    write: str
    keys: tuple[str, ...]
    anew: bool  # all files were read, changed or not
    options: dict[str, Any]
    parts: Split
    read: list[prepare.Prepared]
    touched: list[state.Tracked]  # other in size or time, and not in what they hold
    portions: dict[str, Portion]  # by table
    refused: Refusals
    rows: dict[str, int]  # by the file's shown name
    there: frozenset[str]  # tables that some file is for

    def staged(self) -> Staged:
        """Give what is to be published."""
        now = [self._tracked(one) for one in self.read]
        kept = [self.parts.known[name] for name in self.refused if name in self.parts.known]
        left = self._left_alone()
        kept += left
        if self.write == "append" and not self.keys:
            kept += self.parts.vanished  # they would be added twice, should they come back
        every = (*self.parts.same, *self.touched, *now, *kept)
        portions = self.portions.items()
        return Staged(
            tables=tuple(self._tables(now)),
            files=tuple(self._file(one) for one in self.read),
            state={"options": self.options},
            tracked=tuple(sorted(every, key=lambda file: file.path)),
            rejects=tuple(reject for _, portion in portions for reject in portion.rejects),
            refused=tuple(
                RefusedFile(file=name, reason=refusal.reason, line=refusal.facts.get("line"))
                for name, refusal in sorted(self.refused.items())
            )
            + tuple(RefusedFile(file=file.path, reason=_stays(file)) for file in left),
            formats={
                table: portion.found
                for table, portion in portions
                if portion.found is not None and portion.columns
            },
        )

    def _left_alone(self) -> list[state.Tracked]:
        """What is gone with all files of its table, while others have some: its rows stay.

        They go when an input may be empty. Where nothing at all is there, the run is refused.
        """
        if self.write != "replace" or self.load.allow_empty or not self.there:
            return []
        return [file for file in self.parts.vanished if file.table not in self.there]

    def _tables(self, now: list[state.Tracked]) -> Iterator[StagedTable]:
        parts, replaces = self.parts, self.write == "replace"
        gone = self._gone(now)
        names = dict.fromkeys((*self.portions, *gone))
        if not names and not parts.known and not self.refused:
            names = {self.load.table: None}
        for name in names:
            portion = self.portions.get(name, Portion())
            stays = any(file.table == name for file in parts.known.values())
            fresh = self.anew or not stays
            whole = fresh and replaces and not self.refused
            yield StagedTable(
                name=name,
                columns=portion.columns,
                paths=portion.paths,
                rows=sum(self.rows.get(one.path, 0) for one in now if one.table == name),
                write="append" if replaces and not whole else self.write,
                keys=self.keys,
                gone_files=tuple(gone.get(name, ())),
                fresh=self.anew and not replaces and bool(portion.columns),
                empty=NO_ROWS if now or parts.same else NO_FILE,
            )

    def _gone(self, now: list[state.Tracked]) -> dict[str, list[str]]:
        """The files whose earlier rows go, by the table that has them."""
        known, gone = self.parts.known, dict[str, list[str]]()
        if self.write in ("replace", "append") and not self.keys:
            for file in (known[one.path] for one in now if one.path in known):
                gone.setdefault(file.table, []).append(file.path)
        if self.write == "replace":
            left = self._left_alone()
            for file in (file for file in self.parts.vanished if file not in left):
                gone.setdefault(file.table, []).append(file.path)
        return gone

    def _tracked(self, one: prepare.Prepared) -> state.Tracked:
        return state.Tracked(
            path=one.found.name,
            size_bytes=one.found.size_bytes,
            mtime_ns=one.found.mtime_ns,
            sha256=one.sha256,
            rows=self.rows.get(one.found.name, 0),
            run=self.load.job,
            table=one.table,
        )

    def _file(self, one: prepare.Prepared) -> File:
        return File(
            path=one.found.name,
            size_bytes=one.found.size_bytes,
            sha256=one.sha256,
            rows=self.rows.get(one.found.name, 0),
            encoding=one.encoding,
            rejected=self.portions[one.table].rejected.get(one.found.name, 0),
        )


def _stays(file: state.Tracked) -> str:
    return (
        f"{file.path} is gone, and with it all of table '{file.table}': its rows stay."
        " Allow empty loads for this source if they are to go."
    )
