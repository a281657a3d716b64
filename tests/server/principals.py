"""Every kind of caller there is, and what the guard owes each of them on each route.

This is the expectation, not the guard: it reads the route table and the permissions, and is what
docs/reference/permissions.md shows and the running server is measured against.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

import httpx
import msgspec
import pyotp

from api.callers import DEPLOY, DEPLOYS, PARTIAL, PUBLIC, READS, SESSION, SIGNED_IN
from api.table import Route
from domain import permissions
from domain.permissions import Role
from tests.server.template import PASSWORD, People

MUST_CHANGE: Final = frozenset(
    {
        "/account/password",
        "/api/auth/change-password",
        "/api/auth/logout",
        "/api/auth/me",
        "/logout",
        "/setup",
    }
)
MUST_SET_UP: Final = MUST_CHANGE | {
    "/account/2fa",
    "/account/2fa/verify",
    "/api/auth/2fa/setup",
    "/api/auth/2fa/verify-setup",
}
HALF_WAY: Final = frozenset({"/api/auth/logout", "/logout"})
NARROWED: Final = frozenset({"query.execute"})


class Standing(Enum):
    """What the guard makes of a caller."""

    HERE = "nobody, on this machine"
    ELSEWHERE = "nobody, from elsewhere"
    REFUSED = "not valid"  # a bad key is told so, even where none is needed
    PARTIAL = "half way through a login"
    SESSION = "session"
    KEY = "key"


class Principal(msgspec.Struct, frozen=True):
    """One kind of caller."""

    standing: Standing
    role: Role | None = None
    held: frozenset[str] | None = None  # the only paths, until something has been done
    only: frozenset[str] | None = None  # the permissions that a key is narrowed to
    session: str | None = None  # whose cookie it shows, by its name in `People`
    key: str | None = None
    headers: Mapping[str, str] = {}


def _session(role: Role) -> Principal:
    return Principal(Standing.SESSION, role, session=role)


def _key(role: Role) -> Principal:
    return Principal(Standing.KEY, role, key=role)


PRINCIPALS: Final[Mapping[str, Principal]] = {
    "anonymous, local": Principal(Standing.HERE),
    "anonymous, forwarded": Principal(
        Standing.ELSEWHERE, headers={"x-forwarded-for": "203.0.113.7"}
    ),
    "partial session": Principal(Standing.PARTIAL, session="half"),
    "password to be changed": Principal(
        Standing.SESSION, Role.ADMIN, held=MUST_CHANGE, session="fresh"
    ),
    "second factor to be set up": Principal(
        Standing.SESSION, Role.ADMIN, held=MUST_SET_UP, session="admin"
    ),
    **{f"session of {role}": _session(role) for role in Role},
    **{f"key of {role}": _key(role) for role in Role},
    "narrowed key": Principal(Standing.KEY, Role.ADMIN, only=NARROWED, key="narrowed"),
    "expired session": Principal(Standing.HERE, session="expired"),
    "revoked session": Principal(Standing.HERE, session="revoked"),
    "session of a deactivated owner": Principal(Standing.HERE, session="left"),
    "garbage session": Principal(Standing.HERE, headers={"cookie": f"dango_session={'A' * 43}"}),
    "expired key": Principal(Standing.REFUSED, key="expired"),
    "revoked key": Principal(Standing.REFUSED, key="revoked"),
    "key of a deactivated owner": Principal(Standing.REFUSED, key="left"),
    "garbage key": Principal(
        Standing.REFUSED, headers={"authorization": f"Bearer dango_ak_{'A' * 38}"}
    ),
    "basic credentials": Principal(Standing.REFUSED, headers={"authorization": "Basic eDp5"}),
}
SET_UP: Final = "second factor to be set up"  # there, where the settings demand one


def demanded(route: Route, who: Principal) -> int | None:
    """The status with which the guard refuses; None when it lets the caller in."""
    if who.standing is Standing.REFUSED:
        return 401
    if route.access == PUBLIC:
        return None
    if route.access == PARTIAL:
        return None if who.standing is Standing.PARTIAL else 401
    if who.role is None:
        return _of_nobody(route, who)
    if who.held is not None:
        return None if route.path in who.held else 403
    if route.access == SESSION:
        return 403 if who.standing is Standing.KEY else None
    if route.access in (READS, SIGNED_IN):
        return None
    access = DEPLOYS if route.access == DEPLOY else route.access
    reach = who.only is None or access in who.only
    return None if reach and permissions.may(who.role, access) else 403


def _of_nobody(route: Route, who: Principal) -> int | None:
    if who.standing is Standing.PARTIAL and route.path in HALF_WAY:
        return None
    here = who.standing is not Standing.ELSEWHERE
    return None if route.access == READS and here else 401


def furnish(server) -> None:
    """Have a server know those whom its template lacks."""
    people = server.people = People({**server.people.sessions}, {**server.people.keys})
    admin = server.client(session="admin")
    made = _made_key(admin, permissions=sorted(NARROWED))
    people.keys["narrowed"] = made["key"]
    revoked = _made_key(admin)
    people.keys["revoked"] = revoked["key"]
    assert 200 == admin.delete(f"/api/auth/api-keys/{revoked['id']}").status_code

    _, ended = _joined(server, admin, "revoked@example.org")
    people.sessions["revoked"] = ended.cookies["dango_session"]
    assert 200 == ended.post("/api/auth/logout").status_code

    user, left = _joined(server, admin, "left@example.org")
    people.sessions["left"] = left.cookies["dango_session"]
    people.keys["left"] = _made_key(left)["key"]
    assert 200 == admin.post(f"/api/admin/users/{user}/deactivate").status_code

    people.sessions["half"] = _half(server, admin)


def _half(server, admin: httpx.Client) -> str:
    _, client = _joined(server, admin, "half@example.org")
    made = client.post("/api/auth/2fa/setup", json={"password": PASSWORD}).json()
    code = pyotp.TOTP(made["secret"]).now()
    assert 200 == client.post("/api/auth/2fa/verify-setup", json={"code": code}).status_code
    return _logged_in(server, "half@example.org").cookies["dango_session"]


def _made_key(client: httpx.Client, **more) -> dict:
    answer = client.post("/api/auth/api-keys", json={"name": "matrix", **more})
    assert answer.is_success, answer.text
    return answer.json()


def _joined(server, admin: httpx.Client, email: str) -> tuple[str, httpx.Client]:
    """A new admin, and a client in whose name."""
    body = {"email": email, "role": "admin"}
    made = admin.post("/api/admin/users", json=body).json()
    token = made["invite_url"].rpartition("/")[2]
    answer = server.client().post(
        "/api/auth/accept-invite", json={"token": token, "password": PASSWORD}
    )
    assert 200 == answer.status_code, answer.text
    return made["user"]["id"], _logged_in(server, email)


def _logged_in(server, email: str) -> httpx.Client:
    client = server.client()
    answer = client.post("/api/auth/login", json={"email": email, "password": PASSWORD})
    assert 200 == answer.status_code, answer.text
    return client
