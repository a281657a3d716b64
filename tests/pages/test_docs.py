"""The OpenAPI document says what the route table says; its pages need no other host."""

import json
import re

import pytest
from openapi_spec_validator import validate

from api import docs
from api.callers import PUBLIC, READS
from api.pages import static
from api.platform import HttpSettings
from api.routes import ROUTES
from api.table import SOCKET
from tests.pages.site import Site, look

ROWS = tuple(row for row in ROUTES if row.method != SOCKET)


@pytest.fixture(scope="module")
def document():
    return json.loads(docs.encoded(ROWS, "1.2.3", HttpSettings()))


def operation(document, row):
    return document["paths"][re.sub(r":\w+\}", "}", row.path)][row.method.lower()]


def test_the_document_is_valid_openapi(document):
    validate(document)

    assert "3.1.0" == document["openapi"]


def test_every_route_is_in_it_with_what_it_demands(document):
    for row in ROWS:
        told, found = f"{row.method} {row.path}", operation(document, row)
        assert row.access == found["x-access"], told
        assert (row.access == PUBLIC) == (found.get("security") == []), told
        assert (row.access == READS) == ({} in found.get("security", [])), told
        names = {parameter["name"] for parameter in found["parameters"]}
        assert (row.method == "GET" and row.always_now is None) == ("as_of" in names), told


def test_no_two_operations_share_a_name(document):
    names = [found["operationId"] for path in document["paths"].values() for found in path.values()]

    assert sorted(set(names)) == sorted(names)


def test_bodies_and_answers_are_those_of_the_handlers(document):
    login = document["paths"]["/api/auth/login"]["post"]
    assert "#/components/schemas/Login" in json.dumps(login["requestBody"])
    assert "#/components/schemas/LoggedIn" in json.dumps(login["responses"])
    assert ["email", "password"] == document["components"]["schemas"]["Login"]["required"]


def test_the_document_follows_anonymous_reads(tmp_path):
    site = Site(tmp_path, settings=HttpSettings(anonymous_reads="false"))

    async def story():
        assert 401 == (await site.client().get("/openapi.json")).status_code
        viewer = (await site.people())["viewer"]
        answer = await viewer.get("/openapi.json")
        assert len(ROWS) == sum(len(path) for path in answer.json()["paths"].values())

    site.run(story)


def test_without_the_files_of_others_the_pages_say_what_to_do(tmp_path, monkeypatch):
    site = Site(tmp_path)
    own = frozenset(path for path in static._files() if not path.startswith("vendor/"))
    monkeypatch.setattr(static, "_files", lambda: own)

    async def story():
        for path in ("/api/docs", "/api/redoc"):
            page = await look(site.client(), path)
            assert (200, []) == (page.status, page.wrong)
            assert "make assets" in page.text

    site.run(story)
