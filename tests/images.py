"""All rows of all views, live, folded anew, event by event and looked back at: they must agree."""

import contextlib

from infra.views.store import Store, connect, differences
from tests.folding import build


def image(execute, tables):
    """Every table's rows, in the order of their keys."""
    return {
        table.name: execute(f"SELECT * FROM {table.name} ORDER BY {', '.join(table.key)}")
        for table in tables
    }


class Images:
    def __init__(self, core):
        self.core, self.tables = core, core.tables

    def agree(self):
        events = self.core.stored()
        stepwise, moments = self._stepwise(events)
        for position, expected in moments.items():
            with self.core.views.past(position, self.core.clock()) as past:
                assert expected == image(past.rows, self.tables), f"as of {position}"
        assert moments[events[-1].position] == image(self.core.views.current.rows, self.tables)
        first, second = (self._folded(name, events) for name in ("first", "second"))
        assert [] == self._compared(self.core.views.path, first)
        assert [] == self._compared(first, second)
        assert [] == self._compared(first, stepwise)

    def _stepwise(self, events):
        """A file folded event by event, and what all rows were after each."""
        path, moments = self.core.folder / "stepwise.db", {}
        store = Store.create(path, self.core.projections, self.core.views.events)
        with contextlib.closing(store):
            for item in events:
                store.apply([item])
                rows = store._database.execute
                moments[item.position] = image(lambda sql, r=rows: r(sql).fetchall(), self.tables)
            store.finish()
        return path, moments

    def _folded(self, name, events):
        path = self.core.folder / f"{name}.db"
        build(path, self.core.projections, self.core.views.events, events)
        return path

    def _compared(self, one, other):
        with contextlib.closing(connect(one, readonly=True)) as database:
            return list(differences(database, other, self.tables))
