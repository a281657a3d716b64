"""Errors behind a commit: what was published stays, and is not published twice."""

from typing import Any

import duckdb
import pytest

from infra.loading import publish
from infra.warehouse import commit
from tests.infra.loading.conftest import Trial


def test_a_load_that_fails_behind_its_commit_keeps_its_files(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*arguments: Any, **named: Any) -> int:
        commit.commit(*arguments, **named)
        raise duckdb.IOException("the connection was lost")

    monkeypatch.setattr(publish, "commit", lost)
    trial.file("a.csv", "id\n1\n")

    with pytest.raises(duckdb.IOException):
        trial.load()

    assert trial.rows() == [(1,)]


def test_an_error_behind_a_commit_does_not_lead_to_another_one(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, commits = commit._once, []

    def committed(*arguments: Any) -> None:
        once(*arguments)
        commits.append(arguments)

    def unreadable(*arguments: Any) -> int | None:
        if commits:
            raise duckdb.IOException("database is locked")
        return None

    monkeypatch.setattr(commit, "_once", committed)
    monkeypatch.setattr(commit, "_number", unreadable)
    trial.file("a.csv", "id\n1\n")

    with pytest.raises(duckdb.IOException):
        trial.load()

    assert len(commits) == 1
    assert trial.rows() == [(1,)]
