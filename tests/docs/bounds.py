"""The pages about settings and limits."""

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, get_type_hints

import msgspec

from domain.source_types.table import LATER, TYPES, SourceType
from infra.configuration import project, sources
from infra.loading.settings import LoadSettings
from infra.querying.sandbox import Settings as SandboxSettings
from infra.warehouse.settings import S3Access
from infra.warehouse.settings import Settings as WarehouseSettings
from infra.workers.kinds import KINDS, Kind
from tests.docs import shapes

ROOT: Final = Path(__file__).parents[2]
LAYERS: Final = ("domain", "commands", "projections", "api", "infra")
# How the name of a bound ends: what it bounds, or in which unit it is told.
BOUND: Final = re.compile(
    r"(?!MINUTE_S|HOUR_S|DAY_S|SECONDS_)[A-Z][A-Z0-9_]*_(MAX|MIN|S|MS|KIB|ROWS|EVENTS|CACHED|LIFE|KEPT|FREE)"
)
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
    "platform.dbt_docs_url": "Where `GET /api/config` says that the dbt docs are.",
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
    "platform.auto_dbt": "Told by `GET /api/watcher/status`; models are not built yet.",
    "platform.debounce_seconds": "How long a folder must be quiet before its source is synced.",
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
    "notifications.smtp": "The mail server for invitations and resets; its keys are in a"
    " table below. Left out: nothing is sent, see [Send mail](../how-to/send-mail.md).",
}
VARIABLES: Final[Mapping[str, str]] = {
    "DANGO_MASTER_KEY": "64 hex digits; then no `.dango/master.key` is read or made.",
    "DANGO_PROJECT": "The project that is meant when `--project` does not say it.",
    "DANGO_ADMIN_PASSWORD": "The first admin's password for `dango init`; otherwise one is made up"
    " and printed once.",
}


class Bound(NamedTuple):
    """A constant of the code that bounds something."""

    name: str
    value: Any
    module: str
    note: str


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
            "`auth.oauth.google` and `auth.oauth.github`:",
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
            "## Environment",
            shapes.table(
                ("variable", "what it does"), [(f"`{k}`", v) for k, v in VARIABLES.items()]
            ),
        ]
    )


def limits() -> str:
    """docs/reference/limits.md."""
    return "\n\n".join(
        [
            "# Limits",
            (
                "Every queue, body, wait, retry and result has a bound with a name. The unit is"
                " the end of the name: `_S` seconds, `_MS` milliseconds, `_BYTES` bytes, `_KIB`"
                " kibibytes, `_MAX` what stands before it. What a user may want to change is a"
                " [setting](configuration.md); the rest is in the code."
            ),
            "## In the code",
            shapes.table(
                ("name", "value", "where", "note"),
                [
                    (f"`{b.name}`", _value(b.value), f"`{b.module}`", b.note)
                    for b in sorted(named(), key=lambda b: (b.module, b.name))
                ],
            ),
            "## Workers",
            "Each kind of child process. Empty: the system's own limit.",
            shapes.table(
                ("limit", *(kind.name for kind in KINDS), "note"),
                [
                    (f"`{name}`", *(_value(getattr(kind, name)) for kind in KINDS), note)
                    for name, note in _kind_fields()
                ],
            ),
            *(
                text
                for title, struct in (
                    ("Loading", LoadSettings),
                    ("Warehouse", WarehouseSettings),
                    ("Queries", SandboxSettings),
                )
                for text in (
                    f"## {title}",
                    shapes.table(("bound", "value", "note"), _defaults(struct)),
                )
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


def named() -> Iterator[Bound]:
    """Every bound that a module names."""
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            yield from _bounds(path)


def _bounds(path: Path) -> Iterator[Bound]:
    text = path.read_text(encoding="utf-8")
    lines, where = text.splitlines(), path.relative_to(ROOT).as_posix()
    module = where.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for node in ast.parse(text).body:
        match node:
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=ast.expr())
                | ast.Assign(targets=[ast.Name(id=name)])
            ) if BOUND.fullmatch(name):
                value = getattr(importlib.import_module(module), name)
                if isinstance(value, int | float | timedelta):
                    line = lines[(node.end_lineno or node.lineno) - 1]
                    yield Bound(name, value, where, _note(line))
            case _:
                pass


def _note(line: str) -> str:
    comment = line.partition("  # ")[2]
    return re.sub(r"^noqa: \S+( - )?", "", comment)


def _kind_fields() -> list[tuple[str, str]]:
    said = shapes.comments(Kind)
    return [
        (name, said.get(name, ""))
        for name in Kind.__struct_fields__
        if name not in ("name", "handler")
    ]


def _defaults(struct: type[msgspec.Struct]) -> list[tuple[str, str, str]]:
    said = shapes.comments(struct)
    return [
        (f"`{field.name}`", _value(field.default), said.get(field.name, ""))
        for field in msgspec.structs.fields(struct)
        if isinstance(field.default, int | float)
    ]


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return f"{value.total_seconds():,.0f} s"
    return f"{value:,}"
