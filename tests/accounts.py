"""Accounts, sessions and keys that tests speak of."""

from datetime import timedelta

from domain import api_keys, sessions, users
from domain.permissions import Role
from tests.decisions import NOW


def created(user="anna", role=Role.ADMIN, *, must_change=False):
    return users.UserCreated(
        user_id=user,
        role=role,
        email_digest=f"digest-{user}",
        credential=f"{user}-1",
        must_change_password=must_change,
    )


def deactivated(user="anna", role=Role.ADMIN):
    return users.UserDeactivated(user_id=user, role=role)


def started(session="s1", user="anna", *, expires_at=NOW + timedelta(days=7), method="password"):
    return sessions.SessionStarted(
        session_id=session,
        user_id=user,
        email_digest=f"digest-{user}",
        proof=f"proof-{session}",
        method=method,
        expires_at=expires_at,
    )


def ended(session="s1", user="anna", reason="logout"):
    return sessions.SessionEnded(session_id=session, user_id=user, reason=reason)


def failed(number=1, user="anna", *, known=True):
    return sessions.LoginFailed(
        attempt=f"try-{number}",
        email_digest=f"digest-{user}",
        user_id=user if known else None,
        network="net",
    )


def failures(count, user="anna", *, known=True):
    return [failed(number, user, known=known) for number in range(count)]


def key(name="k1", user="anna", *, expires_at=None):
    return api_keys.ApiKeyCreated(
        key_id=name,
        user_id=user,
        proof=f"proof-{name}",
        prefix="dango_ak_abc",
        expires_at=expires_at,
    )
