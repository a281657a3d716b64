"""Writing sources.yml for somebody; see writing.py for how."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from domain import drafts
from domain.drafts import Change, ChangeInvalid, ConfigurationUnreadable, Draft
from domain.sources import FILE, Source, SourceMissing, Sources, apply
from infra.configuration import sources
from infra.configuration.documents import Unreadable, contents
from infra.configuration.writing import edited, merge, plain, replace, spelled

EMPTY: Final = 'version: "1.0"\nsources: []\n'

Edit = Callable[[CommentedSeq, Sequence[Source]], None]  # what is known is as the file says


class SourcesFile:
    """One file, edited by one caller at a time."""

    def __init__(self, path: Path, digest: Callable[[str, str], str]) -> None:
        self._path, self._digest = path, digest

    def add(self, draft: Draft) -> None:
        """Write a source behind the others; one that stands there just so stays. Raises Refused."""

        def edit(entries: CommentedSeq, _: Sequence[Source]) -> None:
            wanted = _entry(draft)
            if wanted in plain(entries):
                return
            drafts.add([str(entry["name"]) for entry in entries], draft)
            entries.append(CommentedMap(wanted))

        self._edit(edit)

    def change(self, name: str, wanted: Change) -> None:
        """Write a source anew, as far as it is to be otherwise. Raises Refused."""

        def edit(entries: CommentedSeq, known: Sequence[Source]) -> None:
            there = {source.name: source.type for source in known}
            drafts.change(known, name, wanted, self._digest)
            entry = next(entry for entry in entries if entry["name"] == name)
            for key, value in drafts.fields(wanted).items():
                if key not in entry or entry[key] != value:
                    entry[key] = spelled(value)
            if wanted.options is not None:
                block = there[name] if there[name] in entry else "generic_config"
                key = block if block in entry else there[name]
                kept = entry.get(key) or {}
                merge(entry, key, drafts.sparse(there[name], wanted.options, kept))

        self._edit(edit)

    def remove(self, name: str) -> None:
        """Take a source out of the file. Raises Refused."""

        def edit(entries: CommentedSeq, _: Sequence[Source]) -> None:
            place = next((n for n, entry in enumerate(entries) if entry["name"] == name), None)
            if place is None:
                raise SourceMissing(name)
            del entries[place]

        self._edit(edit)

    def _edit(self, edit: Edit) -> None:
        try:
            before = contents(self._path)
            known = sources.read(self._path, self._digest, before)
        except Unreadable as error:
            raise ConfigurationUnreadable(str(error)) from None
        after = edited(before, FILE, ("sources",), lambda entries: edit(entries, known), EMPTY)
        if after == before:
            return
        try:
            found = sources.read(self._path, self._digest, after)
        except Unreadable as error:
            raise ChangeInvalid(f"{error.file}: {error.reason}") from None
        events = apply(Sources({source.name: source for source in known}), found)
        if len(events) > 1:  # an alias of YAML: what is written once is read for several
            raise ChangeInvalid("the source shares what it says with another one, by an alias")
        replace(self._path, before, after)


def _entry(draft: Draft) -> dict[str, Any]:
    entry = drafts.fields(draft)
    entry[draft.type] = draft.options or {}
    return {key: spelled(value) for key, value in entry.items()}
