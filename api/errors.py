"""Every way in which a request can fail, and what it is answered. One table for broken rules."""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)

from api import asgi
from api.call import AnswerGone, BadKey
from api.pages import trouble
from commands import ports
from commands.kernel import KeyReused, OutcomeUnknown, Overloaded, StorageFull
from domain import (
    api_keys,
    backups,
    deployments,
    drafts,
    drift,
    emails,
    factors,
    grants,
    guesses,
    identities,
    initial_syncs,
    links,
    logins,
    model_runs,
    models,
    monitor_runs,
    monitors,
    notebooks,
    notifications,
    passwords,
    pii,
    pii_overrides,
    profiles,
    queries,
    saved_queries,
    schedule_runs,
    schedules,
    secrets,
    sessions,
    sources,
    syncs,
    upkeep,
    uploads,
    users,
    vault,
)
from domain.kernel import Refused
from domain.source_types import table as source_types
from projections.engine import ViewsBroken

_log = logging.getLogger("dango.api")

# A rule that was broken -> status. A new refusal adds a row.
REFUSALS: Final[Mapping[type[Refused], int]] = {
    drafts.ChangeInvalid: 422,
    drafts.ConfigurationChanged: 409,
    drafts.ConfigurationUnreadable: 409,
    drafts.SecretInFile: 422,
    drafts.SourceChanged: 409,
    drafts.SourceThere: 409,
    drafts.TrustNeeded: 403,
    drafts.SourceTypeUnknown: 422,
    drift.NoDrift: 404,
    api_keys.ExpiryPast: 422,
    api_keys.KeyMissing: 404,
    api_keys.PermissionUnknown: 422,
    api_keys.TooManyKeys: 409,
    emails.EmailInvalid: 422,
    factors.BadCode: 401,
    factors.CodeWrong: 403,
    factors.FactorThere: 409,
    factors.NoFactor: 409,
    factors.NoSetup: 409,
    factors.PartialSessionOver: 401,
    guesses.TooManyAttempts: 429,
    initial_syncs.DeployTokenSpent: 409,
    initial_syncs.NoInitialSync: 409,
    initial_syncs.NoSources: 409,
    identities.AttemptSpent: 400,
    identities.AttemptUnknown: 400,
    identities.IdentityMissing: 404,
    identities.IdentityUnknown: 403,
    identities.LastWayIn: 409,
    identities.LoginDenied: 403,
    identities.ProviderMissing: 404,
    identities.TooManyIdentities: 409,
    links.AcceptedAlready: 409,
    links.LinkInvalid: 401,
    queries.QueryEnded: 409,
    queries.QueryMissing: 404,
    queries.QueryThere: 409,
    saved_queries.SavedNameInvalid: 422,
    saved_queries.SavedQueryMissing: 404,
    saved_queries.SavedQueryThere: 409,
    saved_queries.TooManySavedQueries: 409,
    pii.NothingToScan: 409,
    pii_overrides.TooManyOverrides: 409,
    profiles.NothingPublished: 404,
    profiles.TableMissing: 404,
    passwords.PasswordUnchanged: 422,
    passwords.PasswordWeak: 422,
    passwords.RepeatedDiffers: 422,
    logins.BadCredentials: 401,
    logins.PasswordStale: 409,
    sessions.SessionMissing: 404,
    logins.WrongPassword: 403,
    uploads.ContentDiffers: 422,
    uploads.ContentUnreadable: 422,
    uploads.FileEmpty: 422,
    uploads.FileMissing: 404,
    uploads.FileNameInvalid: 422,
    uploads.FileThere: 409,
    uploads.FormatUnsupported: 400,
    uploads.NoFileSource: 400,
    uploads.NotOfTheSource: 400,
    users.EmailDiffers: 422,
    users.EmailTaken: 409,
    users.LastAdmin: 409,
    users.UserInactive: 409,
    users.UserMissing: 404,
    users.UserPending: 409,
    secrets.SecretMissing: 404,
    secrets.SecretNameInvalid: 422,
    secrets.SecretThere: 409,
    secrets.SecretValueInvalid: 422,
    secrets.TooManySecrets: 409,
    source_types.OptionInvalid: 422,
    sources.SchemaTaken: 409,
    sources.SourceMissing: 404,
    deployments.DeploymentInvalid: 422,
    monitor_runs.NothingToMonitor: 409,
    monitors.MonitorInvalid: 422,
    monitors.MonitorMissing: 404,
    monitors.MonitorThere: 409,
    monitors.TooManyMonitors: 409,
    notifications.NoPlaces: 409,
    notifications.NoticeMissing: 404,
    notifications.NoticeNotDead: 409,
    notifications.TooManyPlaces: 409,
    notifications.WebhookMissing: 404,
    notifications.WebhookThere: 409,
    schedules.ScheduleInvalid: 422,
    schedules.ScheduleMissing: 404,
    schedules.ScheduleThere: 409,
    schedules.TooManySchedules: 409,
    schedule_runs.ScheduleRunEnded: 409,
    schedule_runs.ScheduleRunning: 409,
    syncs.SchemaBusy: 409,
    syncs.SyncRunning: 409,
    syncs.SyncEnded: 409,
    syncs.SyncMissing: 404,
    upkeep.MaintenanceRunning: 409,
    backups.BackupRunning: 409,
    vault.MasterKeyGiven: 409,
    vault.RotationRunning: 409,
    grants.GrantMissing: 404,
    models.ModelMissing: 404,
    notebooks.LockNotHeld: 409,
    notebooks.NoLock: 404,
    notebooks.NotTheirNotebook: 403,
    notebooks.NotebookLocked: 409,
    notebooks.NotebookMissing: 404,
    notebooks.NotebookNameInvalid: 422,
    notebooks.NotebookThere: 409,
    notebooks.TemplateUnknown: 422,
    model_runs.ModelsRunning: 409,
    model_runs.ModelsRunEnded: 409,
    model_runs.ModelsRunMissing: 404,
}

