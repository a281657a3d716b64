"""Who is told of what: the places that notices are sent to, and the life of each notice.

A notice is one message to one place, known by the log position of its NoticeQueued. What it says is
made from the event that it tells of, when it is sent. Addresses, URLs and keys of places are in the
vault; events carry names. Invariants: an event leads to one notice at most for each place; a notice
is delivered once, or is dead after the last attempt until somebody wants it sent again.

    queued -> delivered
    queued -> failed attempts -> delivered | dead -> (resent) queued
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Clause, Event, Recorded, Refused, about
from domain.schedules import FILE

ALL: Final = "notifications"  # the tag of everything that changes who is told of what
MAIL: Final = "email"  # the place that stands for all addresses
PLACES_MAX: Final = 50
ATTEMPTS_MAX: Final = 4
PAUSES_S: Final = (5, 30, 300)  # behind the first attempt, the second and the third


class Subject(StrEnum):
    """What a notice is about."""

    FAILURE = "failure"
    SUCCESS = "success"
    STALE = "stale"
    GOVERNANCE = "governance"
    ANALYSIS = "analysis"
    TEST = "test"


DEFAULTS: Final = (Subject.FAILURE, Subject.STALE, Subject.GOVERNANCE, Subject.ANALYSIS)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One place that notices are sent to; `url` is masked, but for a `${NAME}`."""

    place: str
    format: str = "generic"  # or slack, or email
    url: str = ""
    signed: bool = False  # it has a key that its messages are signed with
    fingerprint: str = ""  # keyed digest of all that stands in the file


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told of what."""

    places: tuple[Place, ...] = ()
    on: tuple[Subject, ...] = DEFAULTS
    stale_after_hours: int = 24


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class NotificationsConfigured(Event, frozen=True, kw_only=True, tag="notifications_configured"):
    """Who is told of what is another."""

    permission: ClassVar[str] = "scheduler.view"
    wanted: Wanted

    def stream(self) -> str:
        return ALL


class _NoticeEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "scheduler.view"
    place: str

    def stream(self) -> str:
        return f"place:{self.place}"


class NoticeQueued(_NoticeEvent, frozen=True, kw_only=True, tag="notice_queued"):
    """A place is to be told of an event. Its position is the notice's id."""

    about: Subject
    cause: int  # position of the event

    def labels(self) -> tuple[str, ...]:
        return (f"cause:{self.cause}",)


class _AttemptEvent(_NoticeEvent, frozen=True, kw_only=True):
    notice: int

    def labels(self) -> tuple[str, ...]:
        return (f"notice:{self.notice}",)


class NoticeDelivered(_AttemptEvent, frozen=True, kw_only=True, tag="notice_delivered"):
    """The place has taken the message."""

    attempt: int
    status_code: int | None = None
    duration_s: float = 0.0


class NoticeFailed(_AttemptEvent, frozen=True, kw_only=True, tag="notice_failed"):
    """The place did not take the message; it is tried again after a pause."""

    attempt: int
    reason: str
    status_code: int | None = None
    wait_s: int = 0


class NoticeDead(_AttemptEvent, frozen=True, kw_only=True, tag="notice_dead"):
    """The place did not take the message; it is not tried again by itself."""

    attempt: int
    reason: str
    status_code: int | None = None


class NoticeResent(_AttemptEvent, frozen=True, kw_only=True, tag="notice_resent"):
    """Somebody wants a dead message sent again."""


EVENTS: Final[tuple[type[Event], ...]] = (
    NotificationsConfigured,
    NoticeQueued,
    NoticeDelivered,
    NoticeFailed,
    NoticeDead,
    NoticeResent,
)


class Configured(msgspec.Struct, frozen=True):
    """What is in force."""

    wanted: Wanted = Wanted()


def configured(state: Configured, recorded: Recorded) -> Configured:
    """Fold one event about who is told of what."""
    if isinstance(recorded.event, NotificationsConfigured):
        return Configured(recorded.event.wanted)
    return state


def apply(state: Configured, wanted: Wanted) -> list[Event]:
    """What happened, when the configuration now reads like this. Raises TooManyPlaces."""
    if len(wanted.places) > PLACES_MAX:
        raise TooManyPlaces
    return [] if state.wanted == wanted else [NotificationsConfigured(wanted=wanted)]


def configuration() -> Boundary:
    """Who is told of what."""
    return about(ALL)


