"""Events as sentences, for those who read what somebody did or what was done to them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from domain import api_keys, identities, projects, queries, sessions, totp, upkeep, users
from domain.kernel import Event
from domain.sessions import Ending, Given, Method
from projections import activity

_BEGUN: Final[Mapping[Method, str]] = {
    Method.PASSWORD: "Logged in with the password",
    Method.TOTP: "Logged in with password and code",
    Method.RECOVERY_CODE: "Logged in with password and recovery code",
    Method.PASSWORD_CHANGE: "Went on in a new session after a change of the password",
    Method.FACTOR_CHANGE: "Went on in a new session after a change of the second factor",
    Method.GOOGLE: "Logged in with Google",
    Method.GITHUB: "Logged in with GitHub",
}
_ENDED: Final[Mapping[Ending, str]] = {
    Ending.LOGOUT: "Logged out",
    Ending.REVOKED: "A session was ended",
    Ending.EXPIRED: "A session ran out",
    Ending.DISPLACED: "A session ended, since there were too many",
    Ending.COMPLETED: "The second factor was given",
    Ending.GUESSED: "A login ended after too many wrong codes",
}
_GIVEN: Final[Mapping[Given, str]] = {Given.PASSWORD: "password", Given.CODE: "code"}

IDENTITY: Final[Mapping[type[Event], Callable[[Any], str]]] = {
    users.UserCreated: lambda e: f"The account was made, as {e.role}",
    users.UserInvited: lambda e: f"Was invited as {e.role}; the link is good until {_day(e)}",
    users.InviteRenewed: lambda e: f"The invitation was renewed until {_day(e)}",
    users.InviteAccepted: lambda _: "The invitation was accepted and a password chosen",
    users.PasswordChanged: lambda _: "The password was changed; all other sessions ended",
    users.PasswordReset: lambda _: "A temporary password was given; all sessions ended",
    users.PasswordResetOffered: lambda _: "A link for a new password was made; all sessions ended",
    users.UserRoleChanged: lambda e: f"The role became {e.role}, and was {e.before}",
    users.UserDeactivated: lambda _: "The account was deactivated",
    users.UserReactivated: lambda _: "The account was reactivated",
    users.UserDeleted: lambda _: "The account was deleted",
    sessions.SessionStarted: lambda e: _BEGUN[e.method],
    sessions.PartialSessionStarted: lambda _: "The password was right; the second factor is due",
    sessions.SessionEnded: lambda e: _ENDED[e.reason],
    sessions.LoginFailed: lambda e: f"A login failed: wrong {_GIVEN[e.given]}{_unheard(e.unheard)}",
    sessions.CurrentPasswordWrong: lambda e: f"A wrong current {_GIVEN[e.given]} was given",
    sessions.UserUnlocked: lambda _: "The account was unlocked; failed logins count no more",
    api_keys.ApiKeyCreated: lambda e: (
        f"The API key {e.prefix}… was made{_reach(e.permissions)}{_life(e.expires_at)}"
    ),
    api_keys.ApiKeyRevoked: lambda _: "An API key was revoked",
    totp.TotpSetupBegun: lambda _: "The setup of a second factor was begun",
    totp.TotpEnabled: lambda _: "A second factor was set up; all other sessions ended",
    totp.TotpDisabled: lambda _: "The second factor was taken away; all other sessions ended",
    totp.TotpUsed: lambda _: "A code of the second factor was used",
    totp.RecoveryCodesIssued: lambda _: "New recovery codes were made; all other sessions ended",
    totp.RecoveryCodeUsed: lambda _: "A recovery code was used",
    identities.IdentityLinked: lambda e: f"A login at {e.provider} opens the account from now on",
    identities.IdentityUnlinked: lambda e: f"A login at {e.provider} opens the account no more",
    identities.IdentityProved: lambda e: f"Was proved by a login at {e.provider}",
    identities.IdentityRefused: lambda e: f"A login at {e.provider} was refused: {e.reason}",
    queries.QueryExecuted: lambda e: f"A query was run: {e.outcome}",
}
# Their names say it all.
SILENT: Final[frozenset[type[Event]]] = frozenset(
    {projects.ProjectCreated, upkeep.MaintenanceRequested}
)


def said(event: Event) -> str:
    """What happened, in a sentence."""
    kind = type(event)
    if (words := IDENTITY.get(kind)) is not None:
        return words(event)
    if (told := activity.WORDS.get(kind)) is not None:
        return told(event)[1]
    return kind.type_name().replace("_", " ").capitalize()


def _day(event: Any) -> str:
    at: datetime = event.expires_at
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _unheard(count: int) -> str:
    return f"; {count} more by anybody were not heard" if count else ""


def _reach(permissions: tuple[str, ...] | None) -> str:
    return "" if permissions is None else f", for {', '.join(permissions) or 'nothing'} alone"


def _life(expires_at: datetime | None) -> str:
    return "" if expires_at is None else f", good until {expires_at:%Y-%m-%d}"
