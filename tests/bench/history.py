"""A long log, made up in a fixed way: what a year of a small team looks like."""

import random
from datetime import UTC, datetime, timedelta

from domain.datasets import Column, File, Table
from domain.kernel import Recorded
from domain.permissions import Role
from domain.projects import ProjectCreated
from domain.queries import QueryExecuted
from domain.sessions import SessionEnded, SessionStarted
from domain.sources import Source, SourceRegistered
from domain.syncs import SyncCompleted, SyncFailed, SyncRequested, SyncStarted
from domain.users import UserCreated

SOURCES, USERS = 20, 50
# Of 100 things that happen: a sync (three events), a query, a session that begins or ends.
MIX = {"sync": 30, "query": 50, "session": 20}
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def name(number):
    return f"source_{number:02d}"


def digest(*parts):
    return "".join(f"{hash_part(part):016x}" for part in parts).ljust(64, "0")[:64]


def hash_part(part):
    value = 1469598103934665603
    for byte in str(part).encode():
        value = (value ^ byte) * 1099511628211 % (1 << 64)
    return value


def beginning():
    yield ProjectCreated(project_id="bench", name="bench")
    for number in range(USERS):
        yield UserCreated(
            user_id=f"user{number:02d}",
            role=Role.ADMIN if number == 0 else Role.EDITOR,
            email_digest=digest("mail", number),
            credential=f"credential{number}",
            must_change_password=False,
        )
    for number in range(SOURCES):
        config = Source(
            name=name(number),
            type="csv",
            schema=f"raw_{name(number)}",
            table=name(number),
            options={"directory": f"data/uploads/{name(number)}", "file_pattern": "*.csv"},
        )
        yield SourceRegistered(source=name(number), config=config)


def table(number, rows):
    columns = tuple(Column(name=f"column_{n}", type="VARCHAR") for n in range(10))
    return Table(
        schema=f"raw_{name(number)}",
        name=name(number),
        row_count=rows,
        columns=columns,
        inserted=rows,
        updated=0,
        deleted=0,
    )


def events(count, seed=1):
    """Recorded events 1 … count."""
    chance, sessions, position = random.Random(seed), [], 0  # noqa: S311
    kinds, weights = list(MIX), list(MIX.values())

    def record(event, actor="user:user01"):
        nonlocal position
        position += 1
        return Recorded(
            position=position,
            id=f"{position:032x}",
            at=BEGIN + timedelta(seconds=position * 30),
            event=event,
            actor=actor,
            via="session:some",
            command="Bench",
            correlation=f"request{position // 3}",
        )

    for event in beginning():
        yield record(event, "system:start")
    while position < count:
        kind = chance.choices(kinds, weights)[0]
        if kind == "sync":
            number = chance.randrange(SOURCES)
            yield record(SyncRequested(sources=(name(number),)))
            job = position
            run = {"source": name(number), "job": job, "schema": f"raw_{name(number)}"}
            yield record(SyncStarted(**run, table=name(number)), "policy:syncs")
            if chance.random() < 0.05:
                failed = SyncFailed(**run, reason="a.csv, line 7: too many", duration_s=0.5)
                yield record(failed, "policy:syncs")
                continue
            rows = chance.randrange(1_000, 1_000_000)
            file = File(path="a.csv", size_bytes=rows * 80, sha256=digest(rows), rows=rows)
            done = SyncCompleted(
                **run,
                rows=rows,
                tables=(table(number, rows),),
                files=(file,),
                file_count=1,
                file_bytes=file.size_bytes,
                manifest=digest("manifest", rows),
                snapshot=position,
                duration_s=1.5,
                rejected=0,
            )
            yield record(done, "policy:syncs")
        elif kind == "query":
            query = QueryExecuted(
                query_id=f"{position:032x}",
                outcome="answered",
                relations=(f"raw_{name(0)}.{name(0)}",),
                rows=100,
                duration_ms=12,
            )
            yield record(query)
        elif len(sessions) > USERS and chance.random() < 0.5:
            session, user = sessions.pop(chance.randrange(len(sessions)))
            yield record(SessionEnded(session_id=session, user_id=user, reason="logout"))
        else:
            user = f"user{chance.randrange(USERS):02d}"
            session = f"session{position}"
            sessions.append((session, user))
            yield record(
                SessionStarted(
                    session_id=session,
                    user_id=user,
                    email_digest=digest("mail", user),
                    proof=digest("proof", position),
                    method="password",
                    expires_at=BEGIN + timedelta(days=900),
                )
            )
