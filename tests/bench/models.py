"""One model, from the POST to the end of its run, against the time that dbt gave to its SQL."""

import statistics
import time

from tests.bench.figures import Figure
from tests.bench.http import served
from tests.bench.sync import ask, sync, write

ROWS = 100_000
RUNS = 9
CODE = """
select country, status, count(*) as n, sum(amount * price) as revenue
from {{ ref('stg_source_00__source_00') }} group by all
"""


def every(folder, cookies):
    project = folder / "project"
    path = project / "data" / "uploads" / "source_00" / "rows.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, ROWS)
    with served(project) as (port, _):
        sync(port, cookies[0], "source_00")
        model = project / "dbt" / "models" / "marts" / "revenue.sql"
        model.parent.mkdir(parents=True, exist_ok=True)
        model.write_text(CODE)
        cold_s, _ = _run(port, cookies[0], "/api/dbt/run")  # dbt is imported, the project read
        warm = [_run(port, cookies[0], "/api/dbt/models/revenue/run") for _ in range(RUNS)]
    yield Figure(name="dbt: first run of all models", value=cold_s, unit="s")
    yield Figure(
        name="dbt: one model with a warm worker, beyond its SQL",
        value=statistics.median(took_s - sql_s for took_s, sql_s in warm),
        unit="s",
        limit=1,
        least=False,
        note=f"{statistics.median(took_s for took_s, _ in warm):.2f} s with it, {ROWS:,} rows",
    )


def _run(port, cookie, path):
    """How long a run took, and how long dbt says that its models did."""
    begin = time.perf_counter()
    job = ask(port, cookie, path, b"{}")["job_id"]
    while True:
        run = ask(port, cookie, f"/api/dbt/runs/{job}")
        if run["status"] == "success":
            took_s = time.perf_counter() - begin
            return took_s, sum(result["duration_s"] for result in run["results"])
        if run["status"] not in ("queued", "running"):
            raise RuntimeError(f"the run failed: {run['error']}")
        time.sleep(0.005)
