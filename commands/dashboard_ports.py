"""What dashboards need from outside: Metabase's own interface. `infra` has it."""

from typing import Protocol


class DashboardSessions(Protocol):
    """Sessions in Metabase, one for each of ours."""

    async def session(self, via: str, user_id: str, *, stale: str | None = None) -> str | None:
        """The session of one of ours, or None where there are no accounts; not the stale one."""
        ...


class Dashboards(Protocol):
    """Metabase, as its administrator. All but `healthy` raise UpstreamFailed when it fails."""

    @property
    def url(self) -> str:
        """Where it is: scheme, host and port."""
        ...

    @property
    def bridged(self) -> bool:
        """Whether we are told who its administrator is, so that accounts can be made."""
        ...

    async def healthy(self) -> bool:
        """Whether it answers; what was so a moment ago counts."""
        ...

    async def open(self, email: str, password: str) -> int:
        """Make an account, or take ours of before, with this password; answers its id."""
        ...

    async def admit(self, account: int, *, asks: bool) -> None:
        """Have an account among those who may ask our warehouse there, or not among them."""
        ...

    async def close(self, account: int) -> None:
        """Deactivate an account."""
        ...

    async def log_in(self, email: str, password: str) -> str:
        """Begin a session; answers its id. Raises ProofRefused."""
        ...

    async def log_out(self, session: str) -> None:
        """End a session."""
        ...

    async def connect(self, site_url: str) -> int:
        """Have our warehouse among its databases, asked by those alone who were admitted.

        Answers that one's id. A Metabase that nobody has set up yet is.
        """
        ...
