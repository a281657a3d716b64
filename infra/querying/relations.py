"""The tables and views that a query may read, by name as the engine compares names."""

import difflib
from collections.abc import Iterable
from typing import NamedTuple

SCHEMA_OF_BARE_NAMES = "main"
NAME_CHARS_MAX = 200  # of a name that others are compared with


class Relation(NamedTuple):
    """A table or view of the warehouse."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


class Published:
    """All relations that may be read; everything else does not exist for a query."""

    def __init__(
        self, catalog: str, relations: Iterable[Relation], *, source: str | None = None
    ) -> None:
        """`catalog`: its name in statements. `source`: where the tables lie, if elsewhere."""
        self._catalog = fold(catalog)
        self.source = source or catalog
        self._by_name = {(fold(r.schema), fold(r.name)): r for r in relations}

    def find(self, catalog: str, schema: str, name: str) -> Relation | None:
        """Look up a name as it was written; an empty part was not written."""
        if catalog and fold(catalog) != self._catalog:
            return None
        return self._by_name.get((fold(schema or SCHEMA_OF_BARE_NAMES), fold(name)))

    def like(self, schema: str, name: str) -> Relation | None:
        """Give the relation that was probably meant, for an error message."""
        bare = [r for (_, n), r in self._by_name.items() if n == fold(name)]
        if bare:
            return bare[0]
        spelled = {str(r) if schema else r.name: r for r in self._by_name.values()}
        written = f"{schema}.{name}" if schema else name
        close = difflib.get_close_matches(written[:NAME_CHARS_MAX], spelled, n=1)
        return spelled[close[0]] if close else None

    def all(self, schema: str | None = None) -> list[Relation]:
        """Give all of them, or those of one schema, in order."""
        found = self._by_name.values()
        return sorted(r for r in found if schema is None or fold(r.schema) == fold(schema))


def fold(name: str) -> str:
    """Lower the ASCII letters alone, as the engine does when it compares identifiers."""
    return name.encode().lower().decode()
