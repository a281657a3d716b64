"""The log as CloudEvents: whole, provable, and no more of it than was asked for."""

import hashlib
import json
from base64 import b64decode

import pytest

from api import export
from api.platform import HttpSettings
from tests.api.access import Server

PATH = "/api/events/export"
USERS = 7


@pytest.fixture
def exported(tmp_path):
    """The answers for some parameters, and what /api/events said."""

    def ask(*many):
        server = Server(tmp_path, settings=HttpSettings(project_name="Corner shop"))
        answers, page = [], {}

        async def story():
            for number in range(USERS):
                await server.add(f"u{number}@localhost", "a tiger in the rain")
            client = await server.logged_in()
            page.update((await client.get("/api/events?after=0&limit=1000")).json())
            answers.extend([await client.get(PATH, params=params) for params in many])

        server.run(story)
        return answers, page

    return ask


def lines(answer):
    assert 200 == answer.status_code, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_the_export_is_the_log_in_cloud_events(exported):
    (answer,), page = exported({})
    found = lines(answer)

    assert "application/x-ndjson" == answer.headers["content-type"].partition(";")[0]
    assert [e["position"] for e in page["events"]] == [line["position"] for line in found]
    for event, line in zip(page["events"], found, strict=True):
        assert ("1.0", "/dango/Corner%20shop") == (line["specversion"], line["source"])
        assert (event["id"], event["type"]) == (line["id"], line["type"])
        assert (event["stream"], event["timestamp"]) == (line["subject"], line["time"])
        assert event["tags"] == json.loads(line["tags"])
        assert event["data"] == {k: v for k, v in line["data"].items() if k != "type"}
        assert all(name.isalnum() and name == name.lower() for name in line)
        assert not any(isinstance(v, dict | list) for k, v in line.items() if k != "data")


def test_the_file_proves_itself_without_the_program(exported):
    (answer,), page = exported({})
    digest = bytes(32)

    for line in lines(answer):
        digest = hashlib.sha256(digest + b64decode(line["record"])).digest()
        assert line["hash"] == digest.hex()
    assert page["events"][-1]["hash"] == digest.hex()


def test_pages_meet_without_gap_or_double(exported, monkeypatch):
    monkeypatch.setattr(export, "PAGE_EVENTS", 2)
    (answer,), page = exported({})

    assert list(range(1, page["head"] + 1)) == [line["position"] for line in lines(answer)]


def test_bounds_and_the_past_cut_the_export(exported):
    answers, _ = exported(
        {"after": 2, "upto": 4}, {"upto": 10**15, "after": 6}, {"as_of": 3}, {"after": 10**15}
    )

    found = [[line["position"] for line in lines(answer)] for answer in answers]
    assert [[3, 4], [1, 2, 3], []] == [found[0], found[2], found[3]]
    assert 7 == found[1][0]
    assert "3" == answers[2].headers["x-as-of"]


@pytest.mark.parametrize("params", [{"after": -1}, {"upto": 1 << 63}, {"after": "x"}])
def test_what_is_no_position_is_422(exported, params):
    (answer,), _ = exported(params)

    assert 422 == answer.status_code
