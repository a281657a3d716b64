"""A session in Metabase for each of ours, which ends with it; an account for each user.

Its id stays in this process: no browser ever has it, and a restart forgets it. An account's name
is made of the user's id and nothing else, so that nothing personal is kept elsewhere.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from commands.dashboard_ports import Dashboards
from commands.dashboards import PASSWORD, CloseDashboardAccount, OpenDashboardAccount
from commands.kernel import Bus, Origin, Secrets
from commands.ports import ProofRefused, WorkFailed
from domain import api_keys, sessions, users
from domain.kernel import Event, Recorded
from domain.users import UserId

SESSIONS_MAX: Final = 2_000
ORIGIN: Final = Origin(actor="policy:dashboards", via="policy", correlation="dashboards")

_log = logging.getLogger("dango.dashboards")


def email_of(user_id: str) -> str:
    """The name of a user's account in Metabase: an address that never is one (RFC 2606)."""
    return f"user-{user_id}@dango.invalid"


class DashboardPolicy:
    """Begins sessions when they are asked for, ends them when ours end."""

    name = "dashboards"
    types: tuple[type[Event], ...] = (
        sessions.SessionEnded,
        api_keys.ApiKeyRevoked,
        users.UserRoleChanged,
        *sessions.ENDS_ALL,
    )
    begins_at_head = True
    problem: str | None = None

    def __init__(
        self,
        bus: Bus,
        dashboards: Dashboards | None,
        secrets: Secrets,
        *,
        new_token: Callable[[], str],
        account: Callable[[str], int | None],
        asks: Callable[[str], bool],
    ) -> None:
        """`account` tells a user's account, as the log knows it; `asks` if they may ask there."""
        self._bus, self._dashboards, self._secrets = bus, dashboards, secrets
        self._new_token, self._account, self._asks = new_token, account, asks
        self._sessions: OrderedDict[str, tuple[str, str]] = OrderedDict()  # by ours: user, theirs
        self._turn = asyncio.Lock()

    async def session(self, via: str, user_id: str, *, stale: str | None = None) -> str | None:
        """The session in Metabase of one of ours; None where no accounts are made.

        `stale` is one that Metabase does not know any more. Raises UpstreamFailed.
        """
        if self._dashboards is None or not self._dashboards.bridged:
            return None
        async with self._turn:
            found = self._sessions.get(via)
            if found is not None and found[1] != stale:
                return found[1]
            begun = await self._begin(user_id)
            self._sessions[via] = user_id, begun
            self._sessions.move_to_end(via)
        while len(self._sessions) > SESSIONS_MAX:
            await self._end(next(iter(self._sessions)))
        return begun

    async def _begin(self, user_id: str) -> str:
        assert self._dashboards is not None  # noqa: S101 - for the type checker
        email, password = email_of(user_id), self._secrets.read(PASSWORD, user_id)
        account = self._account(user_id)
        if password is not None and account is not None:
            try:
                session = await self._dashboards.log_in(email, password.decode())
            except ProofRefused:
                _log.warning("Metabase does not take the password of an account of ours any more")
            else:
                await self._dashboards.admit(account, asks=self._asks(user_id))
                return session
        new = self._new_token()
        account = await self._dashboards.open(email, new)
        command = OpenDashboardAccount(user_id=UserId(user_id), account=account, password=new)
        if self._account(user_id) == account:  # the same one, with another password
            await self._bus.send(CloseDashboardAccount(user_id=UserId(user_id)), ORIGIN)
        await self._bus.send(command, ORIGIN)
        await self._dashboards.admit(account, asks=self._asks(user_id))
        return await self._dashboards.log_in(email, new)

    async def recover(self) -> None:
        """As the policy says: nothing is kept over a restart."""

    async def react(self, recorded: Recorded) -> None:
        """As the policy says."""
        match recorded.event:
            case sessions.SessionEnded(session_id=session):
                await self._end(f"session:{session}")
            case api_keys.ApiKeyRevoked(key_id=key):
                await self._end(f"key:{key}")
            case users.UserDeactivated(user_id=user) | users.UserDeleted(user_id=user):
                await self._end_all(user)
                await self._close(user, recorded)
            case users.UserRoleChanged(user_id=user):
                await self._admit(user)
            case event:
                await self._end_all(getattr(event, "user_id", ""))

    async def stop(self) -> None:
        """As the policy says."""
        self._sessions.clear()

    async def _admit(self, user_id: str) -> None:
        """What a role lets ask counts at once; if Metabase does not hear, from the next session."""
        account = self._account(user_id)
        if account is None or self._dashboards is None or not self._dashboards.bridged:
            return
        async with self._turn:
            try:
                await self._dashboards.admit(account, asks=self._asks(user_id))
            except WorkFailed as failed:
                _log.warning("a role could not be told to Metabase: %s", failed.reason)
                await self._end_all(user_id)

    async def _end_all(self, user_id: str) -> None:
        for via in [via for via, (user, _) in self._sessions.items() if user == user_id]:
            await self._end(via)

    async def _end(self, via: str) -> None:
        found = self._sessions.pop(via, None)
        if found is None or self._dashboards is None:
            return
        try:
            await self._dashboards.log_out(found[1])
        except WorkFailed as failed:
            # Nobody has its id any more: it ends by its own time.
            _log.warning("a session in Metabase could not be ended: %s", failed.reason)

    async def _close(self, user_id: UserId, recorded: Recorded) -> None:
        account = self._account(user_id)
        if account is None or self._dashboards is None or not self._dashboards.bridged:
            return
        try:
            await self._dashboards.close(account)
        except WorkFailed as failed:
            _log.warning("account %s in Metabase could not be closed: %s", account, failed.reason)
            return
        origin = Origin(
            actor=ORIGIN.actor,
            via=ORIGIN.via,
            correlation=recorded.correlation,
            causation=recorded.id,
        )
        await self._bus.send(CloseDashboardAccount(user_id=user_id), origin)
