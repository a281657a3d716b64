"""From files to findings: what a running server sees in columns, at the command line."""

import time

import pytest

from tests.api.cli.conftest import run

WAIT_S = 60
PEOPLE = "id,email,city\n" + "".join(f"{n},person{n}@example.org,Bonn\n" for n in range(20))
CHANGED = "id,city\n" + "".join(f"{n},Bonn\n" for n in range(20))


@pytest.fixture
def dango(served):
    def command(*arguments, **more):
        return run(*arguments, "--project", str(served), **more)

    return command


def until(found):
    deadline = time.monotonic() + WAIT_S
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return value


def test_columns_are_scanned_drift_is_held_and_accepted(dango, served):
    file = served / "data/uploads/people/people.csv"
    file.parent.mkdir(parents=True)
    file.write_text(PEOPLE)
    options = ("--type", "csv", "--set", "directory=data/uploads/people")
    assert 0 == dango("source", "add", "people", *options).code
    assert 0 == dango("sync", "people").code

    (found,) = until(lambda: dango("governance", "pii", "people", "--json").json["findings"])
    assert ("email", "EMAIL_ADDRESS", True) == tuple(
        found[key] for key in ("column_name", "entity_type", "masked")
    )
    assert "EMAIL_ADDRESS\t0.99\tyes" in dango("governance", "pii").out
    assert "personal data to review" in dango("governance", "attention").out

    file.write_text(CHANGED)
    assert 0 == dango("sync", "people", "--full-refresh").code
    drifted = dango("governance", "drift", "people")
    assert "people\tpeople\temail\tcolumn removed\tbreaking\twas=VARCHAR" in drifted.out
    assert "To be accepted: people" in drifted.err
    assert (0, "Schema accepted\n") == dango("governance", "accept", "people")[:2]
    again = dango("governance", "accept", "people")
    assert 1 == again.code
    assert "No pending drift for 'people'." in again.err
    assert [] == dango("governance", "drift", "--json").json["held"]
