"""Which values a caller is not shown: one answer for all that shows some.

What is personal now was so in the past too, whether a scan had found it by then or not: `as_of`
goes back to what the platform knew, never to what it has learned to hide.
"""

from api.call import Call
from domain.pii import PERMISSION
from projections import pii
from projections.pii import Key


def masked(call: Call) -> frozenset[Key]:
    """Schema, table and column, as published, of what is personal now, or was at the time."""
    then = pii.masked_columns(call.views)
    if call.as_of is None:
        return then
    return then | pii.masked_columns(call.platform.views.current, ever=True)


def hidden(call: Call) -> frozenset[Key]:
    """The same, of which this caller may see no values: nothing for who has `pii.view`."""
    return frozenset() if call.caller.may(PERMISSION) else masked(call)


def of_table(columns: frozenset[Key], schema: str, table: str) -> frozenset[str]:
    """The names of one table's, in lower case: the engine tells no cases apart."""
    wanted = schema.casefold(), table.casefold()
    return frozenset(c.casefold() for s, t, c in columns if (s.casefold(), t.casefold()) == wanted)
