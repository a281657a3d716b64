"""Folding a whole log into a new views file."""

import contextlib
import gc
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from domain.kernel import Event
from infra.log.envelope import Codec
from infra.log.places import archive
from infra.log.port import Place
from infra.views.store import BATCH_EVENTS, Store
from projections.engine import Projection


def fold(
    log: Place,
    path: Path,
    projections: Sequence[Projection],
    types: Sequence[type[Event]],
    *,
    codec: Codec,
    upto: int | None = None,
    told: Callable[[int], None] = lambda _: None,
) -> int:
    """All events, or those up to a position; answers it. `told` hears how far it is.

    Raises Unapplicable, UnknownEvent.
    """
    store, position = Store.create(path, projections, types), 0
    with contextlib.closing(store), _uncollected():
        rows = archive(log).stream(log, upto=upto, types=store.wanted)
        for first in rows:
            batch = itertools.islice(rows, BATCH_EVENTS - 1)
            position = store.fold(itertools.chain((first,), batch), codec)
            told(position)
        store.finish(upto)
    return position if upto is None else upto


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles: rows and events have none, and it takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
