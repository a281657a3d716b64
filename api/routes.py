"""The route table: every route, who may use it, and what answers. A new capability adds rows."""

from typing import Final

from api import (
    api_keys,
    auth,
    backups,
    dashboards,
    dbt_docs,
    deployments,
    diagnostics,
    docs,
    editors,
    events,
    export,
    factors,
    governance,
    grants,
    health,
    identities,
    initial_syncs,
    links,
    logs,
    metrics,
    model_runs,
    models,
    monitoring,
    monitors,
    notebooks,
    notifications,
    oauth,
    pii,
    platform_health,
    profiles,
    queries,
    runs,
    saved_queries,
    schedule_edits,
    schedules,
    secrets,
    sessions,
    source_edits,
    sources,
    syncs,
    upkeep,
    users,
    vault,
    watcher,
    ws,
)
from api.agents import listed
from api.callers import DEPLOY, PARTIAL, PUBLIC, READS, SESSION, SIGNED_IN
from api.catalog import details, found, graph, lists
from api.catalog import summary as for_agents
from api.pages.table import PAGES
from api.table import NOW_ONLY, Route, delete, get, page, post, proxied, put, socket
from api.uploads import received, stored

OWN: Final = "it tells what the caller may do now"
NO_PAST: Final = "the vault keeps no past"
OF_PROGRAM: Final = {"always_now": "it tells what this program can do", "needs_views": False}
CATALOG: Final = "/api/catalog"
OF_TABLE: Final = f"{CATALOG}/{{source:str}}/{{table:str}}"
GOVERNANCE: Final = "/api/governance"
INITIAL: Final = "/api/initial-sync"
NOTICES: Final = "/api/notifications"
EDITOR: Final = "/notebooks/marimo/{name:str}"
OF_NOTEBOOK: Final = "/api/notebooks/{name:str}"
OF_SAVED: Final = "/api/queries/{query_id:str}"
OF_SCHEDULE: Final = "/api/schedules/{name:str}"
OF_SOURCE: Final = "/api/sources/{source_name:str}"
LIVE_ONLY: Final = {"always_now": NOW_ONLY, "needs_views": False}
DOCUMENTED: Final = {"always_now": "it is what dbt made last", "needs_views": False}
ELSEWHERE: Final = {"always_now": "it is one step of a login", "browsed": True}

