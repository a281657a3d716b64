"""/logs: what happened, in words: by level, source and text, each line with a link of its own."""

from typing import Final
from urllib.parse import urlencode

from litestar import Response

from api import logs as api
from api import sources as told
from api.call import Call
from api.pages import render
from projections import activity
from projections.activity import Entry

LINES_SHOWN: Final = 200
FILTERS: Final = ("level", "source", "q")


async def logs_page(call: Call) -> Response[str]:
    """Show what happened, in words."""
    query = call.request.query_params
    given = {name: query[name] for name in FILTERS if query.get(name)}
    entries = activity.newest(
        call.views,
        LINES_SHOWN + 1,
        given.get("source"),
        level=told.log_level(given.get("level")),
        text=api.log_text(given.get("q")),
    )
    known = call.caller.role is not None
    shown = entries[:LINES_SHOWN]
    return render.page(
        call,
        "logs.html",
        "Activity",
        lines=[(entry, told.words(entry, tell_errors=known)) for entry in shown],
        older=_older(shown, given) if len(entries) > LINES_SHOWN else None,
        file=f"/api/logs/export?{urlencode(given)}" if given else "/api/logs/export",
        given={name: given.get(name, "") for name in FILTERS},
        filtered=bool(given),
        looked_max=activity.LOOKED_MAX,
        text_chars_max=api.TEXT_CHARS_MAX,
        levels=activity.LEVELS,
    )


def _older(shown: list[Entry], given: dict[str, str]) -> str:
    """What came before the oldest line is what there was to be seen before it."""
    return f"/logs?{urlencode({**given, 'as_of': shown[-1].position - 1})}"
