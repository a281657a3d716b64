"""/notebooks/marimo/…: the editor of a notebook, for who holds its lock, and for nobody else.

What the editor shows is code that people wrote, run by their browser under this server's name; so
whoever may run notebooks is trusted with as much as the server itself. The policy on its answers
keeps a page from asking or telling other hosts.
"""

from typing import Final

from api import asgi
from api.call import Call
from api.callers import Caller
from api.errors import Denied, lacking
from api.notebooks import BASE, base, refresh, runs_out
from api.platform import Platform
from api.proxied_sockets import Sockets, Way
from api.proxying import Passed, Upstream
from commands.policies.notebooks import seen_name
from domain import notebooks as rules
from projections import notebooks
from projections.notebooks import Lock

RUNS: Final = "notebooks.execute"
NOT_LOCKED: Final = "Lock the notebook first: only who holds its lock may edit it."
STARTING: Final = "The notebook's editor is not there yet, or not any more."
POLICY: Final = (
    b"default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:;"
    b" style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; frame-ancestors 'self';"
    b" base-uri 'self'; form-action 'self'; object-src 'none'"
)
ANSWER: Final = (
    (b"content-security-policy", POLICY),
    (b"x-frame-options", b"SAMEORIGIN"),
)


async def editor(call: Call, name: str, file_path: str = "") -> Passed:
    """Pass a request on to the editor of a notebook that one has locked."""
    del file_path  # as it came, in the scope
    scope = call.request.scope
    way = find(call.platform, call.caller, name, bytes(scope["raw_path"]))
    way.used()
    return Passed(call.platform.passage, way.upstream, way.path)


async def editor_root(call: Call, name: str) -> Passed:
    """Pass a request on to the editor of a notebook that one has locked."""
    return await editor(call, name)


def sockets(platform: Platform) -> Sockets:
    """The sockets of all editors."""

    def way(caller: Caller, scope: asgi.Scope) -> Way:
        if not caller.may(RUNS):
            raise lacking(RUNS)
        name = str(scope["path"]).removeprefix(f"{BASE}/").partition("/")[0]
        return find(platform, caller, name, bytes(scope["raw_path"]))

    return Sockets(platform, way, (*rules.LOCK_ENDS, rules.NotebookSessionEnded))


def find(platform: Platform, caller: Caller, name: str, path: bytes) -> Way:
    """The way to an editor. Raises Denied."""
    held = notebooks.lock(platform.views.current, name)
    if held is None or held.holder != caller.actor:
        raise Denied(409, NOT_LOCKED, error_code="lock_not_held")
    if runs_out(platform, held) <= platform.clock():
        raise Denied(409, NOT_LOCKED, error_code="lock_not_held")
    sessions = platform.notebook_sessions
    place = None if sessions is None else sessions.place(held.lock)
    if place is None:
        raise Denied(503, STARTING, retry_after=1)
    upstream = Upstream(
        url=place.url,
        headers=((b"authorization", b"Bearer " + place.token.encode()),),
        answer=ANSWER,
        prefix=base(name),
        down="The notebook's editor does not answer.",
    )
    return Way(
        upstream=upstream,
        path=path,
        target=held.lock,
        used=lambda: refresh(platform, held),
        alive=lambda: _alive(platform, held),
    )


def _alive(platform: Platform, held: Lock) -> None:
    """An open socket keeps the lock, but is no work: an editor that nobody asks anything ends."""
    platform.seen.touch(seen_name(held.lock), platform.clock())
