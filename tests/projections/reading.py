"""given(*events) folds a history into all views and answers a reader, of now or of the past."""

import contextlib
import itertools
import tempfile
from pathlib import Path

from domain.registry import EVENTS
from infra.views.views import Current, Past
from projections.table import PROJECTIONS
from tests.decisions import NOW, history
from tests.folding import build

TABLES = tuple(table for projection in PROJECTIONS for table in projection.tables)


@contextlib.contextmanager
def reading():
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        numbers = itertools.count()

        def given(*events, as_of=None):
            path = folder / f"views-{next(numbers)}.db"
            build(path, PROJECTIONS, EVENTS, history(*events))
            if as_of is None:
                return stack.enter_context(contextlib.closing(Current(path, lambda: NOW)))
            past = stack.enter_context(contextlib.closing(Past(path, lambda: NOW, TABLES)))
            return past.at(as_of, NOW)

        yield given
