"""Telling what was handed in and what was taken away."""

from collections.abc import Sequence
from typing import Any, Final, assert_never

from commands.kernel import Command
from domain import uploads
from domain.kernel import Decider, Event


class RecordUpload(Command, frozen=True, kw_only=True):
    """A file lies in the source's folder now."""

    source: str
    file: str
    size_bytes: int
    sha256: str


class RecordDeletion(Command, frozen=True, kw_only=True):
    """A file does not lie there any more; size and time tell which one of its name it was."""

    source: str
    file: str
    size_bytes: int
    mtime_ns: int


UploadCommand = RecordUpload | RecordDeletion


def decide(state: uploads.Files, command: UploadCommand) -> Sequence[Event]:
    """Choose the decision."""
    fields: dict[str, Any] = {n: getattr(command, n) for n in command.__struct_fields__}
    match command:
        case RecordUpload():
            return uploads.tell(state, uploads.CsvUploaded(**fields))
        case RecordDeletion():
            return uploads.tell(state, uploads.CsvDeleted(**fields))
        case _:
            assert_never(command)


_DECIDER: Final = Decider(
    initial=uploads.Files(),
    boundary=lambda command: uploads.boundary(command.source),
    evolve=uploads.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    RecordUpload: _DECIDER,
    RecordDeletion: _DECIDER,
}
