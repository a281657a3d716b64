"""The intents around looking for personal data."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, assert_never

from commands.kernel import Command
from domain import pii
from domain.kernel import Boundary, Decider, Event


class RequestPiiScan(Command, frozen=True, kw_only=True):
    """Look through a source: for what is due, or through everything when somebody wants it."""

    source: str
    at: datetime
    wanted: bool = False


class EndPiiScan(Command, frozen=True, kw_only=True):
    """A scan has ended like this."""

    ending: pii.PiiScanned | pii.PiiScanFailed


PiiCommand = RequestPiiScan | EndPiiScan


def boundary(command: PiiCommand) -> Boundary:
    """All that happened to the source."""
    named = command if isinstance(command, RequestPiiScan) else command.ending
    return pii.boundary(named.source)


def decide(state: pii.Scans, command: PiiCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case RequestPiiScan():
            return pii.request(state, command.source, now=command.at, wanted=command.wanted)
        case EndPiiScan():
            return pii.end(state, command.ending)
        case _:
            assert_never(command)


_DECIDER: Final = Decider(initial=pii.Scans(), boundary=boundary, evolve=pii.evolve, decide=decide)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    RequestPiiScan: _DECIDER,
    EndPiiScan: _DECIDER,
}