_WORK: Final[Mapping[type[ports.WorkFailed], int]] = {
    ports.WorkRefused: 400,
    ports.WorkTimedOut: 408,
    ports.WorkCancelled: 409,
    ports.WorkTooLarge: 400,
    ports.WorkDied: 503,
    ports.Busy: 503,
    ports.WorkFailed: 400,
    ports.ProofRefused: 403,
    ports.UpstreamFailed: 502,
}

UNKNOWN: Final = (
    "The disk failed while this was being recorded. The outcome is unknown: retry with the same"
    " Idempotency-Key once the server has been restarted."
)


class Denied(Exception):
    """The guard's no: 401, 403, 422 or 503 with a sentence."""

    def __init__(self, status: int, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.status, self.detail, self.facts = status, detail, facts


def lacking(permission: str) -> Denied:
    """Of a caller who may not do this."""
    return Denied(403, f"Permission denied: {permission}", permission=permission)


def answer(
    request: Request[Any, Any, Any], status: int, detail: str, facts: Mapping[str, Any] = {}
) -> Response[Any]:
    """The one shape of every error."""
    if asgi.page(request.scope):
        return trouble.page(request, status, detail, facts)
    body = {"detail": detail, **facts}
    body["request_id"] = asgi.request_id(request.scope)
    headers = {}
    if "retry_after" in facts:
        headers["Retry-After"] = str(facts["retry_after"])
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        headers=headers,
        media_type="application/json",
    )


# What a caller is told in so many words: a form shows it beside what was filled in.
TOLD: Final = (Refused, Denied, ports.WorkFailed)


def told(error: Exception) -> tuple[int, str, dict[str, Any]]:
    """Status, sentence and facts of one of TOLD."""
    if isinstance(error, Refused):
        return REFUSALS[type(error)], error.detail, {"error_code": _code(error), **error.facts}
    if isinstance(error, Denied):
        return error.status, error.detail, dict(error.facts)
    if not isinstance(error, ports.WorkFailed):
        raise TypeError(type(error))
    status, facts = _WORK[type(error)], dict(error.facts)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        facts.setdefault("retry_after", 1)
    return status, error.reason, facts


