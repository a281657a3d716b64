"""Types of large JSON: what a sample says holds only where every object bears it out."""

import json
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.loading import json_types
from tests.infra.loading.conftest import Trial

FIRST = {"n": 1, "x": 1.5, "s": "a", "b": True, "d": "2026-01-31"}
LATER = [
    {"n": 2.5},
    {"n": "007"},
    {"n": True},
    {"n": 10**19},
    {"x": "1"},
    {"x": False},
    {"s": 1},
    {"s": {"deep": 1}},
    {"b": 1},
    {"d": "2026-01-31 10:00:00"},
    {"d": "soon"},
    {"d": "2026-99-99"},
    {"d": 20260131},
    {"d": None},
    {"new": 1},
    {"N": 1},
    {"n": None, "new": None},
]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "a", "1", "1.5", "true", "2026-01-31", "2026-01-31T10:00:00Z", '"', "é"]),
)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """One object is the sample, whatever the size."""
    monkeypatch.setattr(json_types, "PROVEN_BYTES_MIN", 0)
    monkeypatch.setattr(json_types, "SAMPLE", 1)
    return monkeypatch


def _lines(*objects: dict[str, Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


@pytest.mark.parametrize(
    ("shape", "later"), [*(("ndjson", each) for each in LATER), ("json", LATER[0])], ids=str
)
def test_a_value_that_the_sample_does_not_promise_is_loaded_whole(
    trial: Trial, hasty: pytest.MonkeyPatch, shape: str, later: dict[str, Any]
) -> None:
    objects = [FIRST, FIRST | later]
    text = _lines(*objects) if shape == "ndjson" else json.dumps(objects)
    trial.file(f"a.{shape}", text)
    trial.load(type="local_files", file_pattern=f"*.{shape}")
    found = trial.types(), trial.rows()

    hasty.undo()
    trial.load(type="local_files", file_pattern=f"*.{shape}", full_refresh=True)

    assert (trial.types(), trial.rows()) == found


@given(
    st.lists(st.dictionaries(st.sampled_from("ABab"), VALUES, min_size=1), min_size=2, max_size=6)
)
def test_a_sample_that_is_proven_says_what_all_objects_say(
    tmp_path_factory: pytest.TempPathFactory, objects: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("json") / "a.ndjson"
    path.write_text(_lines(*objects))

    def table(*options: str) -> str:
        return f"read_json('{path}', format = 'newline_delimited', {', '.join(options)})"

    with duckdb.connect() as connection:
        rows = []
        for proven in (True, False):
            sampled = json_types._described(connection, table, 1)
            whole = json_types._described(connection, table, json_types.WHOLE)
            listed = f"read_json_objects('{path}', format = 'newline_delimited')"
            if proven and not json_types._proven(connection, table, listed, sampled):
                return
            typed = table("records = true", json_types.columns(sampled if proven else whole))
            rows.append(connection.execute(f"SELECT * FROM {typed}").fetchall())
    assert rows[0] == rows[1]


def test_what_bears_the_sample_out_is_not_looked_at_once_more(
    trial: Trial, hasty: pytest.MonkeyPatch
) -> None:
    looked = []
    described = json_types._described

    def counted(connection: Any, table: Any, sample: int) -> dict[str, str]:
        looked.append(sample)
        return described(connection, table, sample)

    hasty.setattr(json_types, "_described", counted)
    trial.file("a.ndjson", _lines(FIRST, FIRST | {"n": -5, "x": 2, "s": '"', "d": None}, {}))
    trial.load(type="local_files", file_pattern="*.ndjson")

    assert looked == [1]
    assert trial.rows("n, x, s, b") == [(1, 1.5, "a", True), (-5, 2.0, '"', True), (None,) * 4]
