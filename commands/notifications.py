"""The intents around notices. Where they go is kept in the vault, and told to nothing else."""

from collections.abc import Sequence
from typing import Any, Final, assert_never

import msgspec

from commands.kernel import Command, Forget, Keep
from domain import notifications
from domain.kernel import Boundary, Decider, Event
from domain.notifications import NoticeDelivered, NoticeFailed, Subject

WAYS: Final = "notification_ways"  # the vault's kind and id of where all places are


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Where a place is, as the file says it, `${NAME}` and all; `key` signs what is sent there."""

    place: str
    url: str = ""
    key: str | None = None
    to: tuple[str, ...] = ()  # addresses of mails


class ApplyNotifications(Command, frozen=True, kw_only=True):
    """schedules.yml reads like this now."""

    wanted: notifications.Wanted
    ways: tuple[Way, ...] = ()

    def vault(self) -> tuple[Keep | Forget, ...]:
        return (Keep(WAYS, WAYS, msgspec.json.encode(self.ways)),)


class QueueNotices(Command, frozen=True, kw_only=True):
    """Tell these places of an event."""

    about: Subject
    cause: int
    places: tuple[str, ...]


class TellDelivered(Command, frozen=True, kw_only=True):
    """An attempt went well; `cause` is the event that the notice tells of."""

    cause: int
    told: NoticeDelivered


class TellFailed(Command, frozen=True, kw_only=True):
    """An attempt went wrong; `final`: another one would too."""

    cause: int
    told: NoticeFailed
    final: bool = False


class ResendNotice(Command, frozen=True, kw_only=True):
    """Send a dead notice again."""

    cause: int
    notice: int
    place: str


NoticeCommand = QueueNotices | TellDelivered | TellFailed | ResendNotice


def boundary(command: NoticeCommand) -> Boundary:
    """Who was told of the event, and how the notice went."""
    match command:
        case QueueNotices():
            return notifications.boundary(command.cause)
        case ResendNotice():
            return notifications.boundary(command.cause, command.notice)
        case _:
            return notifications.boundary(command.cause, command.told.notice)


def decide(state: notifications.Notices, command: NoticeCommand) -> Sequence[Event]:
    """Choose the decision."""
    match command:
        case QueueNotices():
            return notifications.queue(state, command.about, command.cause, command.places)
        case TellDelivered():
            return notifications.delivered(state, command.told)
        case TellFailed():
            return notifications.failed(state, command.told, final=command.final)
        case ResendNotice():
            return notifications.resend(state, command.place, command.notice)
        case _:
            assert_never(command)


_CONFIGURED: Final[Decider[notifications.Configured, ApplyNotifications]] = Decider(
    initial=notifications.Configured(),
    boundary=lambda _: notifications.configuration(),
    evolve=notifications.configured,
    decide=lambda state, command: notifications.apply(state, command.wanted),
)
_DECIDER: Final = Decider(
    initial=notifications.Notices(),
    boundary=boundary,
    evolve=notifications.evolve,
    decide=decide,
)
DECIDERS: Final[dict[type[Command], Decider[Any, Any]]] = {
    ApplyNotifications: _CONFIGURED,
    QueueNotices: _DECIDER,
    TellDelivered: _DECIDER,
    TellFailed: _DECIDER,
    ResendNotice: _DECIDER,
}
