"""/models: the models by layer with their runs and lineage; one model with tests and code."""

import asyncio
from pathlib import Path
from typing import Any, Final

from litestar import Response

from api import models as api
from api.call import Call
from api.models import ModelView
from api.pages import graphs, lines, people, strips, words
from api.pages.forms import form_page
from domain.models import ModelMissing
from projections import model_runs, models

RUNS_SHOWN: Final = 12
CODE_BYTES_MAX: Final = 100_000
LAYERS: Final = ("staging", "intermediate", "marts")
FOLDER: Final = "dbt"  # of the project
PARTS: Final = ("models", "seeds", "snapshots", "")  # of it, where files may lie


async def list_models(call: Call) -> Response[str]:
    """Show all models."""
    return await show_all(call)


async def show_all(call: Call, refused: Exception | None = None) -> Response[str]:
    """The models' page; with what was wrong with a form."""
    if call.changes:
        call.views = call.platform.views.current
    found = (await api.list_models(call)).models
    wants_graph = call.request.query_params.get("show") == "lineage"
    return form_page(
        call,
        "models.html",
        "Models",
        refused,
        at="/models",
        layers=_layers(found),
        total=len(found),
        verdict=_verdict(found),
        picture=_picture(call, found) if wants_graph else None,
        wants_graph=wants_graph,
        runs=_runs(call),
        documented=call.platform.documents is not None,
        now=call.views.now,
        **rights(call),
    )


async def one_model(call: Call, model_name: str) -> Response[str]:
    """Show one model."""
    return await show(call, model_name)


async def show(call: Call, name: str, refused: Exception | None = None) -> Response[str]:
    """A model's page; with what was wrong with a form."""
    if call.changes:
        call.views = call.platform.views.current
    found = (await api.list_models(call)).models
    model = next((each for each in found if each.name == name), None)
    if model is None:
        raise ModelMissing(name)
    known = call.caller.role is not None
    code = None
    if known and call.as_of is None:
        code = await asyncio.to_thread(_code, call.platform.root, model.path)
    edges = graphs.edges(call.views)
    readers = sorted({graphs.short(b) for a, b in edges if a == model.unique_id})
    return form_page(
        call,
        "model.html",
        name,
        refused,
        at=f"/models/{name}",
        model=model,
        described=_described(call, name),
        code=code,
        picture=graphs.picture(
            call, graphs.around(call.views, model.unique_id), graphs.model_path(name)
        ),
        readers=readers,
        trend=strips.strip(model_runs.of_model(call.views, name, strips.RUNS_SHOWN)),
        events=lines.about(call, f"model:{name}") if known else [],
        now=call.views.now,
        **rights(call),
    )


def rights(call: Call) -> dict[str, Any]:
    """What the caller may do with models; nothing, in the past."""
    now = call.as_of is None
    return {
        "may_run": now and call.caller.may("dbt.run"),
        "signed_in": call.caller.role is not None,
    }


def _picture(call: Call, found: tuple[ModelView, ...]) -> graphs.Picture | None:
    """All models, or what is around one of them where they are too many for a picture."""
    graph = None
    if len(found) <= graphs.NODES_MAX:
        graph = call.views.kept(graphs.READ, graphs.whole)
    else:
        at = call.request.query_params.get("at")
        focus = next((each.unique_id for each in found if each.name == at), None)
        graph = graphs.around(call.views, focus) if focus is not None else None
    return None if graph is None else graphs.picture(call, graph, "/models")


def _layers(found: tuple[ModelView, ...]) -> list[tuple[str, list[ModelView]]]:
    """The models by layer, those that everybody has first."""
    by_layer: dict[str, list[ModelView]] = {}
    for model in found:
        by_layer.setdefault(model.layer or "other", []).append(model)
    first = [layer for layer in LAYERS if layer in by_layer]
    rest = sorted(layer for layer in by_layer if layer not in LAYERS)
    return [(layer, by_layer[layer]) for layer in (*first, *rest)]


def _verdict(found: tuple[ModelView, ...]) -> tuple[str, str]:
    """The mark and the sentence that stand above all models."""
    failed = [model.name for model in found if model.status == "error"]
    tested = [model.name for model in found if model.tests.failing]
    stale = [model.name for model in found if model.status == "stale"]
    fresh = [model.name for model in found if model.status is None]
    total = words.plural(len(found), "model")
    if failed:
        return "bad", f"{len(failed)} of {total} could not be built: {', '.join(failed[:3])}."
    if tested:
        return (
            "bad",
            f"Tests fail in {words.plural(len(tested), 'model')}: {', '.join(tested[:3])}.",
        )
    if stale:
        return "warn", f"{len(stale)} of {total} are older than their data or their code."
    if fresh:
        return "none", f"{len(fresh)} of {total} have not been built yet."
    return "good", f"All {total} are built and up to date."


def _runs(call: Call) -> list[tuple[model_runs.Run, str]]:
    """The newest runs, and who asked for each."""
    if call.caller.role is None:
        return []
    found = model_runs.newest(call.views, RUNS_SHOWN)
    return [(run, people.label(call, run.requested_by)) for run in found]


def _described(call: Call, name: str) -> list[tuple[str, str]]:
    state = models.one(call.views, name)
    return [] if state is None else [(c.name, c.description) for c in state.config.columns]


def _code(root: str, name: str) -> str | None:
    """A model's file as it is now; None for what is not there, or is none of the project's."""
    if not root or not name:
        return None
    folder = Path(root, FOLDER).resolve()
    try:
        files = ((folder / part / name).resolve() for part in PARTS)
        file = next((f for f in files if f.is_relative_to(folder) and f.is_file()), None)
        if file is None:
            return None
        with file.open("rb") as opened:
            return opened.read(CODE_BYTES_MAX).decode(errors="replace")
    except (OSError, ValueError):
        return None