ROUTES: Final[tuple[Route, ...]] = (
    # health and configuration
    get("/api", PUBLIC, health.about, **LIVE_ONLY),
    get("/api/status", PUBLIC, health.status, **LIVE_ONLY),
    get("/api/config", READS, health.config, **LIVE_ONLY),
    get("/api/watcher/status", READS, watcher.watcher_status, **LIVE_ONLY),
    get("/api/health/platform", READS, platform_health.platform_health, **LIVE_ONLY),
    get("/api/health/diagnostics", "platform.manage", diagnostics.bundle, **LIVE_ONLY),
    get("/metrics", READS, metrics.metrics, **LIVE_ONLY),
    get("/api/health/live", PUBLIC, health.live, **LIVE_ONLY),
    get("/api/health/ready", PUBLIC, health.ready, **LIVE_ONLY),
    get("/api/deployments/history", "platform.manage", deployments.history),
    post("/api/deployments", "platform.manage", deployments.record, status=201),
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
    # schedules
    get("/api/schedules", "scheduler.view", schedules.list_schedules),
    post("/api/schedules", "scheduler.manage", schedule_edits.add_schedule, status=201),
    post("/api/schedules/reload", "scheduler.manage", schedule_edits.reload),
    get("/api/schedules/history/recent", "scheduler.view", schedules.recent_history),
    get("/api/schedules/jobs/{job_id:int}", "scheduler.view", schedules.job),
    post("/api/schedules/jobs/{job_id:int}/cancel", "scheduler.manage", schedules.cancel_job),
    get(OF_SCHEDULE, "scheduler.view", schedules.schedule_details),
    put(OF_SCHEDULE, "scheduler.manage", schedule_edits.change_schedule),
    delete(OF_SCHEDULE, "scheduler.manage", schedule_edits.remove_schedule),
    get(f"{OF_SCHEDULE}/history", "scheduler.view", schedules.schedule_history),
    post(f"{OF_SCHEDULE}/trigger", "source.sync", schedules.trigger_schedule, again=True),
    get("/api/sources/unscheduled", "scheduler.view", schedules.unscheduled_sources),
    # notifications
    get(f"{NOTICES}/config", "scheduler.view", notifications.config),
    post(f"{NOTICES}/test", "scheduler.manage", notifications.send_test),
    get(f"{NOTICES}/webhooks", "scheduler.view", notifications.list_webhooks),
    post(
        f"{NOTICES}/webhooks",
        "scheduler.manage",
        notifications.add_webhook,
        status=201,
        shows_secret=True,
    ),
    put(f"{NOTICES}/webhooks/{{name:str}}", "scheduler.manage", notifications.change_webhook),
    delete(f"{NOTICES}/webhooks/{{name:str}}", "scheduler.manage", notifications.remove_webhook),
    get(f"{NOTICES}/deliveries", "scheduler.view", notifications.list_deliveries),
    post(
        f"{NOTICES}/deliveries/{{delivery_id:int}}/resend", "scheduler.manage", notifications.resend
    ),
    get("/api/logs", READS, logs.list_logs),
    get("/api/logs/export", READS, logs.export_logs),
    # models
    get("/api/dbt/models", READS, models.list_models),
    post("/api/dbt/models/{model_name:str}/run", "dbt.run", model_runs.run_model, again=True),
    post("/api/dbt/run", "dbt.run", model_runs.run_models, again=True),
    get("/api/dbt/runs", "dbt.view", model_runs.list_runs),
    get("/api/dbt/runs/{job_id:int}", "dbt.view", model_runs.run_status),
    post("/api/dbt/runs/{job_id:int}/cancel", "dbt.run", model_runs.cancel_run, again=True),
    get("/dbt-docs", READS, dbt_docs.index, **DOCUMENTED),
    get("/dbt-docs/{file_path:path}", READS, dbt_docs.part, **DOCUMENTED),
    get("/manifest.json", READS, dbt_docs.manifest, **DOCUMENTED),
    get("/catalog.json", READS, dbt_docs.catalog, **DOCUMENTED),
    # files of sources
    post(f"{OF_SOURCE}/upload-csv", "csv.upload", received.upload, streamed=True),
    get(f"{OF_SOURCE}/csv-files", READS, stored.list_files, always_now="the disk keeps no past"),
    delete(f"{OF_SOURCE}/csv-files", "csv.delete", stored.delete_file),
    # the first sync of a deployment
    post(
        f"{INITIAL}/deploy-token", "platform.manage", initial_syncs.issue_token, shows_secret=True
    ),
    post(f"{INITIAL}/start", DEPLOY, initial_syncs.start),
    get(f"{INITIAL}/status", DEPLOY, initial_syncs.status),
    post(f"{INITIAL}/skip-source", "platform.manage", initial_syncs.skip_source),
    post(f"{INITIAL}/cancel", "platform.manage", initial_syncs.cancel),
    # catalogue
    get(f"{CATALOG}/models", "governance.view", lists.list_models),
    get(f"{CATALOG}/models/{{model_name:str}}", "governance.view", details.model_details),
    get(f"{CATALOG}/search", "governance.view", found.find),
    get(f"{CATALOG}/lineage", "governance.view", graph.lineage),
    get(f"{CATALOG}/impact/{{model_name:str}}", "governance.view", graph.impact),
    get(f"{CATALOG}/summary", "source.view", for_agents.summary),
    get("/api/tools", "source.view", listed.list_tools, always_now=OWN),
    get(f"{OF_TABLE}/history", "governance.view", found.history),
    get(f"{OF_TABLE}/columns", "governance.view", profiles.columns),
    post(f"{OF_TABLE}/profile", "governance.view", profiles.profile),
    # governance
    get(f"{GOVERNANCE}/schema-drift", "governance.view", governance.list_drift),
    post(f"{GOVERNANCE}/drift/{{source:str}}/accept", "governance.manage", governance.accept_drift),
    get(f"{GOVERNANCE}/attention", "governance.view", governance.list_attention),
    get(f"{GOVERNANCE}/pii", "governance.view", pii.list_findings),
    post(f"{GOVERNANCE}/pii/scan", "governance.manage", pii.scan),
    get(f"{GOVERNANCE}/pii/overrides", "governance.view", pii.list_overrides, always_now=NO_PAST),
    put(f"{GOVERNANCE}/pii/overrides", "governance.manage", pii.put_overrides),
    # monitoring
    get("/api/monitoring", "governance.view", monitoring.list_metrics),
    post("/api/monitoring/run", "governance.view", monitoring.run),
    get("/api/monitoring/history", "governance.view", monitoring.history),
    get("/api/monitors", "governance.view", monitors.list_monitors),
    post("/api/monitors", "governance.manage", monitors.add_monitor, status=201),
    put("/api/monitors/{name:str}", "governance.manage", monitors.change_monitor),
    delete("/api/monitors/{name:str}", "governance.manage", monitors.remove_monitor),
    # notebooks
    get("/api/notebooks", "notebooks.view", notebooks.list_notebooks),
    get("/api/notebooks/status", "notebooks.view", notebooks.session_status, always_now=NOW_ONLY),
    post("/api/notebooks", "notebooks.execute", notebooks.create_notebook, status=201),
    delete(OF_NOTEBOOK, "notebooks.execute", notebooks.delete_notebook),
    post(f"{OF_NOTEBOOK}/lock", "notebooks.execute", notebooks.lock_notebook),
    delete(f"{OF_NOTEBOOK}/lock", "notebooks.manage", notebooks.force_lock),
    post(f"{OF_NOTEBOOK}/heartbeat", "notebooks.execute", notebooks.heartbeat),
    post(f"{OF_NOTEBOOK}/release", "notebooks.execute", notebooks.release_lock),
    post(f"{OF_NOTEBOOK}/copy", "notebooks.execute", notebooks.copy_notebook, status=201),
    *proxied(f"{EDITOR}", "notebooks.execute", editors.editor_root),
    *proxied(f"{EDITOR}/{{file_path:path}}", "notebooks.execute", editors.editor),
    socket("/notebooks/marimo/{file_path:path}", "notebooks.execute", editors.sockets),
    # dashboards
    get("/api/metabase-config", READS, dashboards.config),
    post("/api/metabase-config/connect", "platform.manage", dashboards.connect),
    *proxied("/metabase", "dashboard.view", dashboards.root),
    *proxied("/metabase/{file_path:path}", "dashboard.view", dashboards.passed),
    *proxied("/app/{file_path:path}", "dashboard.view", dashboards.passed),
    *proxied("/public/{file_path:path}", "dashboard.view", dashboards.passed),
    *proxied("/styles.css", "dashboard.view", dashboards.root),
    socket("/metabase/{file_path:path}", "dashboard.view", dashboards.sockets),
    # secrets
    get("/api/secrets/oauth", "config.manage", grants.list_grants),
    delete("/api/secrets/oauth/{source_type:str}", "config.manage", grants.disconnect),
    get("/oauth/connect/{source_type:str}", "config.manage", grants.connect, **ELSEWHERE),
    get("/oauth/callback/{source_type:str}", "config.manage", grants.come_back, **ELSEWHERE),
    get("/api/secrets", "config.manage", secrets.list_secrets, always_now=NO_PAST),
    post("/api/secrets", "config.manage", secrets.set_secret),
    delete("/api/secrets/{key:str}", "config.manage", secrets.remove_secret),
    get("/api/vault", "config.manage", vault.show_vault, always_now=NO_PAST),
    post("/api/vault/rotate", "config.manage", vault.rotate_vault, again=True),
    # live
    socket("/ws", SIGNED_IN, ws.Live),
    # query
    post("/api/query", "query.execute", queries.run_query),
    get("/api/query/running", "query.execute", queries.list_running, **LIVE_ONLY),
    post("/api/query/{query_id:str}/cancel", "query.execute", queries.cancel_query),
    get("/api/queries", "query.execute", saved_queries.list_saved, always_now=NO_PAST),
    post("/api/queries", "query.execute", saved_queries.save_query, status=201),
    get(OF_SAVED, "query.execute", saved_queries.one_saved, always_now=NO_PAST),
    put(OF_SAVED, "query.execute", saved_queries.change_saved),
    delete(OF_SAVED, "query.execute", saved_queries.delete_saved),
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
    get("/api/backups", "platform.manage", backups.list_backups),
    post("/api/backups", "platform.manage", backups.make_backup, again=True),
    # the interface described
    get("/openapi.json", READS, docs.document, **LIVE_ONLY),
    page("/api/docs", READS, docs.swagger, **LIVE_ONLY),
    page("/api/redoc", READS, docs.redoc, **LIVE_ONLY),
    *PAGES,
)
