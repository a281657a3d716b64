"""Shares of the projections, folded apart and joined, are what one fold of all makes."""

import contextlib

import pytest

from domain.registry import EVENTS
from infra.views.join import join
from infra.views.store import connect, differences
from projections.table import PROJECTIONS, SHARES
from tests.bench import history
from tests.folding import build

COUNT = 400
TABLES = [table for projection in PROJECTIONS for table in projection.tables]


def folded(path, projections, count=COUNT):
    build(path, projections, EVENTS, history.events(count))
    return path


def parts(folder, *counts):
    return [
        folded(folder / f"part-{number}.db", share, count)
        for number, (share, count) in enumerate(zip(SHARES, counts, strict=True))
    ]


def test_shares_that_were_joined_are_the_whole(tmp_path):
    first, *others = parts(tmp_path, COUNT, COUNT)

    assert COUNT <= join(first, others)

    whole = folded(tmp_path / "whole.db", PROJECTIONS)
    with contextlib.closing(connect(first, readonly=True)) as database:
        assert [] == list(differences(database, whole, TABLES))
        assert indexes(whole) == indexes(first)
        assert [("ok",)] == database.execute("PRAGMA integrity_check").fetchall()


def indexes(path):
    with contextlib.closing(connect(path, readonly=True)) as database:
        return set(database.execute("SELECT name, sql FROM sqlite_master").fetchall())


def test_shares_of_different_positions_are_not_joined(tmp_path):
    first, second = parts(tmp_path, COUNT, COUNT - 50)

    with pytest.raises(RuntimeError, match="another position"):
        join(first, [second])
