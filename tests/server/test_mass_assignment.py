"""A body takes the fields that its route names, and no others: nothing can be slipped in."""

import json
from typing import get_type_hints

import msgspec
import pytest

from api.routes import ROUTES
from tests.server import mutations, raw

EXTRA = {
    "role": "admin",
    "is_admin": True,
    "admin": True,
    "user_id": "1",
    "id": "1",
    "_id": "1",
    "status": "active",
    "is_active": True,
    "permissions_": ["all"],
    "must_change": False,
    "totp_enabled": False,
    "requires_2fa": False,
    "verified": True,
    "owner": "admin",
    "created_at": "2020-01-01",
    "expires": None,
    "actor": "cli:root",
    "__proto__": {"role": 1},
    "password_hash": "x",
    "credential": "x",
    "session_id": "x",
    "email_digest": "x",
}


def struct_of(hint):
    """The struct that a body is read into."""
    kinds = (hint, *getattr(hint, "__args__", ()))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, msgspec.Struct)), None)


BODIES = {
    f"{route.method} {route.path}": (route, struct)
    for route in ROUTES
    if not route.page
    and (struct := struct_of(get_type_hints(route.handler).get("data"))) is not None
}


def test_there_are_bodies():
    assert len(BODIES) >= 15


@pytest.mark.parametrize("name", BODIES)
def test_every_body_refuses_unknown_fields(name):
    assert BODIES[name][1].__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize("name", BODIES)
def test_an_extra_field_is_422_and_changes_nothing(server, admin, name):
    route, struct = BODIES[name]
    head, cookie = server.head(admin), f"dango_session={server.people.sessions['admin']}"
    extras = {key: value for key, value in EXTRA.items() if key not in struct.__struct_fields__}
    wrong = []
    assert len(extras) >= 20
    for field, value in extras.items():
        # First, so that it is met before whatever else is wrong or missing.
        body = json.dumps({field: value}).encode()
        pairs = [("Cookie", cookie), mutations.JSON]
        target = mutations.path_of(route)
        answer = raw.send(server.port, raw.request(route.method, target, pairs, body))
        if route.access == "partial session":
            wrong += [field] if answer.status != 401 else []
        elif answer.status != 422 or b"unknown field" not in answer.body:
            wrong.append((field, answer.status, answer.body))
    assert [] == wrong
    assert head == server.head(admin)
