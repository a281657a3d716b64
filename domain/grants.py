"""What providers let us read for sources: given by an admin in a browser, renewed, taken back.

There is one grant for each type of source. Its tokens, and whose account it is, are in the vault
alone. A grant that its provider renews no more stays, told as such, until somebody connects anew.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Final

import msgspec

from domain.kernel import Boundary, Event, Recorded, Refused, about

PROVIDERS: Final[Mapping[str, str]] = {
    "google_sheets": "google",
    "google_analytics": "google",
    "facebook_ads": "facebook",
    "shopify": "shopify",
    "hubspot": "hubspot",
    "salesforce": "salesforce",
}
PREFIX: Final = "OAUTH_"  # of the names by which sources.yml refers to what a provider gave


def tag(source_type: str) -> str:
    """The tag of everything about the grant for a type of source."""
    return f"grant:{source_type}"


def variable(source_type: str) -> str:
    """The NAME of the ${NAME} that stands for it."""
    return f"{PREFIX}{source_type.upper()}"


def named(name: str) -> str | None:
    """The type of source whose grant a ${NAME} stands for, or None."""
    found = name.removeprefix(PREFIX).lower() if name.startswith(PREFIX) else ""
    return found if found in PROVIDERS and variable(found) == name else None


# Tags and fields are a storage format: add, never change. docs/explanation/events.md
class _GrantEvent(Event, frozen=True, kw_only=True):
    permission: ClassVar[str] = "config.manage"
    source_type: str

    def stream(self) -> str:
        return tag(self.source_type)


class GrantGiven(_GrantEvent, frozen=True, kw_only=True, tag="grant_given"):
    """Somebody connected an account; an earlier one is forgotten."""

    provider: str
    attempt: str  # digest of the way there and back, which leads here once
    expires_at: datetime | None = None
    renewable: bool = True


class GrantRenewed(_GrantEvent, frozen=True, kw_only=True, tag="grant_renewed"):
    """The provider has made it last longer."""

    expires_at: datetime | None = None


class GrantLapsed(_GrantEvent, frozen=True, kw_only=True, tag="grant_lapsed"):
    """The provider does not renew it: somebody has to connect again."""

    reason: str


class GrantTakenBack(_GrantEvent, frozen=True, kw_only=True, tag="grant_taken_back"):
    """Somebody disconnected it; `revoked` if the provider was told, and has agreed."""

    revoked: bool


EVENTS: Final[tuple[type[Event], ...]] = (GrantGiven, GrantRenewed, GrantLapsed, GrantTakenBack)


class Grant(msgspec.Struct, frozen=True):
    """The grant for one type of source."""

    given: bool = False
    lapsed: bool = False
    expires_at: datetime | None = None
    attempts: frozenset[str] = frozenset()


class Grants(msgspec.Struct, frozen=True):
    """By type of source."""

    known: Mapping[str, Grant] = {}

    def of(self, source_type: str) -> Grant:
        """What is known of one."""
        return self.known.get(source_type, _NONE)


_NONE: Final = Grant()


def evolve(state: Grants, recorded: Recorded) -> Grants:
    """Fold one event."""
    event = recorded.event
    if not isinstance(event, _GrantEvent):
        return state
    name = event.source_type
    return Grants({**state.known, name: _changed(state.of(name), event)})


def _changed(grant: Grant, event: Event) -> Grant:
    match event:
        case GrantGiven(attempt=attempt, expires_at=at):
            return Grant(given=True, expires_at=at, attempts=grant.attempts | {attempt})
        case GrantRenewed(expires_at=at):
            return msgspec.structs.replace(grant, lapsed=False, expires_at=at)
        case GrantLapsed():
            return msgspec.structs.replace(grant, lapsed=True)
        case _:
            return Grant(attempts=grant.attempts)


def boundary(source_type: str) -> Boundary:
    """All about one grant."""
    return about(tag(source_type))


def give(state: Grants, wanted: GrantGiven) -> list[Event]:
    """Take what a provider gave. One way there and back leads here once."""
    known = wanted.attempt in state.of(wanted.source_type).attempts
    return [] if known else [wanted]


def renew(state: Grants, wanted: GrantRenewed) -> list[Event]:
    """Note that it lasts longer. Raises GrantMissing when it was taken back meanwhile."""
    grant = state.of(wanted.source_type)
    if not grant.given:
        raise GrantMissing(wanted.source_type)
    if grant.expires_at == wanted.expires_at and not grant.lapsed:
        return []
    return [wanted]


def lapse(state: Grants, wanted: GrantLapsed) -> list[Event]:
    """Note that it is renewed no more, once."""
    grant = state.of(wanted.source_type)
    return [wanted] if grant.given and not grant.lapsed else []


def take_back(state: Grants, wanted: GrantTakenBack) -> list[Event]:
    """Disconnect. Raises GrantMissing."""
    grant = state.of(wanted.source_type)
    if not grant.given and not grant.attempts:
        raise GrantMissing(wanted.source_type)
    return [wanted] if grant.given else []


class GrantMissing(Refused):
    """Nobody has connected an account."""

    def __init__(self, source_type: str) -> None:
        super().__init__(f"No OAuth credentials for '{source_type}'.")
