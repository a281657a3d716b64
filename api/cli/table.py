"""The table of commands: every command, what it is told, an example, and what carries it out."""

import argparse
from typing import Any, Final

from api.cli import (
    demo,
    deploying,
    doctor,
    events,
    export,
    moves,
    overview,
    projections,
    projects,
    queries,
    secrets,
    sources,
    syncs,
    users,
)
from api.cli.arguments import ROLES, day, instant, point, port, position
from api.cli.command import Command, arg

GROUPS: Final = {
    "users": "the accounts of the platform",
    "source": "where data comes from, as sources.yml says",
    "secrets": "the values that sources.yml names as ${NAME}",
    "events": "the log of everything that happened",
    "projections": "the read models that are derived from the log",
}

HOST: Final = arg("--host", metavar="H", help="address to listen on (project.yml, 127.0.0.1)")
PORT: Final = arg("--port", metavar="P", type=port, help="port to listen on (project.yml, 8800)")
ACCOUNT: Final = arg("user", metavar="EMAIL-or-ID", help="the account")
SECRET: Final = arg("name", metavar="NAME", help="of the secret, as sources.yml names it")
SOURCE: Final = arg("source", metavar="SOURCE", help="name of the source")
SOURCE_KEYS: Final = (
    arg("--set", metavar="KEY=VALUE", action="append", help="an option of its type; JSON or text"),
    arg("--unset", metavar="KEY", action="append", help="leave an option out"),
    arg("--description", metavar="TEXT", help="what it is"),
    arg("--into", metavar="SCHEMA", help="the schema that it is loaded into (raw_SOURCE)"),
    arg("--enabled", choices=("true", "false"), help="whether `dango sync` takes it"),
)
LIMIT: Final = arg("--limit", metavar="N", type=int, help="at most so many (100)")
NEWCOMER: Final = (
    arg("email", metavar="EMAIL", help="login of the account"),
    arg("--role", required=True, choices=ROLES, help="what the account may do"),
    arg("--name", metavar="N", help="name to show (the part before the @)"),
)

COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "init",
        "make a project: folders, key, configuration, log, warehouse, first admin",
        "dango init shop --name 'Corner shop' --admin-email ada@example.org",
        projects.init,
        (
            arg("directory", metavar="DIR", help="folder of the new project"),
            arg("--name", metavar="N", help="name of the project (that of the folder)"),
            arg("--admin-email", metavar="E", default=projects.ADMIN, help="login of the admin"),
        ),
        local=True,
        project=False,
    ),
    Command(
        "serve",
        "serve a project until it is told to stop",
        "dango serve --port 8800",
        projects.serve,
        (HOST, PORT),
        local=True,
        json=False,
    ),
    Command(
        "demo",
        "make a project with real data, sync it, serve it",
        "dango demo demo-project --port 8800",
        demo.demo,
        (
            arg("directory", metavar="DIR", nargs="?", default=demo.FOLDER, help="its folder"),
            PORT,
            arg("--no-serve", action="store_true", help="stop after the sync"),
        ),
        local=True,
        json=False,
        project=False,
    ),
    Command(
        "sync",
        "load sources into the warehouse; all enabled ones, when none is named",
        "dango sync orders customers",
        syncs.sync,
        (
            arg("sources", metavar="SOURCE", nargs="*", help="name of a source"),
            arg("--full-refresh", action="store_true", help="load everything anew"),
            arg("--since", metavar="D", type=day, help="only from this day on (2026-05-17)"),
            arg("--until", metavar="D", type=day, help="only up to this day"),
        ),
        policies=True,
    ),
    Command(
        "query",
        "answer a read-only SQL statement",
        "dango query 'select count(*) from raw_orders.orders' --csv",
        queries.query,
        (
            arg("sql", metavar="SQL", help="the statement; - reads it from standard input"),
            arg("--as-of", metavar="WHEN", type=point, help="as of this position, time or day"),
            arg("--csv", action="store_true", help="print comma-separated values"),
        ),
    ),
    Command(
        "status",
        "tell how server and sources are",
        "dango status",
        overview.status,
    ),
    Command(
        "doctor",
        "check files, key, log, read models and warehouse, and say what to do",
        "dango doctor",
        doctor.doctor,
        local=True,
    ),
    Command(
        "deploy-token",
        "make a token with which a deployment begins its first sync; it is shown once",
        "dango deploy-token",
        deploying.token,
    ),
    Command("users list", "list the accounts", "dango users list", users.every),
    Command(
        "users create",
        "make an account with a temporary password, which is shown once",
        "dango users create ada@example.org --role editor --name Ada",
        users.create,
        NEWCOMER,
    ),
    Command(
        "users invite",
        "make an account, and a link with which its owner chooses the password",
        "dango users invite ada@example.org --role editor --name Ada",
        users.invite,
        NEWCOMER,
    ),
    Command(
        "users set-role",
        "give an account another role",
        "dango users set-role ada@example.org editor",
        users.set_role,
        (ACCOUNT, arg("role", metavar="ROLE", choices=ROLES, help=", ".join(ROLES))),
    ),
    Command(
        "users reset-password",
        "make a link for a new password, which is shown once; the account's sessions end",
        "dango users reset-password ada@example.org",
        users.reset_password,
        (
            ACCOUNT,
            arg("--temporary", action="store_true", help="give a temporary password instead"),
        ),
    ),
    Command(
        "users unlock",
        "let the failed logins of an account count no more",
        "dango users unlock ada@example.org",
        users.unlock,
        (ACCOUNT,),
    ),
    Command(
        "users deactivate",
        "take an account's access away: sessions, keys and links end, the account stays",
        "dango users deactivate ada@example.org",
        users.deactivate,
        (ACCOUNT,),
    ),
    Command(
        "users reactivate",
        "give a deactivated account its access back",
        "dango users reactivate ada@example.org",
        users.reactivate,
        (ACCOUNT,),
    ),
    Command(
        "users delete",
        "end an account for good and forget whose it was; the log stays whole",
        "dango users delete ada@example.org",
        users.delete,
        (ACCOUNT,),
    ),
    Command(
        "users audit",
        "tell what an account's owner did and what was done to it, newest first",
        "dango users audit ada@example.org --limit 20",
        users.audit,
        (ACCOUNT, LIMIT),
    ),
    Command("source list", "list the sources", "dango source list", sources.every),
    Command(
        "source types",
        "list the types of source; of one, the JSON Schema of its options",
        "dango source types csv",
        sources.types,
        (arg("type", metavar="TYPE", nargs="?", help="name of a type"),),
    ),
    Command(
        "source add",
        "write a new source into sources.yml",
        "dango source add orders --type csv --set directory=data/uploads/orders",
        sources.add,
        (SOURCE, arg("--type", metavar="TYPE", required=True, help="its type"), *SOURCE_KEYS),
    ),
    Command(
        "source edit",
        "change a source in sources.yml; comments and order stay",
        "dango source edit orders --set file_pattern='*.csv.gz'",
        sources.edit,
        (SOURCE, *SOURCE_KEYS),
    ),
    Command(
        "source test",
        "connect to a source and show its first rows; nothing is written",
        "dango source test orders",
        sources.test,
        (SOURCE,),
    ),
    Command(
        "source remove",
        "take a source out of sources.yml; its tables stay in the warehouse",
        "dango source remove orders",
        sources.remove,
        (SOURCE,),
    ),
    Command("secrets list", "list the secrets, masked", "dango secrets list", secrets.every),
    Command(
        "secrets set",
        "give a secret a value, asked for at a terminal, else read from standard input",
        "dango secrets set STRIPE_KEY < key.txt",
        secrets.put,
        (SECRET,),
    ),
    Command(
        "secrets remove",
        "remove a secret; sources that name it fail until it is set again",
        "dango secrets remove STRIPE_KEY",
        secrets.remove,
        (SECRET,),
    ),
    Command(
        "events list",
        "list events, newest first; behind --after in their order",
        "dango events list --stream source:orders --since 2026-05-17 --limit 20",
        events.every,
        (
            arg("--type", metavar="T", help="such as sync_completed"),
            arg("--stream", metavar="S", help="what it is about, such as source:orders"),
            arg("--actor", metavar="A", help="who did it, such as user:<id>"),
            arg("--correlation", metavar="C", help="id of the request that it belongs to"),
            arg("--since", metavar="TIME", type=instant, help="not before this time or day"),
            arg("--until", metavar="TIME", type=instant, help="not after this time or day"),
            LIMIT,
            arg("--after", metavar="P", type=position, help="only behind this position"),
        ),
    ),
    Command(
        "events show",
        "tell all about one event",
        "dango events show 17",
        events.show,
        (arg("position", metavar="POSITION", type=position, help="where in the log"),),
    ),
    Command(
        "events tail",
        "show events as they come, until Ctrl-C",
        "dango events tail --type sync_completed",
        events.tail,
        (
            arg("--after", metavar="P", type=position, help="from behind this position (now)"),
            arg("--type", metavar="T", help="such as sync_completed"),
        ),
    ),
    Command(
        "events at",
        "show what a view showed at a position or time",
        "dango events at 2026-05-17 source orders",
        events.at,
        (
            arg("when", metavar="WHEN", type=point, help="a position, a time, or a day"),
            arg("view", metavar="VIEW", choices=tuple(events.VIEWS), help=", ".join(events.VIEWS)),
            arg("name", metavar="NAME", nargs="?", help="of the source, or id of the job"),
        ),
    ),
    Command(
        "events export",
        "write the log as CloudEvents, one in a line",
        "dango events export events.ndjson",
        export.export,
        (
            arg("file", metavar="FILE", nargs="?", help="where to (standard output)"),
            arg("--format", choices=export.FORMATS, default=export.FORMATS[0], help="of a line"),
        ),
        json=False,
    ),
    Command(
        "events import",
        "append to the log what it has not yet of an export; the server must be stopped",
        "dango events import events.ndjson",
        export.load,
        (arg("file", metavar="FILE", help="what `dango events export` wrote"),),
        local=True,
    ),
    Command(
        "events move",
        "move the log to the database that project.yml names; the server must be stopped",
        "dango events move",
        moves.move,
        (arg("--back", action="store_true", help="from that database back to .dango/events.db"),),
        local=True,
    ),
    Command(
        "events verify",
        "prove that no event was changed or taken away",
        "dango events verify",
        events.verify,
        (arg("--noted", metavar="P:HASH", help="a position and its hash, as noted elsewhere"),),
    ),
    Command(
        "projections list",
        "list the read models and where they stand",
        "dango projections list",
        projections.every,
    ),
    Command(
        "projections rebuild",
        "fold read models anew from the log; all, when none is named",
        "dango projections rebuild",
        projections.rebuild,
        (arg("names", metavar="NAME", nargs="*", help="name of a read model"),),
    ),
    Command(
        "projections check",
        "fold all read models anew beside those that serve, and compare",
        "dango projections check",
        projections.check,
    ),
)


def parser() -> argparse.ArgumentParser:
    """The table as a parser."""
    top = argparse.ArgumentParser(
        prog="dango",
        description="A self-hosted data platform whose every change is an event.",
        epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong usage.",
        allow_abbrev=False,
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    groups: dict[str, Any] = {}
    for command in COMMANDS:
        group, _, name = command.name.rpartition(" ")
        if group and group not in groups:
            about = GROUPS[group]
            found = commands.add_parser(group, help=about, description=about, allow_abbrev=False)
            groups[group] = found.add_subparsers(metavar="COMMAND", required=True)
        _add(groups[group] if group else commands, name, command)
    return top


def _add(where: Any, name: str, command: Command) -> None:
    parser = where.add_parser(
        name,
        help=command.help,
        description=f"{command.help[0].upper()}{command.help[1:]}.",
        epilog=f"example:\n  {command.example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for argument in command.arguments:
        parser.add_argument(*argument.names, **argument.more)
    if command.project:
        where = "the project (DANGO_PROJECT, else the nearest folder above with one)"
        parser.add_argument("--project", metavar="DIR", help=where)
    if command.json:
        parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=command)
