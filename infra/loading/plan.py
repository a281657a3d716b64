"""A set of CSV files as one table: its columns, their types, which files are read together."""

from collections.abc import Iterable, Iterator, Mapping

import duckdb
import msgspec

from domain.datasets import Column
from infra.loading import scan
from infra.loading.formats import FileFormat
from infra.loading.header import Header
from infra.loading.prepare import Prepared

ISO_FORMATS = (None, "%Y-%m-%d", "%Y-%m-%d %H:%M:%S")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One file with its header, its columns spelled as the table spells them."""

    prepared: Prepared
    header: Header


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Files that one scan reads: of the same header, formats and types."""

    header: Header
    formats: scan.Formats
    types: tuple[str, ...]
    parts: list[Part]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How to read all files: `types` in the order of the table's columns."""

    types: dict[str, str]
    groups: list[Group]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The table's columns."""
        return tuple(Column(name=name, type=spelled) for name, spelled in self.types.items())


def one_spelling(files: Iterable[tuple[Prepared, Header]], known: Iterable[str] = ()) -> list[Part]:
    """Join columns whose names differ by case alone, under the spelling that came first."""
    spelling = {name.lower(): name for name in known}
    parts = []
    for prepared, header in files:
        names = tuple(spelling.setdefault(name.lower(), name) for name in header.columns)
        renamed = msgspec.structs.replace(header, columns=names)
        parts.append(Part(prepared=prepared, header=renamed))
    return parts


def make(
    connection: duckdb.DuckDBPyConnection,
    parts: list[Part],
    *,
    sample_rows: int,
    line_bytes_max: int,
    as_text: frozenset[str] = frozenset(),
    known: FileFormat | None = None,
) -> Plan:
    """Find types that hold the values of all files. `as_text`: columns to leave as they are.

    A file with no other columns than those that are known is not looked at.
    """
    sniffed = [
        _presumed(part.header, known) or _sniff(connection, part, sample_rows, line_bytes_max)
        for part in parts
    ]
    if len(_foreign_formats(sniffed)) > 1:
        # 01/02 is a day in January in one file and in February in the other: nobody can tell.
        sniffed = [_dates_as_text(one) for one in sniffed]
    types = dict.fromkeys(name for part in parts for name in part.header.columns)
    merged: dict[str, str] = {}
    doubtful: set[str] = set()
    for name, spelled in _votes(parts, sniffed):
        if name in merged and merged[name] != spelled and scan.TEXT in (merged[name], spelled):
            doubtful.add(name)
        merged[name] = scan.wider(merged.get(name, spelled), spelled)
    merged |= _without_empty(connection, parts, sniffed, doubtful, line_bytes_max)
    merged |= dict.fromkeys(as_text & merged.keys(), scan.TEXT)
    groups = _grouped(parts, sniffed, merged)
    return Plan(types={name: merged[name] for name in types}, groups=groups)


def _presumed(header: Header, known: FileFormat | None) -> scan.Sniffed | None:
    if known is None or not set(header.columns) <= known.columns.keys():
        return None
    types = tuple(known.columns[name] for name in header.columns)
    formats = scan.Formats(date=known.date, timestamp=known.timestamp)
    return scan.Sniffed(types=types, formats=formats)


def _sniff(
    connection: duckdb.DuckDBPyConnection,
    part: Part,
    sample_rows: int,
    line_bytes_max: int,
) -> scan.Sniffed:
    staged, header = part.prepared.staged, part.header
    try:
        found = scan.sniff(
            connection,
            staged,
            header,
            sample_rows=sample_rows,
            line_bytes_max=line_bytes_max,
        ) or scan.sniff_good_rows(connection, staged, header, line_bytes_max=line_bytes_max)
    except duckdb.InvalidInputException:
        found = None  # the scan that follows tells what is wrong
    if found is not None:
        return found
    # No row fits the header; read as text, they are all found and named.
    types = (scan.TEXT,) * len(header.columns)
    return scan.Sniffed(types=types, formats=scan.Formats())


def _foreign_formats(sniffed: list[scan.Sniffed]) -> set[str]:
    formats = {each for one in sniffed for each in (one.formats.date, one.formats.timestamp)}
    return {each for each in formats if each is not None and each not in ISO_FORMATS}


def _dates_as_text(sniffed: scan.Sniffed) -> scan.Sniffed:
    if not _foreign_formats([sniffed]):
        return sniffed
    types = tuple(
        scan.TEXT if each.startswith(("DATE", "TIMESTAMP")) else each for each in sniffed.types
    )
    return scan.Sniffed(types=types, formats=scan.Formats())


def _votes(parts: list[Part], sniffed: list[scan.Sniffed]) -> Iterator[tuple[str, str]]:
    for part, one in zip(parts, sniffed, strict=True):
        yield from zip(part.header.columns, one.types, strict=True)


def _without_empty(
    connection: duckdb.DuckDBPyConnection,
    parts: list[Part],
    sniffed: list[scan.Sniffed],
    doubtful: set[str],
    line_bytes_max: int,
) -> dict[str, str]:
    """Merge the doubtful columns again without files that have no value there.

    The sniffer calls a column of nothing but empty values text.
    """
    merged: dict[str, str] = {}
    for part, one in zip(parts, sniffed, strict=True):
        types = dict(zip(part.header.columns, one.types, strict=True))
        texts = [name for name in doubtful & types.keys() if types[name] == scan.TEXT]
        real = doubtful & types.keys() - set(texts)
        if texts:
            staged = part.prepared.staged
            real |= scan.filled(
                connection,
                staged,
                part.header,
                texts,
                line_bytes_max=line_bytes_max,
            )
        for name in real:
            merged[name] = scan.wider(merged.get(name, types[name]), types[name])
    return merged


def _grouped(
    parts: list[Part],
    sniffed: list[scan.Sniffed],
    merged: Mapping[str, str],
) -> list[Group]:
    groups: dict[tuple[Header, scan.Formats, tuple[str, ...]], Group] = {}
    for part, one in zip(parts, sniffed, strict=True):
        types = tuple(
            # A date in the file's own format is read as such and widened afterwards.
            "DATE" if (found, merged[name]) == ("DATE", "TIMESTAMP") else merged[name]
            for name, found in zip(part.header.columns, one.types, strict=True)
        )
        group = Group(header=part.header, formats=one.formats, types=types, parts=[])
        groups.setdefault((part.header, one.formats, types), group).parts.append(part)
    return list(groups.values())
