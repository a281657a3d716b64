"""The `.env` of an existing project: read once, its values then live in the vault.

Lines are `NAME=value`, as the tools that write such files have them: `export ` may stand before,
quotes around the value, a comment behind it. A name that is none is passed over.
"""

import logging
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from commands.kernel import Bus, Origin
from commands.secrets import ImportSecrets, Value
from domain.secrets import NAME_LENGTH_MAX, SECRETS_MAX, VALUE_BYTES_MAX
from domain.source_types.secret import NAME
from infra.configuration.documents import FILE_BYTES_MAX

FILE: Final = ".env"
ORIGIN: Final = Origin(actor="system:configuration", via="start", correlation="secrets")
_LINE: Final = re.compile(r"\s*(?:export\s+)?([^\s=#]+)\s*=\s*(.*)")
_COMMENT: Final = re.compile(r"\s+#.*")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}


_log = logging.getLogger("dango.configuration")


def read(path: Path) -> dict[str, bytes]:
    """The values of a file that can be secrets; empty when there is none that can be read."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError:
        return {}
    if len(data) > FILE_BYTES_MAX:
        return {}
    found: dict[str, bytes] = {}
    for line in data.decode("utf-8-sig", errors="replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None or not NAME.fullmatch(match[1]) or len(match[1]) > NAME_LENGTH_MAX:
            continue
        value = _value(match[2].strip()).encode()
        if 0 < len(value) <= VALUE_BYTES_MAX:
            found[match[1]] = value
    return found


async def take_over(path: Path, bus: Bus, known: Collection[str]) -> tuple[str, ...]:
    """Take what the file has of names that are free; answers them, none after the first time."""
    free = {name: value for name, value in read(path).items() if name not in known}
    names = sorted(free)[: SECRETS_MAX - len(known)]
    if not names:
        return ()
    command = ImportSecrets(
        values=tuple(Value(secret=name, value=free[name]) for name in names), file=path.name
    )
    outcome = await bus.send(command, ORIGIN)
    if not outcome.recorded:
        return ()
    _log.info("taken over from %s into the vault: %s", path.name, ", ".join(names))
    return tuple(names)


def _value(text: str) -> str:
    quote = text[:1]
    if quote == "'" and text.count("'") > 1:
        return text[1 : text.index("'", 1)]
    if quote == '"' and (end := re.match(r'"((?:[^"\\]|\\.)*)"', text)) is not None:
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), end[1])
    return _COMMENT.sub("", text)
