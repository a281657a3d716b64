"""/query: a statement, its first rows, what can be asked, and what one has asked before."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from litestar import Response

from api import errors, queries, saved_queries
from api.call import Call
from api.pages import askable, faults, forms, plots, render, words
from commands.ports import ResultFormat
from domain.queries import QueryExecuted
from domain.saved_queries import NAME_CHARS_MAX
from projections import audit, models, sources

ROWS_SHOWN: Final = 500  # on the page; a download has them all
HISTORY_SHOWN: Final = 20
SAVED_SHOWN: Final = 200
SQL_SHOWN: Final = 2_000  # characters of a statement of the history
CHART: Final = ("chart", "x", "y")  # the fields that choose one
QUERY: Final = "query"  # the vault's kind of a statement's text

_rows: Final = msgspec.json.Decoder(list[list[Any]])


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One of one's own statements, and what became of it."""

    position: int
    sql: str
    outcome: str
    rows: int
    duration_ms: int
    at: Any


class Asking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form."""

    sql: str = ""
    as_of: str | None = None
    format: ResultFormat | None = None
    saved: str = ""  # the id of the saved query that is open
    chart: plots.Kind | None = None  # what is drawn of the answer, of which columns
    x: str = ""
    y: str = ""
    name: str = ""  # what is typed to save it by, and whether to share it; they stay in the form
    shared: str = ""


async def query_page(call: Call) -> Response[str]:
    """Show where one asks; where Metabase is set up, lead there."""
    settings, given = call.platform.settings, call.request.query_params
    if settings.metabase and given.get("embedded") != "1" and "saved" not in given:
        return render.found(settings.metabase_url)
    forms.convert(_charted(given), Asking)
    saved = given.get("saved", "")
    opened = await saved_queries.one_saved(call, saved) if saved and call.as_of is None else None
    asked = {} if opened is None else {"saved": opened.id, "sql": opened.sql}
    return await show(call, {**asked, **given})


async def run(call: Call) -> Response[Any]:
    """Answer a statement on the page, or as a file."""
    given = await forms.filled(call)
    try:
        asking = forms.convert(given, Asking)
        kind = asking.format or ResultFormat.JSON
        body = queries.QueryBody(sql=asking.sql, as_of=asking.as_of, format=kind)
        answer = await queries.run_query(call, body)
    except errors.TOLD as refused:
        return await show(call, given, refused)
    if isinstance(answer, Response):
        return answer
    return await show(call, given, answer=answer)


async def cancel(call: Call, query_id: str) -> Response[str]:
    """End a query that runs or waits."""
    await forms.read(call)
    doing = queries.cancel_query(call, query_id)
    return await forms.done(doing, "/query?embedded=1", partial(show, call, {}))


def saved_path(query_id: str, given: Mapping[str, str] | None = None) -> str:
    """The page with a saved query open, and its chart; it is the link to share, too."""
    return f"/query?{urlencode({'saved': query_id, **_charted(given or {})})}"


def _charted(given: Mapping[str, str]) -> dict[str, str]:
    """What is said of a chart; nothing where none is wanted."""
    return {name: given[name] for name in CHART if name in given} if given.get("chart") else {}


async def show(
    call: Call,
    given: Mapping[str, str],
    refused: Exception | None = None,
    *,
    answer: queries.QueryAnswer | None = None,
) -> Response[str]:
    """The page with what its form was filled with; with an answer, or what was wrong."""
    if call.changes and call.as_of is None:
        call.views = call.platform.views.current  # what was just asked shows
    settings, sql = call.platform.settings, given.get("sql", "")
    saved = saved_queries.every(call)[:SAVED_SHOWN] if call.as_of is None else []
    # Ten thousand rows as a line take 30 ms.
    shown = await asyncio.to_thread(_shown, answer, given) if answer else _shown(None, given)
    return forms.form_page(
        call,
        "query.html",
        "Query",
        refused,
        at="/query",
        sql=sql,
        fault=None if refused is None else faults.find(sql, errors.told(refused)[2]),
        saved=saved,
        saved_then=[] if call.as_of is None else saved_queries.then(call, SAVED_SHOWN),
        opened=next((each for each in saved if each.id == given.get("saved")), None),
        typed=given.get("name"),
        may_delete=call.caller.may(saved_queries.ENDS_ANY),
        name_chars_max=NAME_CHARS_MAX,
        answer=answer,
        **shown,
        formats=[kind.value for kind in ResultFormat if kind is not ResultFormat.JSON],
        tables=call.views.kept((*models.READ, *sources.READ), askable.tables) or (),
        functions=settings.query_functions,
        running=[] if call.as_of is not None else (await queries.list_running(call)).queries,
        history=_history(call),
        rows_max=settings.query_rows_max,
        timeout_s=settings.query_timeout_s,
        bytes_max=queries.SQL_BYTES_MAX,
        now=call.views.now,
    )


def _shown(answer: queries.QueryAnswer | None, given: Mapping[str, str]) -> dict[str, Any]:
    """The first rows of an answer, as text, and its chart; `chart_part` is that of a link."""
    charted, plot, x, y = _charted(given), None, given.get("x", ""), given.get("y", "")
    rows = [] if answer is None else _rows.decode(answer.rows)
    if answer is not None and rows:
        columns, types = answer.columns, answer.types
        x, y = plots.axes(columns, rows, x, y)
        if charted:
            kind = plots.Kind(charted["chart"])
            plot = plots.draw(kind, x, y, columns=columns, types=types, rows=rows)
            charted = {"chart": str(kind), "x": x, "y": y}
    return {
        "rows": [[words.cell(value) for value in row] for row in rows[:ROWS_SHOWN]],
        "plot": plot,
        "plot_size": (plots.WIDTH, plots.HEIGHT),
        "charted": charted,
        "chart_part": f"&{urlencode(charted)}" if charted else "",
        "x": x,
        "y": y,
    }


def _history(call: Call) -> list[Asked]:
    """The caller's own newest statements."""
    wanted = audit.Filter(actor=call.caller.actor, types=("query_executed",))
    found = []
    for position in audit.positions(call.views, wanted, HISTORY_SHOWN):
        read = call.platform.history.get(position)
        event = None if read is None else read[0].event
        if read is None or not isinstance(event, QueryExecuted):
            continue
        text = call.platform.secrets.read(QUERY, event.query_id) or b""
        found.append(
            Asked(
                position=position,
                sql=text.decode()[:SQL_SHOWN],
                outcome=event.outcome,
                rows=event.rows,
                duration_ms=event.duration_ms,
                at=read[0].at,
            )
        )
    return found
