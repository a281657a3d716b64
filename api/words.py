"""Events as sentences, for those who read what somebody did or what was done to them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from domain import (
    api_keys,
    backups,
    dashboards,
    deployments,
    grants,
    identities,
    monitor_runs,
    monitors,
    notebooks,
    profiles,
    projects,
    queries,
    saved_queries,
    sessions,
    totp,
    upkeep,
    users,
)
from domain.kernel import Event
from domain.sessions import Ending, Given, Method
from projections import sayings

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
    queries.QueryCancelled: lambda _: "A running query was cancelled",
    dashboards.DashboardAccountOpened: lambda _: "An account for dashboards was opened",
    dashboards.DashboardAccountClosed: lambda _: "The account for dashboards was closed",
}
WORK: Final[Mapping[type[Event], Callable[[Any], str]]] = {
    dashboards.DashboardsConnected: lambda _: "Dashboards were connected to the warehouse",
    deployments.DeploymentRecorded: lambda _: "A deployment was recorded",
    monitors.MonitorAdded: lambda e: f"Monitor {e.monitor} was added",
    monitors.MonitorChanged: lambda e: f"Monitor {e.monitor} was changed: {', '.join(e.changed)}",
    monitors.MonitorRemoved: lambda e: f"Monitor {e.monitor} was removed",
    monitors.MonitoringEnabled: lambda _: "Monitoring was switched on",
    monitors.MonitoringDisabled: lambda _: "Monitoring was switched off",
    monitor_runs.MonitorRunRequested: lambda e: f"{len(e.monitors)} monitors are to be run",
    monitor_runs.MonitorEvaluated: lambda e: f"Monitor {e.monitor} found: {e.verdict}",
    monitor_runs.MonitorFailed: lambda e: f"Monitor {e.monitor} failed: {e.reason}",
    notebooks.NotebookCreated: lambda e: f"Notebook {e.notebook} was made",
    notebooks.NotebookCopied: lambda e: f"Notebook {e.notebook} was made from {e.origin}",
    notebooks.NotebookFound: lambda e: f"Notebook {e.notebook} was found in its folder",
    notebooks.NotebookDeleted: lambda e: f"Notebook {e.notebook} was deleted",
    notebooks.NotebookLockAcquired: lambda e: f"Notebook {e.notebook} was locked for editing",
    notebooks.NotebookLockReleased: lambda e: f"Notebook {e.notebook} was released",
    notebooks.NotebookLockExpired: lambda e: f"The lock of notebook {e.notebook} ran out",
    notebooks.NotebookLockForced: lambda e: f"The lock of notebook {e.notebook} was taken away",
    notebooks.NotebookSessionStarted: lambda e: f"The editor of notebook {e.notebook} began",
    notebooks.NotebookSessionEnded: lambda e: f"The editor of notebook {e.notebook} ended",
    saved_queries.QuerySaved: lambda _: "A query was saved by a name",
    saved_queries.SavedQueryChanged: lambda _: "A saved query was changed",
    saved_queries.SavedQueryDeleted: lambda _: "A saved query was deleted",
    profiles.TableProfiled: lambda e: f"{e.schema}.{e.table} was profiled: {e.rows} rows",
}
# Their names say it all.
SILENT: Final[frozenset[type[Event]]] = frozenset(
    {
        projects.ProjectCreated,
        upkeep.MaintenanceRequested,
        backups.BackupRequested,
        grants.GrantRenewed,
    }
)


def said(event: Event) -> str:
    """What happened, in a sentence."""
    kind = type(event)
    if (words := IDENTITY.get(kind) or WORK.get(kind)) is not None:
        return words(event)
    if (told := sayings.WORDS.get(kind)) is not None:
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
