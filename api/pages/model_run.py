"""/model-runs/{job}: one run of models, model by model, as a picture and as a table."""

from typing import Final

import msgspec
from litestar import Response

from api import model_runs as api
from api.call import Call
from api.pages import charts, models, people, render
from projections import model_runs
from projections.model_runs import Span

CHART_W: Final = 600.0
SHOWN_MAX: Final = 400


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A model, and where its bar begins and how wide it is."""

    span: Span
    x: float
    w: float


async def one_run(call: Call, job_id: int) -> Response[str]:
    """Show when each model of a run was built, and what became of it."""
    run = await api.run_status(call, job_id)
    spans = model_runs.spans(call.views, job_id)[:SHOWN_MAX]
    now = call.views.now
    begins = [run.started_at] if run.started_at is not None else []
    start = min([*begins, *(span.began for span in spans)], default=now)
    end = run.ended_at or now
    places = charts.spans([(s.began, s.ended or now) for s in spans], start, end, CHART_W)
    longest = max(spans, key=lambda span: span.duration_s or 0.0, default=None)
    return render.page(
        call,
        "model_run.html",
        f"Run {job_id} of models",
        run=run,
        who=people.label(call, run.requested_by),
        rows=[Row(span=span, x=x, w=w) for span, (x, w) in zip(spans, places, strict=True)],
        left=len(run.results) - len(spans),
        took_s=None if run.started_at is None else (end - run.started_at).total_seconds(),
        longest=longest,
        width=CHART_W,
        now=now,
        **models.rights(call),
    )
