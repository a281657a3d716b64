"""Templates and the answers made of them: one shell around every page, fragments without it.

A page that is asked for with `X-Fragments: 1` comes without its shell, for the script that keeps an
open page up to date; such an answer has an ETag, so that what has not changed is not sent again.
"""

import functools
import gzip
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import Response
from litestar.enums import MediaType

from api import asgi
from api.call import Call
from api.pages import navigation, people, static, words
from api.table import NOW_ONLY

if TYPE_CHECKING:
    import minijinja

TEMPLATES: Final = Path(__file__).parents[1] / "templates"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types dango"
)
FRAGMENTS: Final = "x-fragments"
ETAG_DIGITS: Final = 32
THEME: Final = "dango_theme"  # a cookie
THEMES: Final = ("light", "dark")
PACKED_BYTES_MIN: Final = 1_400  # what fits into one packet is as fast
PACKED: Final = 1  # a millisecond for the largest pages; the best would take two, for a tenth less


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds a page."""

    title: str
    path: str
    version: str
    project: str = ""
    caller: str | None = None  # None: nobody is logged in
    role: str = ""
    session: bool = False  # somebody logged in, and can log out
    audits: bool = False
    menu: list[navigation.Link] = []
    settings: list[navigation.Link] = []
    position: int | None = None  # that the rows stand for; None: the page shows no rows
    head: int = 0
    as_of: int | None = None
    moment: str = ""  # of the past position
    live: bool = False
    after: int = 0  # from which on the script listens
    fragments: bool = False
    theme: str = ""  # light or dark; empty: as the browser has it
    keep: list[tuple[str, str]] = []  # of the query, what travelling in time does not change

    def link(self, path: str) -> str:
        """A link to a page, at the same point in time."""
        if self.as_of is None:
            return path
        where, mark, part = path.partition("#")
        return f"{where}{'&' if '?' in where else '?'}as_of={self.as_of}{mark}{part}"


def page(
    call: Call, template: str, title: str, *, status: int = 200, at: str = "", **values: Any
) -> Response[str]:
    """A page as the caller may see it; `at` is its own path, when a form's answer shows it."""
    fragments = FRAGMENTS in call.request.headers
    shell = _shell(call, title, at, fragments=fragments)
    body = _render(template, shell, values).encode()
    headers = {"content-security-policy": POLICY, "vary": "X-Fragments, Cookie, Accept-Encoding"}
    if fragments:
        etag = f'"{hashlib.sha256(body).hexdigest()[:ETAG_DIGITS]}"'
        headers |= {"etag": etag, "cache-control": "no-store"}
        if status == 200 and call.request.headers.get("if-none-match") == etag:  # noqa: PLR2004
            return Response("", status_code=304, media_type=MediaType.HTML, headers=headers)
    return _sent(call, body, status, headers)


def _sent(call: Call, body: bytes, status: int, headers: dict[str, str]) -> Response[Any]:
    """The answer, a tenth of its size for whoever takes it so.

    Nothing is packed that is shown once: how small it gets would tell of it to who can put words
    beside it.
    """
    packs = "gzip" in (asgi.header(call.request.scope, "accept-encoding") or "")
    if packs and len(body) >= PACKED_BYTES_MIN and not call.route.shows_secret:
        headers["content-encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=PACKED, mtime=0)
    return Response(body, status_code=status, media_type=MediaType.HTML, headers=headers)


def bare(template: str, title: str, *, status: int, version: str, **values: Any) -> Response[str]:
    """A page about which nothing is known but what it says."""
    shell = Shell(title=title, path="", version=version)
    headers = {"content-security-policy": POLICY}
    return Response(
        _render(template, shell, values),
        status_code=status,
        media_type=MediaType.HTML,
        headers=headers,
    )


def see_other(where: str) -> Response[str]:
    """The answer to a form that was carried out: look there."""
    return Response("", status_code=303, media_type=MediaType.HTML, headers={"location": where})


def found(where: str) -> Response[str]:
    """The answer to who asks for a page where it is not: it is there."""
    return Response("", status_code=302, media_type=MediaType.HTML, headers={"location": where})


def _shell(call: Call, title: str, at: str, *, fragments: bool) -> Shell:
    platform, caller = call.platform, call.caller
    path = at or call.request.url.path
    signed_in = caller.role is not None
    shows = call.route.always_now is None and call.route.needs_views
    position = call.views.position if shows else None
    follows = position is not None or call.route.always_now == NOW_ONLY
    return Shell(
        title=title,
        path=path,
        version=platform.version,
        project=platform.settings.project_name,
        caller=people.own_name(call) if signed_in else None,
        role=str(caller.role or ""),
        session=caller.session_id is not None,
        audits=caller.may("audit.view"),
        menu=navigation.links(navigation.MENU, caller, path),
        settings=navigation.links(navigation.SETTINGS, caller, path),
        position=position,
        head=0 if position is None else platform.views.current.position,
        as_of=call.as_of,
        moment="" if call.as_of is None else words.stamp(call.views.now),
        live=follows and call.as_of is None and signed_in and not call.changes,
        after=platform.history.head() if position is None else position,
        fragments=fragments,
        theme=theme(call),
        keep=[
            (name, value)
            for name, value in call.request.query_params.multi_items()
            if name not in ("as_of", "before", "after", "verify")
        ],
    )


def theme(call: Call) -> str:
    """Which of the THEMES was chosen in this browser; empty for none."""
    chosen = call.request.cookies.get(THEME, "")
    return chosen if chosen in THEMES else ""


def _render(template: str, shell: Shell, values: dict[str, Any]) -> str:
    return environment().render_template(
        template, **values, page=shell, link=shell.link, layout=_layout(shell)
    )


def _layout(shell: Shell) -> str:
    return "fragments.html" if shell.fragments else "base.html"


@functools.cache
def environment() -> "minijinja.Environment":
    """The templates; each is compiled when it is first used."""
    import minijinja

    found = minijinja.Environment(
        loader=_load,
        undefined_behavior="strict",
        trim_blocks=True,
        lstrip_blocks=True,
        filters={
            "status_word": words.status_word,
            "status_shape": words.status_shape,
            "level_shape": words.level_shape,
            "human": words.human,
            "brief": words.brief,
            "service": words.service,
            "age": words.age,
            "left": words.left,
            "stamp": words.stamp,
            "iso": words.iso,
            "seconds": words.seconds,
            "step": words.step,
            "number": words.number,
            "plural": words.plural,
            "signed": words.signed,
            "size": words.size,
            "pretty": words.pretty,
        },
        globals={"static": static.url},
    )
    found.add_global("icons", static.known(static.SPRITE))
    return found


def _load(name: str) -> str | None:
    path = TEMPLATES / name
    return path.read_text(encoding="utf-8") if path.is_file() else None


def wants_fragments(scope: Any) -> bool:
    """Whether the script asks, not the browser."""
    return any(name == FRAGMENTS.encode() for name, _ in scope["headers"])
