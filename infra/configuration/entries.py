"""Writing entries of schedules.yml and monitors.yml for somebody; see writing.py for how."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from domain.drafts import ChangeInvalid, ConfigurationUnreadable
from domain.kernel import Refused
from infra.configuration.documents import Unreadable, contents
from infra.configuration.writing import edited, plain, replace, spelled

Reads = Callable[[Path, bytes], object]  # what takes the file. Raises Unreadable


class EntriesFile:
    """One file, edited by one caller at a time. An entry is named by its `name`."""

    def __init__(self, path: Path, reads: Reads, empty: str) -> None:
        """`empty` is a file without any entry."""
        self._path, self._reads, self._empty = path, reads, empty

    def add(self, path: tuple[str, ...], entry: Mapping[str, Any], there: Refused) -> None:
        """Write an entry behind the others; one that stands there just so stays. Raises Refused."""
        wanted = {key: spelled(value) for key, value in entry.items()}

        def edit(entries: CommentedSeq) -> None:
            if wanted in plain(entries):
                return
            if _find(entries, entry["name"]) is not None:
                raise there
            entries.append(CommentedMap(wanted))

        self._edit(path, edit)

    def change(
        self, path: tuple[str, ...], name: str, wanted: Mapping[str, Any], missing: Refused
    ) -> None:
        """Write what of an entry is to be otherwise. Raises Refused."""

        def edit(entries: CommentedSeq) -> None:
            place = _find(entries, name)
            if place is None:
                raise missing
            entry = entries[place]
            for key, value in wanted.items():
                if key not in entry or entry[key] != value:
                    entry[key] = spelled(value)

        self._edit(path, edit)

    def remove(self, path: tuple[str, ...], name: str, missing: Refused) -> None:
        """Take an entry out of the file. Raises Refused."""

        def edit(entries: CommentedSeq) -> None:
            place = _find(entries, name)
            if place is None:
                raise missing
            del entries[place]

        self._edit(path, edit)

    def _edit(self, path: tuple[str, ...], edit: Callable[[CommentedSeq], None]) -> None:
        try:
            before = contents(self._path)
            self._reads(self._path, before)
        except Unreadable as error:
            raise ConfigurationUnreadable(
                str(error), file=error.file, line=error.line, column=error.column
            ) from None
        after = edited(before, self._path.name, path, edit, self._empty)
        if after == before:
            return
        try:
            self._reads(self._path, after)
        except Unreadable as error:
            raise ChangeInvalid(f"{error.file}: {error.reason}") from None
        replace(self._path, before, after)


def _find(entries: CommentedSeq, name: str) -> int | None:
    return next((n for n, entry in enumerate(entries) if entry.get("name") == name), None)
