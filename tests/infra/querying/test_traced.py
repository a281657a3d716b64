"""What a worker does to the system while it is asked hostile things, as strace saw it."""

import json
import random
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import Phase, given
from hypothesis import settings as rules

import infra
from tests.faults import tracing
from tests.infra.querying import test_gate_properties as grammar
from tests.infra.querying.test_gate_properties import HOSTILE, LEGAL, pieces
from tests.infra.querying.traced import BEGIN, END

MUTANTS = 150
MANY, AT_ONCE, SHARE_S = 20_000, 2_000, 600  # mutants of the grammar; in one process; its time
ROOT = Path(infra.__file__).resolve().parent.parent
CALLS = (
    *("open", "openat", "openat2", "creat", "truncate", "newfstatat", "stat", "execve"),
    *("unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir"),
    *("link", "linkat", "symlink", "symlinkat", "chmod", "fchmodat", "chown", "fchownat"),
    *("socket", "connect", "bind", "sendto", "sendmsg", "fork", "vfork", "ptrace", "memfd_create"),
)
ASKING = {"newfstatat", "stat"}  # whether a file is there; nothing of it is read
CALL = re.compile(r"^\d+ +(\w+)\((.*)$")
PATH = re.compile(r'"([^"]*)"')
WRITING = re.compile(r"O_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND)")


def mutants(seed):
    """Pieces of hostile statements in the places of pieces of legal ones, the same every time."""
    chance = random.Random(seed)  # noqa: S311 - nothing is to be kept secret
    for _ in range(MUTANTS):
        words, others = pieces(chance.choice(LEGAL)), pieces(chance.choice(HOSTILE))
        at, start = chance.randrange(len(words)), chance.randrange(len(others))
        words[at : at + chance.randrange(4)] = others[start : start + chance.randrange(1, 9)]
        yield "".join(words)


@pytest.fixture(scope="module")
def traced(settings, writer, tmp_path_factory):
    """The calls between the marks, and how the statements ended."""
    statements = [named(settings, sql) for sql in (*HOSTILE, *LEGAL, *mutants(1))]
    return trace(settings, statements, tmp_path_factory.mktemp("trace") / "calls")


def named(settings, sql):
    """The statement with the names of what lies around here in it."""
    warehouse = settings.warehouse
    folder = warehouse.catalog.removesuffix("/catalog.sqlite")
    return (
        sql.replace("{secret}", f"{folder}/secret.csv")
        .replace("{data}", warehouse.data)
        .replace("{catalog}", warehouse.catalog)
        .replace("comment\\n", "comment\n")
    )


def trace(settings, statements, trace, timeout_s=100):
    tracing.require()
    strace = ("strace", "-f", "-qq", "--seccomp-bpf", "-e", f"trace={','.join(CALLS)}")
    strace += ("-e", "signal=none", "-s", "300")
    child = subprocess.run(
        [*strace, "-o", str(trace), sys.executable, "-m", "tests.infra.querying.traced"],
        input=msgspec.json.encode({"settings": settings, "legal": LEGAL, "statements": statements}),
        capture_output=True,
        check=False,
        cwd=ROOT,
        timeout=timeout_s,
    )
    assert 0 == child.returncode, child.stderr.decode()[-2000:]
    lines = trace.read_text(errors="replace").splitlines()
    marks = [n for n, line in enumerate(lines) if BEGIN in line or END in line]
    found = [CALL.match(line) for line in lines[marks[0] + 1 : marks[-1]]]
    calls = [(each[1], each[2]) for each in found if each is not None]
    return calls, json.loads(child.stdout), statements


def test_no_statement_opens_a_file_that_is_not_of_the_published_tables(traced, settings):
    assert_reads_what_is_published(traced[0], settings)


def assert_reads_what_is_published(calls, settings):
    warehouse = settings.warehouse
    published = [f"{warehouse.data}/{schema}/" for schema in ("raw_orders", "raw_files", "marts")]
    opened = {
        path[1]
        for name, arguments in calls
        if name in ("open", "openat", "openat2", "creat") and (path := PATH.search(arguments))
    }

    others = {path for path in opened if not path.startswith((*published, warehouse.catalog))}
    assert set() == {path for path in others if not path.startswith(("/proc/self/", "/sys/fs/"))}
    assert any(path.startswith(published[0]) for path in opened)  # the trace is one of reading


def test_no_statement_writes_connects_or_starts_anything(traced, settings):
    assert_does_nothing_else(traced[0], settings)


def assert_does_nothing_else(calls, settings):
    catalog = settings.warehouse.catalog
    reading = {"open", "openat", "openat2"}
    doing = [
        (name, arguments)
        for name, arguments in calls
        if name not in ASKING
        and (name not in reading or WRITING.search(arguments))
        # SQLite locks by way of these, and no page of the catalogue can be written.
        and f'"{catalog}' not in arguments
    ]

    assert [] == doing


def test_the_hostile_were_refused_and_the_legal_answered(traced):
    _, (plain, masked), statements = traced
    hostile, legal = range(len(HOSTILE)), range(len(HOSTILE), len(HOSTILE) + len(LEGAL))

    answered = [statements[n] for n in hostile if plain[n] != "WorkRefused"]
    assert ["SELECT 1 -- ; DROP TABLE raw_orders.orders"] == answered
    assert answered == [statements[n] for n in hostile if masked[n] != "WorkRefused"]
    assert [] == [statements[n] for n in legal if isinstance(plain[n], str)]
    # The past of a table is not to be had through a mask; and a mask is no number to add to.
    refused = [statements[n] for n in legal if isinstance(masked[n], str)]
    assert ["AT"] == [word for sql in refused for word in sql.split() if word == "AT"][:1]
    assert len(refused) <= 2
    assert {"WorkRefused"} >= {each for each in plain + masked if isinstance(each, str)}


def many():
    """Statements that the grammar of the properties makes."""
    found = set()

    @rules(grammar.ALONE, max_examples=2 * MANY, database=None, phases=[Phase.generate])
    @given(sql=grammar.mutants())
    def gather(sql):
        if sql.isprintable():
            found.add(sql)

    gather()
    return sorted(found)[:MANY]


@pytest.mark.soak
def test_many_mutants_of_the_grammar_do_nothing_but_read_what_is_published(
    settings, writer, tmp_path
):
    statements = [named(settings, sql) for sql in many()]
    assert MANY == len(statements)
    answered = 0
    for first in range(0, MANY, AT_ONCE):
        share = statements[first : first + AT_ONCE]
        calls, outcomes, _ = trace(settings, share, tmp_path / "calls", timeout_s=SHARE_S)
        assert_reads_what_is_published(calls, settings)
        assert_does_nothing_else(calls, settings)
        ended = {each for some in outcomes for each in some if isinstance(each, str)}
        assert ended <= {"WorkRefused", "WorkFailed"}
        answered += sum(isinstance(each, int) for each in outcomes[0])
    assert answered > MANY // 20  # the trace is one of statements that are legal, too
