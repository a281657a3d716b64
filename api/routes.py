"""The route table: every route, who may use it, and what answers. A new capability adds rows."""

from typing import Final

from api import (
    api_keys,
    auth,
    docs,
    events,
    export,
    factors,
    health,
    identities,
    initial_syncs,
    links,
    logs,
    oauth,
    queries,
    runs,
    secrets,
    sessions,
    source_edits,
    sources,
    syncs,
    upkeep,
    uploads,
    users,
    watcher,
    ws,
)
from api.callers import DEPLOY, PARTIAL, PUBLIC, READS, SESSION, SIGNED_IN
from api.pages import access, account, overview, static
from api.pages import commands as forms
from api.pages import events as event_pages
from api.pages import factors as second
from api.pages import links as chosen
from api.table import NOW_ONLY, Route, delete, form, get, page, post, put, socket

OWN: Final = "it tells what the caller may do now"
NO_PAST: Final = "the vault keeps no past"
OF_PROGRAM: Final = {"always_now": "it tells what this program can do", "needs_views": False}
INITIAL: Final = "/api/initial-sync"
OF_SOURCE: Final = "/api/sources/{source_name:str}"
LIVE_ONLY: Final = {"always_now": NOW_ONLY, "needs_views": False}
ELSEWHERE: Final = {"always_now": "it is one step of a login", "browsed": True}

