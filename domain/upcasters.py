"""Old shapes of events, made new. The only place that knows them.

A change that only adds a field with a default needs nothing here. Any other change raises the
event's `version` and adds a row: (type, old version) -> a function from the old fields to those of
the next version. Rows are never removed.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

Fields = dict[str, Any]
Upcast = Callable[[Fields], Fields]
Upcasters = Mapping[tuple[str, int], Upcast]

UPCASTERS: Final[Upcasters] = {}


def upcast(upcasters: Upcasters, kind: str, version: int, fields: Fields) -> tuple[Fields, int]:
    """Lead `fields` of an event stored as `version` through every step that is known for it.

    Answers the fields and the version that they have reached.
    """
    while (step := upcasters.get((kind, version))) is not None:
        fields = step(fields)
        version += 1
    return fields, version