def _told(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return answer(request, *told(error))


def _overloaded(request: Request[Any, Any, Any], error: Overloaded) -> Response[Any]:
    detail = "The server is busy; try again in a moment."
    return answer(request, 503, detail, {"retry_after": error.retry_after})


def _unknown(request: Request[Any, Any, Any], _: OutcomeUnknown) -> Response[Any]:
    return answer(request, 503, UNKNOWN, {"error_code": "outcome_unknown", "retry_after": 10})


def _full(request: Request[Any, Any, Any], _: StorageFull) -> Response[Any]:
    return answer(request, 507, "The disk is full: nothing was changed.", {"retry_after": 60})


def _reused(request: Request[Any, Any, Any], _: KeyReused) -> Response[Any]:
    return answer(request, 422, "This Idempotency-Key was used for another request.")


def _bad_key(request: Request[Any, Any, Any], _: BadKey) -> Response[Any]:
    detail = "An Idempotency-Key is 1 to 255 visible ASCII characters."
    return answer(request, 422, detail)


def _gone(request: Request[Any, Any, Any], _: AnswerGone) -> Response[Any]:
    detail = "This request was carried out before; its answer held a secret and is gone."
    return answer(request, 409, detail)


def _broken(request: Request[Any, Any, Any], error: ViewsBroken) -> Response[Any]:
    _log.error("views are broken: %s", error)
    detail = "The read models have stopped; see /api/health/ready."
    return answer(request, 503, detail, {"retry_after": 10})


def _validation(request: Request[Any, Any, Any], error: ValidationException) -> Response[Any]:
    fields = [
        {"path": str(item.get("key") or "body"), "message": safe(str(item.get("message", "")))}
        for item in (error.extra if isinstance(error.extra, list) else ())
        if isinstance(item, dict)
    ]
    first = fields[0] if fields else {"path": "request", "message": "is not valid"}
    detail = f"{first['path']}: {first['message']}"
    return answer(request, 422, detail, {"fields": fields})


def _http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    status = error.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _bug(request, error)
    detail = error.detail
    if isinstance(error, NotFoundException):
        detail = "There is nothing here."
    elif isinstance(error, MethodNotAllowedException):
        detail = "This path does not take this method."
    elif status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        detail = "The body is too large."
    elif type(error) is ClientException:
        detail = "The request is malformed."
    response = answer(request, status, detail)
    for name, value in (error.headers or {}).items():
        if name.lower() == "allow":
            response.headers["Allow"] = value
    return response


def _malformed(request: Request[Any, Any, Any], _: Exception) -> Response[Any]:
    return answer(request, 400, "The request is malformed.")


def _bug(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    _log.error("request %s failed", asgi.request_id(request.scope), exc_info=error)
    return answer(request, 500, "An internal error occurred.")


HANDLERS: Final[dict[Any, Any]] = {
    **dict.fromkeys(TOLD, _told),
    Overloaded: _overloaded,
    OutcomeUnknown: _unknown,
    StorageFull: _full,
    KeyReused: _reused,
    BadKey: _bad_key,
    AnswerGone: _gone,
    ViewsBroken: _broken,
    ValidationException: _validation,
    UnicodeDecodeError: _malformed,
    RecursionError: _malformed,
    HTTPException: _http,
    Exception: _bug,
}

_ECHO: Final = re.compile(r"(Invalid enum value|Invalid value|Invalid) .*")
_LONG: Final = 200


def safe(message: str) -> str:
    """A validation message without the value that was sent."""
    if message.startswith("Invalid enum value"):
        return "is not one of the allowed values"
    return _ECHO.sub(r"\1", message)[:_LONG]


def _code(error: Refused) -> str:
    """`SyncRunning` -> `sync_running`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


def invalid(path: str, message: str) -> Denied:
    """422 for a value that types alone cannot check."""
    return Denied(422, f"{path}: {message}", fields=[{"path": path, "message": message}])