ROUTES: Final[tuple[Route, ...]] = (
    # health and configuration
    get("/api", PUBLIC, health.about, **LIVE_ONLY),
    get("/api/status", PUBLIC, health.status, **LIVE_ONLY),
    get("/api/config", READS, health.config, **LIVE_ONLY),
    get("/api/watcher/status", READS, watcher.watcher_status, **LIVE_ONLY),
    get("/api/health/live", PUBLIC, health.live, **LIVE_ONLY),
    get("/api/health/ready", PUBLIC, health.ready, **LIVE_ONLY),
    # access
    post("/api/auth/login", PUBLIC, auth.login),
    post("/api/auth/logout", SIGNED_IN, auth.logout),
    get("/api/auth/me", PUBLIC, auth.me, always_now=OWN),
    post("/api/auth/change-password", SESSION, auth.change_password),
    get("/api/auth/sessions", SESSION, sessions.list_sessions, always_now=OWN),
    delete("/api/auth/sessions", SESSION, sessions.revoke_others),
    delete("/api/auth/sessions/{session_id:str}", SESSION, sessions.revoke_session),
    post("/api/auth/api-keys", SESSION, api_keys.create_key, shows_secret=True),
    get("/api/auth/api-keys", SIGNED_IN, api_keys.list_keys, always_now=OWN),
    delete("/api/auth/api-keys/{key_id:str}", SESSION, api_keys.revoke_key),
    post("/api/auth/accept-invite", PUBLIC, links.accept_invite),
    post("/api/auth/reset-password", PUBLIC, links.reset_password),
    get("/api/auth/oauth/{provider:str}/login", PUBLIC, oauth.begin, **ELSEWHERE),
    get("/api/auth/oauth/{provider:str}/callback", PUBLIC, oauth.finish, **ELSEWHERE),
    post("/api/auth/oauth/{provider:str}/link", SESSION, oauth.link, shows_secret=True),
    get("/api/auth/identities", SESSION, identities.list_identities, always_now=OWN),
    delete("/api/auth/identities/{identity_id:str}", SESSION, identities.unlink_identity),
    # second factors
    post("/api/auth/2fa/setup", SESSION, factors.set_up, shows_secret=True),
    post("/api/auth/2fa/verify-setup", SESSION, factors.verify_setup, shows_secret=True),
    post("/api/auth/2fa/verify", PARTIAL, factors.verify),
    post("/api/auth/2fa/disable", SESSION, factors.disable),
    post("/api/auth/2fa/regenerate-recovery", SESSION, factors.regenerate, shows_secret=True),
    # accounts
    get("/api/admin/users", "users.manage", users.list_users),
    post("/api/admin/users", "users.manage", users.create_user, status=201, shows_secret=True),
    delete("/api/admin/users/{user_id:str}", "users.manage", users.delete_user),
    post(
        "/api/admin/users/{user_id:str}/reinvite", "users.manage", users.reinvite, shows_secret=True
    ),
    put("/api/admin/users/{user_id:str}/role", "users.manage", users.change_role),
    post(
        "/api/admin/users/{user_id:str}/reset-password",
        "users.manage",
        users.reset_password,
        shows_secret=True,
    ),
    post("/api/admin/users/{user_id:str}/deactivate", "users.manage", users.deactivate),
    post("/api/admin/users/{user_id:str}/reactivate", "users.manage", users.reactivate),
    post("/api/admin/users/{user_id:str}/unlock", "users.manage", users.unlock),
    post("/api/admin/users/{user_id:str}/revoke-sessions", "users.manage", users.revoke_sessions),
    # sources and syncs
    get("/api/sources", READS, sources.list_sources),
    get("/api/sources/{source_name:str}/details", READS, sources.source_details),
    get("/api/sources/{source_name:str}/logs", READS, sources.source_logs),
    get("/api/source-types", "source.view", source_edits.list_types, **OF_PROGRAM),
    post("/api/sources", "source.manage", source_edits.add_source),
    put("/api/sources/{source_name:str}", "source.manage", source_edits.change_source),
    delete("/api/sources/{source_name:str}", "source.manage", source_edits.remove_source),
    post("/api/sources/{source_name:str}/test", "source.manage", source_edits.test_source),
    post("/api/sources/{source_name:str}/sync", "source.sync", syncs.sync_source, again=True),
    get(
        "/api/sources/{source_name:str}/runs/{run:int}/changes",
        "query.execute",
        runs.run_changes,
    ),
    post("/api/sources/{source_name:str}/rollback", "source.manage", runs.roll_back, again=True),
    post("/api/sync/trigger", "source.sync", syncs.trigger_sync, again=True),
    get("/api/sync/status/{record_id:int}", "source.sync", syncs.sync_status),
    post("/api/sync/{job_id:int}/cancel", "source.sync", syncs.cancel_sync, again=True),
    post("/api/schedules/jobs/{job_id:int}/cancel", "scheduler.manage", syncs.cancel_sync),
    get("/api/logs", READS, logs.list_logs),
    # files of sources
    post(f"{OF_SOURCE}/upload-csv", "csv.upload", uploads.upload, streamed=True),
    get(f"{OF_SOURCE}/csv-files", READS, uploads.list_files, always_now="the disk keeps no past"),
    delete(f"{OF_SOURCE}/csv-files", "csv.delete", uploads.delete_file),
    # the first sync of a deployment
    post(
        f"{INITIAL}/deploy-token", "platform.manage", initial_syncs.issue_token, shows_secret=True
    ),
    post(f"{INITIAL}/start", DEPLOY, initial_syncs.start),
    get(f"{INITIAL}/status", DEPLOY, initial_syncs.status),
    post(f"{INITIAL}/skip-source", "platform.manage", initial_syncs.skip_source),
    post(f"{INITIAL}/cancel", "platform.manage", initial_syncs.cancel),
    # secrets
    get("/api/secrets", "config.manage", secrets.list_secrets, always_now=NO_PAST),
    post("/api/secrets", "config.manage", secrets.set_secret),
    delete("/api/secrets/{key:str}", "config.manage", secrets.remove_secret),
    # live
    socket("/ws", SIGNED_IN, ws.Live),
    # query
    post("/api/query", "query.execute", queries.run_query),
    # the log, and what is derived from it
    get("/api/events", "audit.view", events.list_events),
    get("/api/events/verify", "audit.view", events.verify_events, **LIVE_ONLY),
    get("/api/events/export", "audit.view", export.export_events),
    get("/api/events/{position:int}", "audit.view", events.one_event),
    get("/api/projections", "platform.manage", upkeep.list_projections, **LIVE_ONLY),
    post("/api/projections/check", "platform.manage", upkeep.check_projections, needs_views=False),
    post(
        "/api/projections/{name:str}/rebuild",
        "platform.manage",
        upkeep.rebuild_projection,
        needs_views=False,
    ),
    post("/api/warehouse/maintenance", "platform.manage", upkeep.maintain_warehouse),
    # the interface described
    get("/openapi.json", READS, docs.document, **LIVE_ONLY),
    page("/api/docs", READS, docs.swagger, **LIVE_ONLY),
    page("/api/redoc", READS, docs.redoc, **LIVE_ONLY),
    # pages
    get("/static/{file_path:path}", PUBLIC, static.file, **LIVE_ONLY),
    page("/login", PUBLIC, access.login_page, **LIVE_ONLY),
    form("/login", PUBLIC, access.login),
    page("/login/code", PUBLIC, access.code_page, **LIVE_ONLY),
    form("/login/code", PARTIAL, access.verify),
    page("/invite/{token:str}", PUBLIC, chosen.invite_page, **LIVE_ONLY),
    form("/invite/{token:str}", PUBLIC, chosen.accept_invite),
    page("/reset/{token:str}", PUBLIC, chosen.reset_page, **LIVE_ONLY),
    form("/reset/{token:str}", PUBLIC, chosen.reset_password),
    form("/logout", SIGNED_IN, access.logout),
    page("/account", SESSION, account.account, always_now=OWN),
    page("/settings/account", SESSION, account.account_moved, always_now=OWN),
    page("/account/password", SIGNED_IN, access.password_page, always_now=OWN),
    page("/setup", SIGNED_IN, access.password_moved, always_now=OWN),
    form("/account/password", SESSION, access.change_password),
    page("/account/2fa", SESSION, second.factor_page, always_now=OWN),
    form("/account/2fa", SESSION, second.set_up, shows_secret=True),
    form("/account/2fa/verify", SESSION, second.verify, shows_secret=True),
    form("/account/2fa/disable", SESSION, second.disable),
    form("/account/2fa/recovery-codes", SESSION, second.regenerate, shows_secret=True),
    form("/account/sessions/end-others", SESSION, account.end_others),
    form("/account/sessions/{session_id:str}/end", SESSION, account.end_session),
    form("/account/api-keys", SESSION, account.create_key, shows_secret=True),
    form("/account/api-keys/{key_id:str}/revoke", SESSION, account.revoke_key),
    form("/account/providers/{provider:str}/link", SESSION, account.link, shows_secret=True),
    form("/account/identities/{identity_id:str}/unlink", SESSION, account.unlink),
    page("/", READS, overview.overview),
    form("/sources/{source_name:str}/sync", "source.sync", forms.sync_source),
    page("/events", "audit.view", event_pages.list_events),
    page("/events/{position:int}", "audit.view", event_pages.one_event),
)
