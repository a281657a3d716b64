"""Events of a log, and events as views, without any of the machinery around them."""

import contextlib

from infra.log.places import archive
from infra.views.store import BATCH_EVENTS, Store


def replay(codec, log, *, upto=None):
    """All events, decoded, from the first to the last or to `upto`."""
    for position, kind, _, data in archive(log).stream(log, upto=upto):
        yield codec.open(position, kind, data)


def build(path, projections, types, events):
    """Fold events into a new file, in large transactions; answers the position reached."""
    store = Store.create(path, projections, types)
    with contextlib.closing(store):
        position, batch = 0, []
        for recorded in events:
            batch.append(recorded)
            if len(batch) == BATCH_EVENTS:
                position = store.apply(batch)
                batch.clear()
        if batch:
            position = store.apply(batch)
        store.finish()
    return position
