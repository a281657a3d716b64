"""What the forms about saved queries do: the commands of the API, under the same guard."""

from functools import partial
from typing import Any, Final

from litestar import Response

from api import errors
from api import saved_queries as api
from api.call import Call
from api.pages import forms, queries, render

ASKED: Final = frozenset(
    {"as_of", "format", "saved", *queries.CHART}
)  # of the same form, and of no use here


async def save(call: Call) -> Response[str]:
    """Save a statement by a name."""
    given = await forms.filled(call)
    try:
        made = await api.save_query(call, forms.convert(_told(given), api.NewSaved))
    except errors.TOLD as refused:
        return await queries.show(call, given, refused)
    return render.see_other(queries.saved_path(made.id, given))


async def change(call: Call, query_id: str) -> Response[str]:
    """Change a saved query."""
    given = await forms.filled(call)
    try:
        await api.change_saved(call, query_id, forms.convert(_told(given), api.SavedChange))
    except errors.TOLD as refused:
        return await queries.show(call, given, refused)
    return render.see_other(queries.saved_path(query_id, given))


async def delete(call: Call, query_id: str) -> Response[str]:
    """Delete a saved query."""
    await forms.read(call)
    doing = api.delete_saved(call, query_id)
    return await forms.done(doing, "/query?embedded=1", partial(queries.show, call, {}))


def _told(given: dict[str, str]) -> dict[str, Any]:
    """A box that is not ticked is not sent."""
    kept = {name: value for name, value in given.items() if name not in ASKED}
    return {**kept, "shared": kept.pop("shared", "") == forms.TICKED}
