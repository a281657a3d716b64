"""Accounts, sessions and keys that tests speak of."""

from datetime import timedelta

from commands.sessions import Client, NewSession
from domain import api_keys, backups, identities, sessions, totp, users
from domain.permissions import Role
from tests.decisions import NOW


def new(session="s1", life=timedelta(days=7)):
    """A session to be."""
    return NewSession(
        session_id=session,
        proof=f"proof-{session}",
        expires_at=NOW + life,
        network="home",
        client=Client(address="10.0.0.1", agent="curl"),
    )


def created(user="anna", role=Role.ADMIN, *, must_change=False):
    return users.UserCreated(
        user_id=user,
        role=role,
        email_digest=f"digest-{user}",
        credential=f"{user}-1",
        must_change_password=must_change,
    )


def invited(user="anna", role=Role.ADMIN, *, proof=None, expires_at=NOW + timedelta(hours=72)):
    return users.UserInvited(
        user_id=user,
        role=role,
        email_digest=f"digest-{user}",
        proof=proof or f"link-{user}",
        expires_at=expires_at,
    )


def accepted(user="anna", role=Role.ADMIN):
    return users.InviteAccepted(user_id=user, role=role, credential=f"{user}-1")


def offered(user="anna", *, proof=None, expires_at=NOW + timedelta(hours=1)):
    proof = proof or f"link-{user}"
    return users.PasswordResetOffered(user_id=user, proof=proof, expires_at=expires_at)


def deleted(user="anna", role=Role.ADMIN):
    return users.UserDeleted(user_id=user, role=role, email_digest=f"digest-{user}")


def unlocked(user="anna"):
    return sessions.UserUnlocked(user_id=user, email_digest=f"digest-{user}")


def restored(*, keys_ended=True, digest="d"):
    """The project was made of a backup of what was known until then."""
    return backups.BackupRestored(
        backup="shop-1",
        made_at=NOW,
        upto=1,
        files=1,
        size_bytes=1,
        encrypted=False,
        digest=digest,
        keys_ended=keys_ended,
    )


def deactivated(user="anna", role=Role.ADMIN):
    return users.UserDeactivated(user_id=user, role=role)


def started(
    session="s1",
    user="anna",
    *,
    expires_at=NOW + timedelta(days=7),
    method="password",
    network="home",
):
    return sessions.SessionStarted(
        session_id=session,
        user_id=user,
        email_digest=f"digest-{user}",
        proof=f"proof-{session}",
        method=method,
        expires_at=expires_at,
        network=network,
    )


def partial(session="p1", user="anna", *, expires_at=NOW + timedelta(minutes=5)):
    return sessions.PartialSessionStarted(
        session_id=session,
        user_id=user,
        email_digest=f"digest-{user}",
        proof=f"proof-{session}",
        expires_at=expires_at,
    )


def setup(factor="f1", user="anna"):
    return totp.TotpSetupBegun(user_id=user, factor_id=factor)


def enabled(factor="f1", user="anna", *, step=100, recovery=("r1", "r2")):
    return totp.TotpEnabled(user_id=user, factor_id=factor, step=step, recovery=recovery)


def used(step, factor="f1", user="anna"):
    return totp.TotpUsed(user_id=user, factor_id=factor, step=step)


def recovered(proof, user="anna"):
    return totp.RecoveryCodeUsed(user_id=user, proof=proof)


def ended(session="s1", user="anna", reason="logout"):
    return sessions.SessionEnded(session_id=session, user_id=user, reason=reason)


def failed(number=1, user="anna", *, known=True, network="net", **more):
    return sessions.LoginFailed(
        attempt=f"try-{number}",
        email_digest=f"digest-{user}",
        user_id=user if known else None,
        network=network,
        day="2026-01-01",
        **more,
    )


def failures(count, user="anna", **how):
    return [failed(number, user, **how) for number in range(count)]


def siege(count, user="anna", *, known=True):
    """Failures of which no two come from one network."""
    return [failed(n, user, known=known, network=f"net-{n}") for n in range(count)]


def wrong(number=1, session="s1", user="anna"):
    return sessions.CurrentPasswordWrong(attempt=f"try-{number}", session_id=session, user_id=user)


def key(name="k1", user="anna", *, expires_at=None):
    return api_keys.ApiKeyCreated(
        key_id=name,
        user_id=user,
        proof=f"proof-{name}",
        prefix="dango_ak_abc",
        expires_at=expires_at,
    )


def linked(user="anna", identity="i1", provider="google"):
    return identities.IdentityLinked(user_id=user, provider=provider, identity=identity)


def unlinked(user="anna", identity="i1", provider="google"):
    return identities.IdentityUnlinked(user_id=user, provider=provider, identity=identity)


def proved(attempt="a1", user="anna", identity="i1", provider="google"):
    return identities.IdentityProved(
        user_id=user, provider=provider, identity=identity, attempt=attempt
    )


def refused(attempt="a1", reason="unknown", provider="google"):
    return identities.IdentityRefused(provider=provider, attempt=attempt, reason=reason)
