"""The page about settings: what a project's configuration may say."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, get_type_hints

import msgspec

from domain.source_types.table import LATER, TYPES, SourceType
from infra.configuration import metabase, monitors, notifications, project, schedules, sources
from infra.warehouse.settings import S3Access
from tests.docs import shapes

ROOT: Final = Path(__file__).parents[2]
LAYERS: Final = ("domain", "commands", "projections", "api", "infra")
VARIABLE: Final = re.compile(r'"(DANGO_[A-Z_]+)"')

# What each key of project.yml is for. A new one without a line here fails a test.
NOTES: Final[Mapping[str, str]] = {
    "project.name": "Shown by `GET /api/config` and put into the first event.",
    "project.id": "Of the existing product; taken, not used.",
    "project.organization": "Shown by `GET /api/config`.",
    "platform.host": "The address to listen on; `dango serve --host` goes before it.",
    "platform.port": "The port to listen on; `dango serve --port` goes before it.",
    "platform.metabase_port": "Where `GET /api/config` says that Metabase is.",
    "platform.public_url": "How people reach the server. With `https://` the cookie is `Secure` and"
    " named `__Host-dango_session`, and HSTS is sent. When set, anonymous reads are off.",
    "platform.dbt_docs_url": "Another server's dbt docs, which are shown instead of our own.",
    "platform.dbt_project_dir": "The dbt project, inside of the project's folder.",
    "platform.auto_dbt": "Whether what comes from a source is built when it was synced.",
    "platform.dbt_coalesce_seconds": "How long that waits for more sources, up to an hour.",
    "platform.spare_workers": "Whether workers stand ready for the next query or sync. `false`"
    " saves some 200 MB on a small machine; what finds no idle worker then waits 0.3 s for one.",
    "platform.trusted_proxies": "Addresses or networks (`10.0.0.0/24`) whose `X-Forwarded-For` or"
    " `Forwarded` is believed, see [Run behind a proxy](../how-to/run-behind-a-proxy.md).",
    "platform.allowed_hosts": "Further names that the server may be asked for by; without it that"
    " of `public_url`, those of this machine while it is bound to it, else any address. `*`: any.",
    "platform.allowed_origins": "Origins of other sites that may send cookie requests and read"
    " answers, exactly as a browser spells them: `https://app.example.org`.",
    "auth.enabled": "`false` makes every caller from this machine an admin while the server is"
    " bound to a loopback address; others are anonymous. An `auth.yml` can say it too.",
    "auth.anonymous_reads": "`auto`, `true` or `false`: whether routes with access *reads* answer"
    " anonymous callers. `auto`: from this machine only, and without `platform.public_url`.",
    "auth.idle_timeout_minutes": "A session that is not used for so long is over.",
    "auth.failed_logins_per_network_max": "Failed logins a minute of one network (IPv4 /24, IPv6"
    " /64) that are heard; those of this machine are not counted.",
    "auth.failed_logins_max": "Failed logins a minute that are heard of all networks together that"
    " the account in question does not know.",
    "auth.require_2fa": "`true`: a session of a user without a second factor may only set one up.",
    "auth.session_max_days": "A session is over after so long, used or not.",
    "platform.auto_sync": "Whether files that are dropped into a source's folder are synced.",
    "platform.debounce_seconds": "How long a folder must be quiet before its source is synced.",
    "platform.watched_folders_max": "Folders that the system is asked to tell of changes in;"
    " when there are more, the sources with the most of them are looked at every 10 s.",
    "platform.watch_patterns": "Names of files that are noticed.",
    "platform.watch_directories": "Folders that are watched, with those below, in the project.",
    "sync.max_parallel": "Runs that fetch at the same time; their commits take turns.",
    "sync.timeout_minutes": "A run that takes longer is ended, and fails.",
    "upload.max_bytes": "A larger file is 413, by its Content-Length before the body is read.",
    "api.query_max_rows": "A longer result of `POST /api/query` is cut, and says so.",
    "api.query_timeout_seconds": "Then the worker of a query is killed and the answer is 408.",
    "api.queries_per_user_max": "So many queries of one user run at once, of the four that run at"
    " all; further ones wait in line for 10 s, then they are 503.",
    "api.body_bytes_max": "A longer request body is 413.",
    "api.requests_per_address_max": "Requests a minute of one address; more are 429. Those of this"
    " machine are not counted, unless a trusted proxy names it.",
    "api.requests_per_account_max": "Requests a minute of one account, by all its sessions and keys"
    " together; more are 429.",
    "api.requests_max": "Requests a minute of all together; more are 429.",
    "storage.events": "`postgresql://user@host/database`: the event log in PostgreSQL, see"
    " [Move the log](../how-to/move-the-log.md); left out: `.dango/events.db`.",
    "storage.events_schema": "The schema of the log in that database; up to 50 lower-case letters,"
    " digits and `_`.",
    "storage.warehouse.catalog": "`postgres:` and a libpq string, e.g. `postgres:host=db"
    " dbname=dango`; left out: `warehouse/catalog.sqlite`.",
    "storage.warehouse.data": "`s3://bucket/folder`, or an absolute folder; left out:"
    " `warehouse/data`.",
    "storage.warehouse.s3": "How to reach the bucket; its keys are in the next table.",
    "storage.warehouse.retention_days": "Maintenance expires snapshots that are older.",
    "storage.warehouse.memory_bytes_max": "Of one worker that loads or maintains.",
    "auth.oauth.google": "What this server is to Google; its keys are in a table below. See [Log in"
    " with Google or GitHub](../how-to/log-in-with-google-or-github.md).",
    "auth.oauth.github": "The same for GitHub.",
    "backups.to": "A folder, told from the project's, or `s3://bucket/folder`; see"
    " [Back up](../how-to/back-up.md).",
    "backups.every": "A cron line, or `@daily`; left out: only when somebody asks.",
    "backups.timezone": "The zone of that line.",
    "backups.keep": "The newest backups of this project that stay there; older ones are removed.",
    "backups.key_file": "64 hex digits, mode 0600, from the project's folder: backups are sealed"
    " with them. `DANGO_BACKUP_KEY` goes before.",
    "backups.s3": "How to reach the bucket; the keys are those of `storage.warehouse.s3`.",
    "oauth.google": "What this server is to Google when sources are read with somebody's account;"
    " keys as below. See [Connect accounts](../how-to/connect-accounts.md).",
    "oauth.facebook": "The same for Facebook.",
    "oauth.shopify": "The same for Shopify.",
    "oauth.hubspot": "The same for HubSpot.",
    "oauth.salesforce": "The same for Salesforce.",
    "notifications.allow_private_hosts": "Whether webhooks may lie on this machine or in a private"
    " network. Who may write schedules.yml could else reach what only the server can.",
    "notifications.smtp": "The mail server for invitations and resets; its keys are in a"
    " table below. Left out: nothing is sent, see [Send mail](../how-to/send-mail.md).",
}
_IN_NOTEBOOKS: Final = "Set by the server in the processes of a notebook: "
VARIABLES: Final[Mapping[str, str]] = {
    "DANGO_NOTEBOOK_WAREHOUSE": f"{_IN_NOTEBOOKS}how `dango_notebook` opens the warehouse.",
    "DANGO_NOTEBOOK_SERVER": f"{_IN_NOTEBOOKS}the process whose end is their end.",
    "DANGO_NOTEBOOK_PROJECT": f"{_IN_NOTEBOOKS}what they are found by after a restart.",
    "DANGO_NOTEBOOK_LOCK": f"{_IN_NOTEBOOKS}what they are found by when their lock ends.",
    "DANGO_MASTER_KEY": "64 hex digits, or several such keys with commas between them, the newest"
    " first; then no `.dango/master.key` is read or made.",
    "DANGO_BACKUP_KEY": "64 hex digits that backups are sealed and opened with; goes before"
    " `backups.key_file` and `--key-file`.",
    "DANGO_PROJECT": "The project that is meant when `--project` does not say it.",
    "DANGO_API_KEY": "The API key of `dango mcp`, instead of `--key-file`.",
    "DANGO_ADMIN_PASSWORD": "The first admin's password for `dango init`; otherwise one is made up"
    " and printed once.",
    "DANGO_LOG": "`json`: `dango serve` logs a JSON object a line, with the id of the request, also"
    " for each request that changes something or fails.",
}


def configuration() -> str:
    """docs/reference/configuration.md."""
    head = ("key", "type", "default", "what it does")
    return "\n\n".join(
        [
            "# Configuration",
            (
                "A project's configuration is YAML in `.dango/`, written by people. A broken file"
                " is refused with file, line and column: `dango serve` does not start on a broken"
                " `project.yml`; a broken `sources.yml` leaves the last good one in force and is"
                " an event (`configuration_refused`). No file may be larger than 1 MiB or name a"
                " key twice."
            ),
            "## project.yml",
            (
                "Read at start. Every key may be left out. Unknown keys are passed over, so that a"
                " file of the existing product opens as it is."
            ),
            shapes.table(head, [row for _, *row in settings()]),
            "`storage.warehouse.s3`:",
            shapes.table(("key", "type", "default", "note"), shapes.fields(S3Access)),
            "`notifications.smtp`:",
            shapes.table(("key", "type", "default", "note"), shapes.fields(project.SmtpBlock)),
            "`auth.oauth.google`, `auth.oauth.github`, and those of `oauth`:",
            shapes.table(("key", "type", "default", "note"), shapes.fields(project.OAuthClient)),
            "## sources.yml",
            (
                'Read at start and on every change. `version` is `"1.0"`; `sources` is a list. What'
                " differs from what is known becomes events. Unknown keys of a source are refused."
            ),
            shapes.table(("key", "type", "default"), _entry()),
            (
                f"Names and schemas match `{sources.NAME.pattern}`. No two sources have one name"
                " (whatever its case) or one schema. A source without a `schema` loads into"
                " `raw_<name>.<name>`."
            ),
            *(text for kind in TYPES.values() for text in _block(kind)),
            (
                "Directories are relative paths inside the project; a `file_pattern` is a pattern"
                " of file names. A value that is a secret is written as `${NAME}`: `dango secrets"
                " set NAME` puts it into the vault. One that stands in the file itself is masked"
                " in events and answers, and the source is not synced. `<key>_env: NAME` of the"
                " existing product is read as `<key>: ${NAME}`."
            ),
            (
                "Blocks of other types are read, so that an existing project opens, but they"
                " cannot be synced; events and answers hold their keys without any value:"
                f" {', '.join(f'`{name}`' for name in sorted(LATER))}."
            ),
            "## schedules.yml",
            (
                "Read at start and on every change; it may be missing. `schedules` is a list,"
                " `notifications` a block; see [Schedule work](../how-to/schedule-work.md)."
                " Unknown keys of both are refused."
            ),
            shapes.table(("key", "type", "default", "note"), shapes.fields(schedules.Entry)),
            "`notifications`:",
            shapes.table(("key", "type", "default", "note"), shapes.fields(notifications.Block)),
            "`notifications.webhooks`:",
            shapes.table(("key", "type", "default", "note"), shapes.fields(notifications.Webhook)),
            "## monitors.yml",
            (
                "Read at start and on every change; it may be missing. `enabled: false` measures"
                " nothing by itself; `monitors` is a list, see"
                " [Watch numbers](../how-to/watch-numbers.md). Unknown keys of it are refused."
            ),
            shapes.table(("key", "type", "default", "note"), shapes.fields(monitors.Entry)),
            "## metabase.yml",
            (
                "Read at start; without it, Metabase is not looked for, see [Use Metabase]"
                "(../how-to/use-metabase.md). Every key may be left out, `admin` as a whole too."
                " Unknown keys are passed over."
            ),
            shapes.table(("key", "type", "default", "note"), list(_metabase())),
            "## Environment",
            shapes.table(
                ("variable", "what it does"), [(f"`{k}`", v) for k, v in VARIABLES.items()]
            ),
        ]
    )


def settings() -> Iterator[tuple[str, str, str, str, str]]:
    """Every key of project.yml: its path, then the cells of its row."""
    yield from _settings(project.Settings, "")


def _settings(
    struct: type[msgspec.Struct], prefix: str
) -> Iterator[tuple[str, str, str, str, str]]:
    hints = get_type_hints(struct)
    for field in msgspec.structs.fields(struct):
        path = f"{prefix}{field.name}"
        kind = hints[field.name]
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from _settings(kind, f"{path}.")
        else:
            yield path, f"`{path}`", shapes.words(kind), shapes.default(field), NOTES.get(path, "")


def variables() -> set[str]:
    """The environment variables that the code names."""
    files = (path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
    return {name for path in files for name in VARIABLE.findall(path.read_text(encoding="utf-8"))}


def _metabase() -> Iterator[tuple[str, str, str, str]]:
    """The keys of metabase.yml, those of its blocks too."""
    blocks = {"database": metabase.DatabaseBlock, "admin": metabase.AdminBlock}
    for key, *row in shapes.fields(metabase.MetabaseFile):
        block = blocks.get(key.strip("`"))
        if block is None:
            yield key, *row
            continue
        for inner, *more in shapes.fields(block):
            yield f"`{key.strip('`')}.{inner.strip('`')}`", *more


def _entry() -> list[tuple[str, str, str]]:
    known = [row[:3] for row in shapes.fields(sources.Entry)]
    names = {row[0].strip("`") for row in known}
    others = sorted(sources._OF_ALL - names)
    return [
        *known,
        *((f"`{name}`", "of the existing product", "taken, not used yet") for name in others),
        ("a block named after `type`", "object", ""),
    ]


def _block(kind: SourceType) -> tuple[str, str]:
    """The block of one type."""
    return (
        f"The block `{kind.name}`, for {kind.title}. {kind.summary}",
        shapes.table(("key", "type", "default", "note"), shapes.fields(kind.block)),
    )
