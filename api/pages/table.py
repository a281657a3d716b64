"""The rows of the route table that answer people: every page, and what its forms post to."""

from typing import Final

from api.callers import PARTIAL, PUBLIC, READS, SESSION, SIGNED_IN
from api.pages import access, account, model_forms, overview, schedule_forms, source_forms, static
from api.pages import catalog as catalog_pages
from api.pages import changes as change_pages
from api.pages import events as event_pages
from api.pages import factors as second
from api.pages import governance as governance_pages
from api.pages import health as health_pages
from api.pages import links as chosen
from api.pages import logs as log_pages
from api.pages import model_run as model_run_page
from api.pages import models as model_pages
from api.pages import monitoring as monitoring_pages
from api.pages import notebooks as notebook_pages
from api.pages import queries as query_pages
from api.pages import saved_queries as saved
from api.pages import schedules as schedule_pages
from api.pages import search as search_pages
from api.pages import secrets as secret_pages
from api.pages import sources as source_pages
from api.pages import users as user_pages
from api.table import NOW_ONLY, Route, form, get, page

OWN: Final = "it tells what the caller may do now"
NO_PAST: Final = "the vault keeps no past"
LIVE_ONLY: Final = {"always_now": NOW_ONLY, "needs_views": False}
SCHEDULE: Final = "/schedules/{name:str}"
TABLE: Final = "/catalog/{owner:str}/{table:str}"  # a source's, or a schema's of models
NOTEBOOK: Final = "/notebook/{name:str}"  # below /notebooks are the editors
USER: Final = "/users/{user_id:str}"
SOURCE: Final = "/sources/{source_name:str}"
FORM: Final = {"always_now": "it is a form"}

