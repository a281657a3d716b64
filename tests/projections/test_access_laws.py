"""Whatever happens: what the rows let in is what the decisions know of."""

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from commands import api_keys as key_commands
from commands import backups as backup_commands
from commands import factors as factor_commands
from commands import identities as identity_commands
from commands import links as link_commands
from commands import sessions as session_commands
from commands import users as user_commands
from domain import api_keys as key_rules
from domain import backups as backup_rules
from domain import identities as identity_rules
from domain import sessions as session_rules
from domain import totp
from domain import users as user_rules
from domain.identities import Provider
from domain.kernel import Refused
from domain.permissions import Role
from infra.views.views import Current
from projections import api_keys, identities, sessions, users
from tests.accounts import created, invited, restored
from tests.decisions import NOW, history, within
from tests.folding import build

PROJECTIONS = (
    users.PROJECTION,
    sessions.PROJECTION,
    api_keys.PROJECTION,
    identities.PROJECTION,
)
EVENTS = (
    *user_rules.EVENTS,
    *totp.EVENTS,
    *session_rules.EVENTS,
    *key_rules.EVENTS,
    *identity_rules.EVENTS,
    *backup_rules.EVENTS,
)
DECIDERS = {
    **user_commands.DECIDERS,
    **link_commands.DECIDERS,
    **session_commands.DECIDERS,
    **factor_commands.DECIDERS,
    **identity_commands.DECIDERS,
    **key_commands.DECIDERS,
    **backup_commands.DECIDERS,
}

USERS = st.sampled_from(["anna", "ben"])
NAMES = st.sampled_from(["1", "2", "3"])
CREDENTIALS = st.sampled_from(["1", "2"])


@st.composite
def commands(draw, users=USERS, names=NAMES):
    user, name = draw(users), draw(names)
    own, digest = f"{user}-{name}", f"digest-{user}"
    verified, new = (f"{user}-{draw(CREDENTIALS)}" for _ in range(2))
    session = session_commands.NewSession(
        session_id=own, proof=own, expires_at=NOW + timedelta(days=1)
    )
    account = {"user_id": user, "email_digest": digest}
    other = f"{user}-{draw(names)}"
    link = user_rules.Link(f"{user}-{name}", NOW + timedelta(days=1))
    again = {**account, "session_id": other, "session": session, "at": NOW}
    step = totp.Code(factor_id=own, step=draw(st.integers(1, 3)))
    return draw(
        st.sampled_from(
            [
                user_commands.DeactivateUser(user_id=user),
                user_commands.ReactivateUser(user_id=user),
                link_commands.ResetPassword(user_id=user, credential=new, password_hash=""),
                session_commands.StartSession(
                    **account, session=session, verified=verified, at=NOW
                ),
                session_commands.StartSession(
                    **account, session=session, verified=verified, partial=True, at=NOW
                ),
                identity_commands.LogInWithIdentity(
                    **account,
                    provider=Provider.GOOGLE,
                    identity=own,
                    attempt=other,
                    session=session,
                    partial=draw(st.booleans()),
                    vouched=draw(st.booleans()),
                    credential=new,
                    at=NOW,
                ),
                identity_commands.LinkIdentity(
                    user_id=user,
                    session_id=other,
                    provider=Provider.GITHUB,
                    identity=own,
                    attempt=own,
                ),
                identity_commands.UnlinkIdentity(
                    user_id=user,
                    session_id=other,
                    provider=Provider.GOOGLE,
                    identity=f"{draw(users)}-{name}",
                ),
                session_commands.EndAllSessions(user_id=user),
                session_commands.EndAllSessions(user_id=user, but=other),
                session_commands.UnlockUser(**account, at=NOW),
                user_commands.DeleteUser(user_id=user),
                link_commands.OfferPasswordReset(user_id=user, link=link),
                link_commands.RedeemPasswordReset(
                    user_id=user, proof=own, credential=new, password_hash="", at=NOW
                ),
                factor_commands.BeginTotpSetup(
                    user_id=user,
                    session_id=other,
                    factor_id=own,
                    verified=verified,
                    pending=b"",
                    expires_at=NOW,
                    at=NOW,
                ),
                factor_commands.EnableTotp(
                    **again, factor_id=own, step=1, recovery=("r",), seed=b""
                ),
                factor_commands.DisableTotp(**again, verified=verified),
                factor_commands.RegenerateRecoveryCodes(
                    **again, verified=verified, code=step, recovery=("r",)
                ),
                factor_commands.VerifySecondFactor(
                    **account, partial_id=other, code=step, session=session, at=NOW
                ),
                session_commands.EndSession(session_id=own, user_id=user, reason="logout"),
                session_commands.FailLogin(attempt=name, **account, network=name, at=NOW),
                session_commands.FailCurrentPassword(
                    attempt=name, session_id=own, user_id=user, at=NOW
                ),
                session_commands.ChangePassword(
                    **account,
                    session_id=other,
                    verified=verified,
                    credential=new,
                    password_hash="",
                    session=session,
                    at=NOW,
                ),
                key_commands.CreateApiKey(
                    key_id=own, user_id=user, name="", proof=own, prefix="", at=NOW
                ),
                key_commands.RevokeApiKey(key_id=own, user_id=user),
                backup_commands.RecordRestore(
                    told=restored(keys_ended=draw(st.booleans()), digest=name)
                ),
            ]
        )
    )