class Notice(msgspec.Struct, frozen=True):
    """One message that is on its way, or was."""

    place: str
    attempt: int = 0
    state: str = "queued"  # delivered, dead


class Notices(msgspec.Struct, frozen=True):
    """The notices within the boundary, and who was told of which event already."""

    known: Mapping[int, Notice] = {}
    told: frozenset[tuple[int, str]] = frozenset()  # cause and place


def evolve(state: Notices, recorded: Recorded) -> Notices:
    """Fold one event about notices."""
    match recorded.event:
        case NoticeQueued(place=place, cause=cause):
            return Notices(
                {**state.known, recorded.position: Notice(place)}, state.told | {(cause, place)}
            )
        case NoticeFailed(notice=notice, attempt=attempt) if notice in state.known:
            return _with(state, notice, attempt, "queued")
        case NoticeDelivered(notice=notice, attempt=attempt) if notice in state.known:
            return _with(state, notice, attempt, "delivered")
        case NoticeDead(notice=notice, attempt=attempt) if notice in state.known:
            return _with(state, notice, attempt, "dead")
        case NoticeResent(notice=notice) if notice in state.known:
            return _with(state, notice, 0, "queued")
        case _:
            return state


def _with(state: Notices, notice: int, attempt: int, how: str) -> Notices:
    place = state.known[notice].place
    return Notices({**state.known, notice: Notice(place, attempt, how)}, state.told)


def boundary(cause: int, notice: int | None = None) -> Boundary:
    """Who was told of an event, and how one of these notices went."""
    told = (Clause((NoticeQueued,), (f"cause:{cause}",)),)
    return told if notice is None else (*told, Clause((), (f"notice:{notice}",)))


def queue(state: Notices, subject: Subject, cause: int, places: Iterable[str]) -> list[Event]:
    """Tell these places of an event, each once."""
    return [
        NoticeQueued(place=place, about=subject, cause=cause)
        for place in dict.fromkeys(places)
        if (cause, place) not in state.told
    ]


def delivered(state: Notices, told: NoticeDelivered) -> list[Event]:
    """An attempt went well."""
    return [told] if _waits(state, told) else []


def failed(state: Notices, told: NoticeFailed, *, final: bool) -> list[Event]:
    """An attempt went wrong; after the last one, or one that tells all, the notice is dead."""
    if not _waits(state, told):
        return []
    if final or told.attempt >= ATTEMPTS_MAX:
        dead = NoticeDead(
            place=told.place,
            notice=told.notice,
            attempt=told.attempt,
            reason=told.reason,
            status_code=told.status_code,
        )
        return [dead]
    return [msgspec.structs.replace(told, wait_s=PAUSES_S[told.attempt - 1])]


def _waits(state: Notices, told: NoticeDelivered | NoticeFailed) -> bool:
    notice = state.known.get(told.notice)
    return notice is not None and notice.state == "queued" and told.attempt == notice.attempt + 1


def resend(state: Notices, place: str, notice: int) -> list[Event]:
    """Send a dead notice again. Raises NoticeMissing, NoticeNotDead."""
    known = state.known.get(notice)
    if known is None or known.place != place:
        raise NoticeMissing(notice)
    if known.state == "queued":
        return []
    if known.state != "dead":
        raise NoticeNotDead(notice)
    return [NoticeResent(place=place, notice=notice)]


class TooManyPlaces(Refused):
    """The number of places is bounded."""

    def __init__(self) -> None:
        super().__init__(f"There can be {PLACES_MAX} webhooks; remove one first.")


class WebhookThere(Refused):
    """A webhook of this name is there."""

    def __init__(self, name: str) -> None:
        super().__init__(f"A webhook '{name}' is there already.")


class WebhookMissing(Refused):
    """No webhook has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Webhook '{name}' not found.")


class NoPlaces(Refused):
    """Nobody would be told."""

    def __init__(self) -> None:
        super().__init__(f"No webhook is configured in {FILE}; there is nobody to tell.")


class NoticeMissing(Refused):
    """No notice has this id."""

    def __init__(self, notice: int) -> None:
        super().__init__(f"Delivery {notice} not found.")


class NoticeNotDead(Refused):
    """It was delivered."""

    def __init__(self, notice: int) -> None:
        super().__init__(f"Delivery {notice} was delivered already.")