PAGES: Final[tuple[Route, ...]] = (
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
    form("/account/theme", SESSION, account.choose_theme),
    form("/account/sessions/end-others", SESSION, account.end_others),
    form("/account/sessions/{session_id:str}/end", SESSION, account.end_session),
    form("/account/api-keys", SESSION, account.create_key, shows_secret=True),
    form("/account/api-keys/{key_id:str}/revoke", SESSION, account.revoke_key),
    form("/account/providers/{provider:str}/link", SESSION, account.link, shows_secret=True),
    form("/account/identities/{identity_id:str}/unlink", SESSION, account.unlink),
    page("/", READS, overview.overview),
    page("/search", READS, search_pages.search_page),
    page("/changes", SIGNED_IN, change_pages.changes_page),
    page("/sources", READS, source_pages.list_sources),
    page("/add/source", "source.manage", source_forms.add_page, **FORM),
    page("/add/source/{type_name:str}", "source.manage", source_forms.add_of_type_page, **FORM),
    form("/add/source/{type_name:str}", "source.manage", source_forms.add),
    page(SOURCE, READS, source_pages.one_source),
    page(f"{SOURCE}/files", READS, source_pages.files, always_now="the disk keeps no past"),
    page(f"{SOURCE}/edit", "source.manage", source_forms.edit_page, **FORM),
    form(f"{SOURCE}/edit", "source.manage", source_forms.edit),
    form(f"{SOURCE}/sync", "source.sync", source_forms.sync),
    form(f"{SOURCE}/cancel/{{job_id:int}}", "source.sync", source_forms.cancel),
    form(f"{SOURCE}/rollback", "source.manage", source_forms.roll_back),
    form(f"{SOURCE}/accept-drift", "governance.manage", source_forms.accept_drift),
    form(f"{SOURCE}/test", "source.manage", source_forms.test),
    form(f"{SOURCE}/remove", "source.manage", source_forms.remove),
    form(f"{SOURCE}/upload", "csv.upload", source_forms.upload, streamed=True, multipart=True),
    form(f"{SOURCE}/files/delete", "csv.delete", source_forms.delete_file),
    page("/models", READS, model_pages.list_models),
    page("/models/{model_name:str}", READS, model_pages.one_model),
    form("/models", "dbt.run", model_forms.run_all),
    form("/models/{model_name:str}/run", "dbt.run", model_forms.run_one),
    page("/model-runs/{job_id:int}", "dbt.view", model_run_page.one_run),
    form("/model-runs/{job_id:int}/cancel", "dbt.run", model_forms.cancel),
    page("/catalog", "governance.view", catalog_pages.list_all),
    page(TABLE, "governance.view", catalog_pages.one_table),
    form(f"{TABLE}/profile", "governance.view", catalog_pages.profile),
    page("/query", "query.execute", query_pages.query_page),
    form("/query", "query.execute", query_pages.run),
    form("/query/{query_id:str}/cancel", "query.execute", query_pages.cancel),
    form("/saved-queries", "query.execute", saved.save),
    form("/saved-queries/{query_id:str}", "query.execute", saved.change),
    form("/saved-queries/{query_id:str}/delete", "query.execute", saved.delete),
    page("/notebooks", "notebooks.view", notebook_pages.list_notebooks),
    form("/notebooks", "notebooks.execute", notebook_pages.create),
    form(f"{NOTEBOOK}/open", "notebooks.execute", notebook_pages.open_editor),
    form(f"{NOTEBOOK}/release", "notebooks.execute", notebook_pages.release),
    form(f"{NOTEBOOK}/force", "notebooks.manage", notebook_pages.force),
    form(f"{NOTEBOOK}/copy", "notebooks.execute", notebook_pages.copy),
    form(f"{NOTEBOOK}/delete", "notebooks.execute", notebook_pages.delete),
    page("/schedules", "scheduler.view", schedule_pages.list_schedules),
    form("/schedules", "scheduler.manage", schedule_forms.add),
    page("/add/schedule", "scheduler.manage", schedule_forms.add_page, **FORM),
    form("/reload/schedules", "scheduler.manage", schedule_forms.reload),
    page(SCHEDULE, "scheduler.view", schedule_pages.one_schedule),
    page(f"{SCHEDULE}/edit", "scheduler.manage", schedule_forms.edit_page, **FORM),
    form(f"{SCHEDULE}/edit", "scheduler.manage", schedule_forms.edit),
    form(f"{SCHEDULE}/switch", "scheduler.manage", schedule_forms.switch),
    form(f"{SCHEDULE}/trigger", "source.sync", schedule_forms.trigger),
    form(f"{SCHEDULE}/remove", "scheduler.manage", schedule_forms.remove),
    form("/schedule-runs/{job_id:int}/cancel", "scheduler.manage", schedule_forms.cancel),
    form("/webhooks", "scheduler.manage", schedule_forms.add_webhook, shows_secret=True),
    form("/webhooks/test", "scheduler.manage", schedule_forms.send_test),
    form("/webhooks/{name:str}", "scheduler.manage", schedule_forms.change_webhook),
    form("/webhooks/{name:str}/remove", "scheduler.manage", schedule_forms.remove_webhook),
    form("/deliveries/{delivery_id:int}/resend", "scheduler.manage", schedule_forms.resend),
    page("/governance", "governance.view", governance_pages.governance_page),
    form("/governance/pii", "governance.manage", governance_pages.override),
    form("/governance/scan", "governance.manage", governance_pages.scan),
    page("/monitoring", "governance.view", monitoring_pages.monitoring_page),
    form("/monitoring", "governance.manage", monitoring_pages.add),
    form("/monitoring/run", "governance.view", monitoring_pages.run),
    form("/monitors/{name:str}", "governance.manage", monitoring_pages.change),
    form("/monitors/{name:str}/remove", "governance.manage", monitoring_pages.remove),
    page("/health", READS, health_pages.health_page, **LIVE_ONLY),
    form("/health/check", "platform.manage", health_pages.check, needs_views=False),
    form(
        "/health/projections/{name:str}/rebuild",
        "platform.manage",
        health_pages.rebuild,
        needs_views=False,
    ),
    form("/health/backup", "platform.manage", health_pages.back_up),
    form("/health/maintenance", "platform.manage", health_pages.maintain),
    page("/logs", READS, log_pages.logs_page),
    page("/users", "users.manage", user_pages.list_users),
    page("/settings/users", "users.manage", user_pages.moved, **LIVE_ONLY),
    form("/users", "users.manage", user_pages.invite, shows_secret=True),
    page(USER, "users.manage", user_pages.one_user),
    form(f"{USER}/role", "users.manage", user_pages.change_role),
    form(f"{USER}/reinvite", "users.manage", user_pages.reinvite, shows_secret=True),
    form(f"{USER}/reset-password", "users.manage", user_pages.reset_password, shows_secret=True),
    form(f"{USER}/deactivate", "users.manage", user_pages.deactivate),
    form(f"{USER}/reactivate", "users.manage", user_pages.reactivate),
    form(f"{USER}/unlock", "users.manage", user_pages.unlock),
    form(f"{USER}/revoke-sessions", "users.manage", user_pages.revoke_sessions),
    form(f"{USER}/delete", "users.manage", user_pages.delete),
    page("/secrets", "config.manage", secret_pages.secrets_page, always_now=NO_PAST),
    page("/settings/secrets", "config.manage", secret_pages.moved, **LIVE_ONLY),
    form("/secrets", "config.manage", secret_pages.set_secret),
    form("/secrets/rotate", "config.manage", secret_pages.rotate),
    form(
        "/secrets/accounts/{source_type:str}/disconnect", "config.manage", secret_pages.disconnect
    ),
    form("/secrets/{key:str}/remove", "config.manage", secret_pages.remove_secret),
    page("/events", "audit.view", event_pages.list_events),
    page("/events/{position:int}", "audit.view", event_pages.one_event),
)
