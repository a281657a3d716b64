"""Lines of the log for machines: whole objects, with their request, and without what was named."""

import asyncio
import json
import logging

import pytest

from api import asgi
from infra.lines import REQUESTS, JsonLines
from tests.api.access import Server


@pytest.fixture
def heard():
    """What the loggers say, as JSON."""
    found, logger = [], logging.getLogger("dango")

    class Handler(logging.Handler):
        def emit(self, record):
            found.append(json.loads(self.format(record)))

    handler = Handler()
    handler.setFormatter(JsonLines(asgi.current.get))
    logger.addHandler(handler)
    requests = logging.getLogger(REQUESTS)
    requests.setLevel(logging.DEBUG)
    yield found
    requests.setLevel(logging.NOTSET)
    logger.removeHandler(handler)


def test_a_change_is_a_line_with_its_request_and_position(heard, tmp_path):
    server = Server(tmp_path)

    async def story():
        client = await server.logged_in()
        heard.clear()
        headers = {"X-Request-ID": "mine"}
        body = {"key": "TOKEN", "value": "a value"}
        answer = await client.post("/api/secrets?x=1", json=body, headers=headers)
        assert 200 == answer.status_code, answer.text
        await client.get("/api/secrets")
        await client.delete("/api/secrets/TOKEN")
        (said, gone) = heard
        assert ("mine", "POST", "/api/secrets", 200) == tuple(
            said[key] for key in ("request_id", "method", "route", "status")
        )
        assert str(said["position"]) == answer.headers["x-position"]
        assert said["actor"].startswith("user:")
        assert "TOKEN" not in json.dumps(gone)

    server.run(story)


def test_a_defect_is_one_line_with_its_trace(heard):
    async def story():
        asgi.current.set("yours")
        try:
            raise ValueError("two\nlines")
        except ValueError:
            logging.getLogger("dango.some").exception("it failed")

    asyncio.run(story())

    (line,) = heard
    assert ("error", "it failed", "yours") == (line["level"], line["message"], line["request_id"])
    assert "ValueError: two\nlines" in line["error"]
