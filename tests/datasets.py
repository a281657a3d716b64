"""Sources and syncs that tests speak of."""

from domain import datasets, sources, syncs


def source(name="orders", **fields):
    known = {"type": "csv", "schema": f"raw_{name}", "table": name, "fingerprint": "f1"}
    return sources.Source(name=name, **{**known, **fields})


def registered(name="orders", **fields):
    return sources.SourceRegistered(source=name, config=source(name, **fields))


def requested(*names, **fields):
    return syncs.SyncRequested(sources=names or ("orders",), **fields)


def started(job, name="orders"):
    return syncs.SyncStarted(source=name, job=job)


def table(name="orders", rows=3, schema=None):
    columns = (datasets.Column(name="id", type="BIGINT"),)
    schema = schema or f"raw_{name}"
    return datasets.Table(schema=schema, name=name, row_count=rows, columns=columns)


def completed(job, name="orders", *, rows=3, tables=None):
    return syncs.SyncCompleted(
        source=name,
        job=job,
        rows=rows,
        tables=(table(name, rows),) if tables is None else tables,
        snapshot=job,
        duration_s=1.5,
    )


def failed(job, name="orders", **fields):
    fields = {"reason": "no", "file": "a.csv", "line": 7, "duration_s": 0.5, **fields}
    return syncs.SyncFailed(source=name, job=job, **fields)


def cancel_requested(job, name="orders"):
    return syncs.SyncCancelRequested(source=name, job=job)


def cancelled(job, name="orders"):
    return syncs.SyncCancelled(source=name, job=job)


def interrupted(job, name="orders", retry=0):
    return syncs.SyncInterrupted(source=name, job=job, retry=retry)
