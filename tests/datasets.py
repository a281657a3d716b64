"""Sources and syncs that tests speak of."""

from domain import datasets, sources, syncs


def source(name="orders", **fields):
    known = {"type": "csv", "schema": f"raw_{name}", "table": name, "fingerprint": "f1"}
    if fields.get("type", "csv") == "csv":
        known["options"] = {"directory": f"data/{name}"}
    return sources.Source(name=name, **{**known, **fields})


def registered(name="orders", **fields):
    return sources.SourceRegistered(source=name, config=source(name, **fields))


def requested(*names, **fields):
    return syncs.SyncRequested(sources=names or ("orders",), **fields)


def started(job, name="orders", schema=None):
    return syncs.SyncStarted(source=name, job=job, schema=schema or f"raw_{name}", table=name)


def table(name="orders", rows=3, schema=None):
    columns = (datasets.Column(name="id", type="BIGINT"),)
    schema = schema or f"raw_{name}"
    return datasets.Table(schema=schema, name=name, row_count=rows, columns=columns)


def file(path="a.csv", size_bytes=10, sha256="ab"):
    return datasets.File(path=path, size_bytes=size_bytes, sha256=sha256, rows=1)


def completed(job, name="orders", *, rows=3, tables=None, **fields):
    known = {"snapshot": job, "duration_s": 1.5, "schema": f"raw_{name}", "rejected": 0}
    fields = {**known, **fields}
    tables = (table(name, rows),) if tables is None else tables
    return syncs.SyncCompleted(source=name, job=job, rows=rows, tables=tables, **fields)


def failed(job, name="orders", **fields):
    known = {"reason": "no", "file": "a.csv", "line": 7, "duration_s": 0.5}
    fields = {**known, "schema": f"raw_{name}", **fields}
    return syncs.SyncFailed(source=name, job=job, **fields)


def cancel_requested(job, name="orders"):
    return syncs.SyncCancelRequested(source=name, job=job)


def cancelled(job, name="orders", schema=None):
    schema = f"raw_{name}" if schema is None else schema
    return syncs.SyncCancelled(source=name, job=job, schema=schema)


def interrupted(job, name="orders", retry=0):
    return syncs.SyncInterrupted(source=name, job=job, schema=f"raw_{name}", retry=retry)
