"""The connections to other servers that requests are passed on to; see proxying.py."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import httpx

CONNECTIONS_MAX: Final = 100  # to all servers together
IDLE_MAX: Final = 20  # connections that are kept for the next request
IDLE_S: Final = 3.0  # less than others keep theirs, so that none is used while it is closed


class Passage:
    """The connections to other servers; they are kept for a moment."""

    def __init__(self) -> None:
        self._transport: httpx.AsyncHTTPTransport | None = None

    def transport(self) -> "httpx.AsyncHTTPTransport":
        """Without a proxy of the environment's, cookies, or redirects that are followed."""
        import httpx

        if self._transport is None:
            limits = httpx.Limits(
                max_connections=CONNECTIONS_MAX,
                max_keepalive_connections=IDLE_MAX,
                keepalive_expiry=IDLE_S,
            )
            self._transport = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
        return self._transport

    async def close(self) -> None:
        """Let go of all connections."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()
