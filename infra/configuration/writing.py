"""Writing a configuration file for somebody: comments, order and what others wrote are kept.

The file is the truth. It is written first, and whole or not at all: beside, to the disk, then in
its place; then it is read like after any other change, and the events say who asked for it. When
the process dies between the two, the next start reads the file and has the same events, but for
who asked. What somebody wrote by hand meanwhile is not overwritten.
"""

import io
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from yaml import ScalarNode
from yaml.resolver import Resolver

from domain.drafts import ConfigurationChanged, ConfigurationUnreadable
from infra import durable
from infra.configuration.documents import contents

WIDTH: Final = 4096  # characters; no line is folded
_INDENT: Final = re.compile(
    r"^(?:sources|schedules|monitors|overrides):[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\n)*( *)-( +)",
    re.MULTILINE,
)

TEXT_TAG: Final = "tag:yaml.org,2002:str"
_RESOLVER: Final = Resolver()

Edit = Callable[[CommentedSeq], None]


def replace(path: Path, before: bytes, after: bytes) -> None:
    """Put a file in the place of the one that was read. Raises ConfigurationChanged."""
    path = path.resolve()  # a link stays one
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


def edited(before: bytes, file: str, path: tuple[str, ...], edit: Edit, empty: str) -> bytes:
    """What a file says when the list under `path` is edited; `empty` is a file without any."""
    text = before.decode("utf-8-sig")
    yaml = _yaml(text)
    try:
        document = yaml.load(text)
    except YAMLError as error:  # it takes a little less than what reads the file
        raise ConfigurationUnreadable(f"{file}: {type(error).__name__}") from None
    if document is None:  # nothing but comments, which the library would drop
        head = text if not text or text.endswith("\n") else f"{text}\n"
        return edited(f"{head}{empty}".encode(), file, path, edit, empty)
    block = document
    for key in path[:-1]:
        if not block.get(key):
            block[key] = CommentedMap()
        block = block[key]
    if not block.get(path[-1]):
        block[path[-1]] = CommentedSeq()
    entries = block[path[-1]]
    known = plain(entries)
    edit(entries)
    if plain(entries) == known:
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


def spelled(value: Any) -> Any:
    """Quoted where what reads the file, which takes `no` for false, would read something else."""
    if isinstance(value, dict):
        return {spelled(key): spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [spelled(item) for item in value]
    if not isinstance(value, str):
        return value
    tag = _RESOLVER.resolve(ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]  # untyped there
    return value if tag == TEXT_TAG and value.isprintable() else DoubleQuotedScalarString(value)


def plain(value: Any) -> Any:
    """Of what YAML has, what JSON has; its own types change under our hands."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def merge(entry: CommentedMap, key: str, wanted: dict[str, Any]) -> None:
    """Set a block to what is wanted; keys that stay keep their place and their comments."""
    block = entry.get(key)
    if not isinstance(block, CommentedMap):
        entry[key] = spelled(wanted)
        return
    for name in [name for name in block if name not in wanted]:
        del block[name]
    for name, value in wanted.items():
        if isinstance(value, dict) and isinstance(block.get(name), CommentedMap):
            merge(block, name, value)
        elif name not in block or block[name] != value:
            block[name] = spelled(value)
