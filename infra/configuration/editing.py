"""Writing sources.yml for somebody: comments, order and what others wrote are kept.

The file is the truth. It is written first, and whole or not at all: beside, to the disk, then in
its place; then it is read like after any other change, and the events say who asked for it. When
the process dies between the two, the next start reads the file and has the same events, but for
who asked. What somebody wrote by hand meanwhile is not overwritten.
"""

import io
import os
import re
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from yaml import ScalarNode
from yaml.resolver import Resolver

from domain import drafts
from domain.drafts import (
    Change,
    ChangeInvalid,
    ConfigurationChanged,
    ConfigurationUnreadable,
    Draft,
)
from domain.sources import Source, SourceMissing, Sources, apply
from infra import durable
from infra.configuration import sources
from infra.configuration.documents import Unreadable, contents

WIDTH: Final = 4096  # characters; no line is folded
_INDENT: Final = re.compile(r"^sources:[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)-( +)", re.MULTILINE)

TEXT_TAG: Final = "tag:yaml.org,2002:str"
_RESOLVER: Final = Resolver()

Edit = Callable[[CommentedSeq, Sequence[Source]], None]  # what is known is as the file says


class SourcesFile:
    """One file, edited by one caller at a time."""

    def __init__(self, path: Path, digest: Callable[[str, str], str]) -> None:
        self._path, self._digest = path, digest

    def add(self, draft: Draft) -> None:
        """Write a source behind the others; one that stands there just so stays. Raises Refused."""

        def edit(entries: CommentedSeq, _: Sequence[Source]) -> None:
            wanted = _entry(draft)
            if wanted in _plain(entries):
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
                    entry[key] = _spelled(value)
            if wanted.options is not None:
                block = there[name] if there[name] in entry else "generic_config"
                key = block if block in entry else there[name]
                kept = entry.get(key) or {}
                _merge(entry, key, drafts.sparse(there[name], wanted.options, kept))

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
        after = _edited(before, lambda entries: edit(entries, known))
        if after == before:
            return
        try:
            found = sources.read(self._path, self._digest, after)
        except Unreadable as error:
            raise ChangeInvalid(f"{error.file}: {error.reason}") from None
        events = apply(Sources({source.name: source for source in known}), found)
        if len(events) > 1:  # an alias of YAML: what is written once is read for several
            raise ChangeInvalid("the source shares what it says with another one, by an alias")
        self._replace(before, after)

    def _replace(self, before: bytes, after: bytes) -> None:
        path = self._path.resolve()  # a link stays one
        beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(after)
                file.flush()
                os.fsync(file.fileno())
            if contents(path) != before:
                raise ConfigurationChanged(path.name)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        durable.sync(path.parent)


def _edited(before: bytes, edit: Callable[[CommentedSeq], None]) -> bytes:
    text = before.decode("utf-8-sig")
    yaml = _yaml(text)
    try:
        document = yaml.load(text)
    except YAMLError as error:  # it takes a little less than what reads the file
        raise ConfigurationUnreadable(f"sources.yml: {type(error).__name__}") from None
    if document is None:  # nothing but comments, which the library would drop
        head = text if not text or text.endswith("\n") else f"{text}\n"
        return _edited(f'{head}version: "1.0"\nsources: []\n'.encode(), edit)
    if not document.get("sources"):
        document["sources"] = CommentedSeq()
    entries = document["sources"]
    known = _plain(entries)
    edit(entries)
    if _plain(entries) == known:
        return before
    if entries:
        entries.fa.set_block_style()
    else:
        entries.fa.set_flow_style()
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue().encode()


def _yaml(text: str) -> YAML:
    """A reader and writer that keeps what it can of how the file is written."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = WIDTH
    found = _INDENT.search(text)
    offset, gap = (len(found[1]), len(found[2])) if found is not None else (2, 1)
    yaml.indent(mapping=2, sequence=offset + 1 + gap, offset=offset)
    return yaml


def _entry(draft: Draft) -> dict[str, Any]:
    entry = drafts.fields(draft)
    entry[draft.type] = draft.options or {}
    return {key: _spelled(value) for key, value in entry.items()}


def _spelled(value: Any) -> Any:
    """Quoted where what reads the file, which takes `no` for false, would read something else."""
    if isinstance(value, dict):
        return {_spelled(key): _spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(item) for item in value]
    if not isinstance(value, str):
        return value
    plain = _RESOLVER.resolve(ScalarNode, value, (True, False)) == TEXT_TAG and value.isprintable()  # type: ignore[no-untyped-call]
    return value if plain else DoubleQuotedScalarString(value)


def _plain(value: Any) -> Any:
    """Of what YAML has, what JSON has; its own types change under our hands."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _merge(entry: CommentedMap, key: str, wanted: dict[str, Any]) -> None:
    """Set a block to what is wanted; keys that stay keep their place and their comments."""
    block = entry.get(key)
    if not isinstance(block, CommentedMap):
        entry[key] = _spelled(wanted)
        return
    for name in [name for name in block if name not in wanted]:
        del block[name]
    for name, value in wanted.items():
        if isinstance(value, dict) and isinstance(block.get(name), CommentedMap):
            _merge(block, name, value)
        elif name not in block or block[name] != value:
            block[name] = _spelled(value)
