"""Arguments that several commands take, and values that argparse cannot read by itself."""

from datetime import date, datetime
from typing import Final

from api.cli.command import arg
from domain.permissions import Role

ROLES: Final = tuple(role.value for role in Role)
PORT_MAX: Final = 65_535  # 16 bits
POSITION_MAX: Final = (1 << 63) - 1  # 64 bits with a sign


def day(text: str) -> str:
    """A day, as the API takes it."""
    return date.fromisoformat(text).isoformat()


def instant(text: str) -> str:
    """A time, or a day for its first moment; without a zone, the one of this machine is meant."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo is not None else found.astimezone()).isoformat()


def point(text: str) -> str:
    """A point in the past: a position, or a time as `instant` takes it."""
    return str(position(text)) if text.isascii() and text.isdigit() else instant(text)


def port(text: str) -> int:
    """A port; 0 lets the system choose one."""
    return _within(text, PORT_MAX)


def position(text: str) -> int:
    """A position in the log."""
    return _within(text, POSITION_MAX)


def _within(text: str, most: int) -> int:
    value = int(text)
    if not 0 <= value <= most:
        raise ValueError(text)
    return value


PORT: Final = arg("--port", metavar="P", type=port, help="port to listen on (project.yml, 8800)")
SOURCE: Final = arg("source", metavar="SOURCE", help="name of the source")
LIMIT: Final = arg("--limit", metavar="N", type=int, help="at most so many (100)")
