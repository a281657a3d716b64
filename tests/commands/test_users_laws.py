"""Laws over any sequence of commands about accounts."""

from hypothesis import given
from hypothesis import strategies as st

from commands.users import (
    DECIDERS,
    ChangeRole,
    CreateUser,
    DeactivateUser,
    ReactivateUser,
    ResetPassword,
)
from domain import users
from domain.kernel import Refused
from domain.permissions import Role
from tests.accounts import created
from tests.decisions import history, within

IDS = st.sampled_from(["anna", "ben", "eve"])
ROLES = st.sampled_from(list(Role))
COMMANDS = st.one_of(
    st.builds(
        CreateUser,
        user_id=IDS,
        email=st.just("x@a.io"),
        email_digest=st.sampled_from(["digest-anna", "digest-ben", "digest-eve"]),
        role=ROLES,
        credential=st.just("c1"),
        password_hash=st.just("h"),
    ),
    st.builds(ChangeRole, user_id=IDS, role=ROLES),
    st.builds(DeactivateUser, user_id=IDS),
    st.builds(ReactivateUser, user_id=IDS),
    st.builds(
        ResetPassword,
        user_id=IDS,
        credential=st.sampled_from(["c2", "c3"]),
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


@given(st.lists(COMMANDS, max_size=30))
def test_the_boundary_holds_all_that_a_decision_depends_on(commands):
    log = [created()]
    for command in commands:
        bounded = decide(fold(log, DECIDERS[type(command)].boundary(command)), command)
        assert decide(fold(log), command) == bounded
        if isinstance(bounded, list):
            log.extend(bounded)
            assert [] == decide(fold(log), command)
        state = fold(log)
        assert state.admins >= 1
        assert len(state.emails) == len(state.active) + len(state.deactivated)
