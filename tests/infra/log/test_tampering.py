"""Whoever changes a log is found out, each time, and where; and a proof that is none is too."""

import contextlib
import os
import sqlite3
from collections import Counter
from random import Random

import pytest

from commands.kernel import Keep
from domain.queries import QueryExecuted
from infra.log import verify as proof
from infra.log.envelope import seal
from infra.log.sqlite import SQLiteLog
from infra.log.vault import Vault, VaultDamaged
from projections.audit import Noted, Verified
from tests.core import KEYS, Clock
from tests.decisions import recorded
from tests.infra.log.tampering import WAYS, tampered
from tests.server.harness import tell

EVENTS, VALUES = 1_000, 20
PARTS, TAMPERINGS, TAMPERINGS_SOAK, TAMPERINGS_CANARY = 2, 500, 10_000, 2 * len(WAYS)
SEED = int(os.environ.get("DANGO_TEST_SEED", "20261121"))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "events.db"
    with contextlib.closing(SQLiteLog(path)) as log:
        log.begin()
        log.insert(
            [
                seal(recorded(number, QueryExecuted(query_id=f"q{number:04}", outcome="answered")))
                for number in range(1, EVENTS + 1)
            ]
        )
        keeps = [Keep("query", f"q{number:04}", b"SELECT 1") for number in range(1, VALUES + 1)]
        Vault(log, KEYS, Clock()).write(keeps)
        log.commit()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode=DELETE")  # so that a copy is one file
    return path


def named(copy, noted):
    """The first position or entry that is not as it was written, None when all is well."""
    found = proof.verify(copy, noted)
    if not found.ok:
        return found.position
    with contextlib.closing(SQLiteLog(copy)) as log:
        try:
            assert VALUES == Vault(log, KEYS, Clock()).prove()
        except VaultDamaged as damaged:
            return str(damaged).split()[4]
    return None


def hunt(path, copy, tamperings, seed=SEED):
    """Tamper so often; answers the ways that were missed, each with how often."""
    random, missed = Random(seed), Counter()  # noqa: S311 - seeded
    head = proof.verify(path)
    noted = Noted(head.head, head.hash)
    assert named(path, noted) is None
    for number in range(tamperings):
        way = WAYS[number % len(WAYS)]
        with tampered(path, copy, way, random) as where:
            if where != named(copy, noted):
                missed[way.__name__] += 1
    return missed


def all_are_found(path, copy, tamperings, seed=SEED):
    missed = hunt(path, copy, tamperings, seed)

    tell(f"{tamperings} tamperings in {len(WAYS)} ways, {EVENTS} events, seed {seed}: all named")
    assert {} == missed


@pytest.mark.parametrize("part", range(PARTS))
def test_any_change_is_found_at_its_first_position(path, tmp_path, part):
    all_are_found(path, tmp_path / "copy.db", TAMPERINGS // PARTS, SEED + part)


@pytest.mark.soak
def test_very_many_changes_are_found(path, tmp_path):
    all_are_found(path, tmp_path / "copy.db", TAMPERINGS_SOAK)


def test_a_proof_that_computes_no_hash_is_found_out(path, tmp_path, monkeypatch):
    def counted(log, noted):
        events = sum(1 for _ in proof.archive(log).links(log))
        return Verified(ok=True, events=events, head=events, hash=noted.hash if noted else "")

    monkeypatch.setattr(proof, "_chain", counted)
    monkeypatch.setattr("infra.log.sqlite.misplaced_tag", lambda *_: None)  # it may name one, too

    missed = hunt(path, tmp_path / "copy.db", TAMPERINGS_CANARY)

    assert {"a bit of data flipped", "a bit of hash flipped", "tail_cut_off"} <= set(missed)


def test_a_proof_that_compares_no_tags_is_found_out(path, tmp_path, monkeypatch):
    monkeypatch.setattr("infra.log.sqlite.misplaced_tag", lambda *_: None)

    missed = hunt(path, tmp_path / "copy.db", TAMPERINGS_CANARY)

    assert {"tag_taken_away", "tag_renamed", "tag_added"} == set(missed)