def fold(decider, boundary, log):
    state = decider.initial
    for item in history(*log):
        if within(boundary, item.event):
            state = decider.evolve(state, item)
    return state


def carried_out(sent):
    log = [created("anna"), invited("ben"), created("admin", Role.ADMIN)]
    for command in sent:
        decider = DECIDERS[type(command)]
        try:
            events = decider.decide(fold(decider, decider.boundary(command), log), command)
        except Refused:
            continue
        log += events
    return log


def live(event, log):
    """The account's sessions or keys that are alive, by all that has happened to it."""
    if isinstance(event, session_rules.SessionEnded):
        decider, boundary = DECIDERS[session_commands.EndSession], session_rules.of_user
        state = fold(decider, boundary(event.user_id), log)
        return {*state.live, *state.partials}
    decider, boundary = DECIDERS[key_commands.RevokeApiKey], key_rules.of_user
    return fold(decider, boundary(event.user_id), log).live


@settings(max_examples=60)
@given(st.lists(commands(), max_size=25))
def test_rows_and_decisions_know_the_same_sessions_and_keys(sent):
    log = carried_out(sent)
    session = DECIDERS[session_commands.StartSession]
    key = DECIDERS[key_commands.CreateApiKey]
    login = DECIDERS[identity_commands.LogInWithIdentity]
    link = DECIDERS[link_commands.RenewInvite]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "views.db"
        build(path, PROJECTIONS, EVENTS, history(*log))
        reader = Current(path, lambda: NOW)
        for user in ("anna", "ben"):
            state = fold(session, session_rules.login(user, f"digest-{user}", NOW), log)
            keys = fold(key, key_rules.of_user(user), log)
            rows = {row.session_id for row in sessions.of_user(reader, user)}
            assert set(state.live) == rows
            assert set(keys.live) == {row.key_id for row in api_keys.of_user(reader, user)}
            for identity in (f"{user}-{name}" for name in "123"):
                folded = fold(login, identity_rules.login(user, identity, ""), log)
                opened = folded.owners.get(identity) if user in folded.users.accounts else None
                assert opened == identities.owner(reader, identity)
            assert state.guesses == users.guesses(reader, f"digest-{user}")
            halves = reader.rows(
                "SELECT session_id FROM partial_sessions WHERE user_id = :u", u=user
            )
            assert set(state.partials) == {name for (name,) in halves}
            assert state.active or not (rows or halves)
            if (found := users.one(reader, user)) is not None:
                assert state.active == found.active
                assert state.credential == found.credential
                assert (state.factor.enabled is not None) == found.totp
                links = fold(link, user_rules.account(user), log).links
                assert links.get(user) == found.link
            for name in rows:
                assert sessions.by_proof(reader, name) is not None
        reader.close()


@given(st.lists(commands(st.just("anna"), st.just("1")), min_size=5, max_size=25))
def test_what_is_over_is_not_ended_again(sent):
    log = carried_out(sent)

    for number, event in enumerate(log):
        match event:
            case session_rules.SessionEnded(session_id=name) | key_rules.ApiKeyRevoked(key_id=name):
                assert name in live(event, log[:number])
