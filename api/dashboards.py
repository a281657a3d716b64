"""/metabase/…: Metabase behind this server, with an account of its own for each of our users."""

from typing import Final

import msgspec

from api import asgi
from api.call import Call
from api.callers import Caller
from api.errors import Denied, lacking
from api.platform import Platform
from api.proxied_sockets import Sockets, Way
from api.proxying import Passed, Unauthorized, Upstream
from commands.dashboards import ConnectDashboards
from domain import dashboards as rules
from projections import dashboards

PREFIX: Final = "/metabase"
SEES: Final = "dashboard.view"
REPLAYED_BYTES_MAX: Final = 1024 * 1024  # a body up to here can be sent a second time
ABSENT: Final = (
    "Metabase is not connected. Start Metabase, write metabase_url: http://localhost:3000 and"
    " who its administrator is into .dango/metabase.yml, and restart the server:"
    " docs/how-to/use-metabase.md tells how."
)
DOWN: Final = (
    "Metabase does not answer. Start it, or correct metabase_url in .dango/metabase.yml; it takes a"
    " minute or two until it is up."
)
POLICY: Final = (
    b"default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval';"
    b" style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; frame-ancestors 'self';"
    b" base-uri 'self'; form-action 'self'; object-src 'none'"
)
ANSWER: Final = ((b"content-security-policy", POLICY), (b"x-frame-options", b"SAMEORIGIN"))


class MetabaseConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which database of Metabase is our warehouse; `configured` is whether Metabase is set up."""

    database_id: int | None
    configured: bool


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """The database that Metabase has our warehouse as."""

    database_id: int


async def config(call: Call) -> MetabaseConfig:
    """Tell Metabase's database id."""
    platform = call.platform
    found = dashboards.database(call.views) or platform.settings.metabase_database
    return MetabaseConfig(database_id=found, configured=platform.dashboards is not None)


async def connect(call: Call) -> Connected:
    """Have Metabase know our warehouse as one of its databases."""
    platform = call.platform
    if platform.dashboards is None:
        raise Denied(409, ABSENT)
    database = await platform.dashboards.connect(platform.settings.base_url + PREFIX)
    await call.send(ConnectDashboards(database=database))
    return Connected(database_id=database)


async def status(platform: Platform) -> str:
    """Metabase's part of the server's status."""
    if platform.dashboards is None:
        return "not_found"
    return "healthy" if await platform.dashboards.healthy() else "unhealthy"


async def passed(call: Call, file_path: str = "") -> "Bridged":
    """Pass a request on to Metabase, as the caller's own account there."""
    del file_path  # as it came, in the scope
    if call.platform.dashboards is None:
        raise Denied(502, ABSENT)
    _as_narrow_as_there(call.caller)
    return Bridged(call)


def _as_narrow_as_there(caller: Caller) -> None:
    """The account in Metabase is its owner's: a key that was narrowed would reach further."""
    if caller.role is None or not rules.may_ask(caller.role):
        return
    for name in rules.ASKS:
        if not caller.may(name):
            raise lacking(name)


async def root(call: Call) -> "Bridged":
    """Pass a request on to Metabase, as the caller's own account there."""
    return await passed(call)


class Bridged:
    """One request, passed on; once more with a new session, when Metabase forgot the old one."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """As the framework's answers are called."""
        length = int(asgi.header(scope, "content-length") or 0)
        chunked = asgi.header(scope, "transfer-encoding") is not None
        again = length <= REPLAYED_BYTES_MAX and not chunked
        if again:
            receive = await _replayed(receive)
        session = await _session(self._call)
        try:
            await self._passed(session, again=again and session is not None)(scope, receive, send)
        except Unauthorized:
            renewed = await _session(self._call, stale=session)
            receive = await _rewound(receive)
            await self._passed(renewed, again=False)(scope, receive, send)

    def _passed(self, session: str | None, *, again: bool) -> Passed:
        path = bytes(self._call.request.scope["raw_path"])
        return Passed(
            self._call.platform.passage,
            _upstream(self._call.platform, session),
            _below(path),
            again=again,
        )


class _Replay:
    """A request's body, which can be taken more than once."""

    def __init__(self, body: bytes, receive: asgi.Receive) -> None:
        self._body, self._receive, self._given = body, receive, False

    async def __call__(self) -> asgi.Message:
        """The body, then what comes behind it."""
        if self._given:
            return await self._receive()
        self._given = True
        return {"type": "http.request", "body": self._body, "more_body": False}

    def rewind(self) -> None:
        self._given = False


async def _replayed(receive: asgi.Receive) -> _Replay:
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Denied(400, "The request ended before it was whole.")
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return _Replay(bytes(body), receive)


async def _rewound(receive: asgi.Receive) -> asgi.Receive:
    if isinstance(receive, _Replay):
        receive.rewind()
    return receive


def sockets(platform: Platform) -> Sockets:
    """Metabase's sockets; without an account of one's own, since it takes none there."""

    def way(caller: Caller, scope: asgi.Scope) -> Way:
        if not caller.may(SEES):
            raise lacking(SEES)
        if platform.dashboards is None:
            raise Denied(502, ABSENT)
        path = _below(bytes(scope["raw_path"]))
        return Way(upstream=_upstream(platform, None), path=path, target=platform.dashboards.url)

    return Sockets(platform, way, (rules.DashboardAccountClosed,))


async def _session(call: Call, stale: str | None = None) -> str | None:
    """The caller's session in Metabase; None for who is no user. Raises UpstreamFailed."""
    caller, sessions = call.caller, call.platform.dashboard_sessions
    if caller.user_id is None or sessions is None:
        return None
    return await sessions.session(caller.via, caller.user_id, stale=stale)


def _upstream(platform: Platform, session: str | None) -> Upstream:
    if platform.dashboards is None:
        raise Denied(502, ABSENT)
    shown = () if session is None else ((b"x-metabase-session", session.encode("ascii")),)
    url = platform.dashboards.url
    return Upstream(url=url, headers=shown, answer=ANSWER, prefix=PREFIX, down=DOWN)


def _below(path: bytes) -> bytes:
    """What Metabase calls a path: it stands at the root of its own."""
    prefix = PREFIX.encode()
    if path == prefix or path.startswith(prefix + b"/"):
        return path[len(prefix) :] or b"/"
    return path
