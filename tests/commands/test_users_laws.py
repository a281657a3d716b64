"""Laws over any sequence of commands about accounts."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from commands import links
from commands import users as accounts
from commands.links import (
    AcceptInvite,
    InviteUser,
    OfferPasswordReset,
    RedeemPasswordReset,
    RenewInvite,
    ResetPassword,
)
from commands.users import ChangeRole, CreateUser, DeactivateUser, DeleteUser, ReactivateUser
from domain import users
from domain.kernel import Event, Refused
from domain.permissions import Role
from tests.accounts import created, restored
from tests.decisions import NOW, history, within

DECIDERS = {**accounts.DECIDERS, **links.DECIDERS}
IDS = st.sampled_from(["anna", "ben", "eve"])
DIGESTS = st.sampled_from(["digest-anna", "digest-ben", "digest-eve"])
CREDENTIALS = st.sampled_from(["c1", "c2", "c3"])
PROOFS = st.sampled_from(["p1", "p2"])
LINKS = st.builds(users.Link, PROOFS, st.sampled_from([NOW, NOW + timedelta(hours=1)]))
CHOICE = {
    "user_id": IDS,
    "proof": PROOFS,
    "credential": CREDENTIALS,
    "password_hash": st.just("h"),
    "at": st.just(NOW),
}
ROLES = st.sampled_from(list(Role))
COMMANDS = st.one_of(
    st.builds(
        CreateUser,
        user_id=IDS,
        email=st.just("x@a.io"),
        email_digest=DIGESTS,
        role=ROLES,
        credential=st.just("c1"),
        password_hash=st.just("h"),
    ),
    st.builds(
        InviteUser,
        user_id=IDS,
        email=st.just("x@a.io"),
        email_digest=DIGESTS,
        role=ROLES,
        link=LINKS,
    ),
    st.builds(RenewInvite, user_id=IDS, link=LINKS),
    st.builds(OfferPasswordReset, user_id=IDS, link=LINKS),
    st.builds(AcceptInvite, **CHOICE),
    st.builds(RedeemPasswordReset, **CHOICE),
    st.builds(DeleteUser, user_id=IDS),
    st.builds(ChangeRole, user_id=IDS, role=ROLES),
    st.builds(DeactivateUser, user_id=IDS),
    st.builds(ReactivateUser, user_id=IDS),
    st.builds(
        ResetPassword,
        user_id=IDS,
        credential=CREDENTIALS,
        password_hash=st.just("h"),
    ),
)


def fold(events, boundary=None):
    state = users.Users()
    for item in history(*events):
        if boundary is None or within(boundary, item.event):
            state = users.evolve(state, item)
    return state


def decide(state, command):
    try:
        return list(DECIDERS[type(command)].decide(state, command))
    except (Refused, ValueError) as refusal:
        return type(refusal)


@given(st.lists(st.one_of(COMMANDS, st.just(restored())), max_size=30))
def test_the_boundary_holds_all_that_a_decision_depends_on(commands):
    log = [created()]
    for command in commands:
        if isinstance(command, Event):
            log.append(command)
            continue
        bounded = decide(fold(log, DECIDERS[type(command)].boundary(command)), command)
        assert decide(fold(log), command) == bounded
        if isinstance(bounded, list):
            log.extend(bounded)
            assert [] == decide(fold(log), command)
        state = fold(log)
        assert state.admins >= 1
        assert len(state.emails) == len(state.accounts)
        assert set(state.links) <= set(state.accounts)
