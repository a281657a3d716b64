"""What the forms about models do: the commands of the API, under the same guard."""

import shlex
from functools import partial

from litestar import Response

from api import errors, model_runs
from api.call import Call
from api.pages import forms, graphs, models, render
from domain.models import ModelMissing


async def run_all(call: Call) -> Response[str]:
    """Build all models, or those that are selected."""
    given = await forms.filled(call)
    try:
        body = {
            "select": _selectors(given.pop("select", "")),
            "full_refresh": given.pop("full_refresh", "") == forms.TICKED,
            **given,
        }
        await model_runs.run_models(call, forms.convert(body, model_runs.RunBody))
    except errors.TOLD as refused:
        return await models.show_all(call, refused)
    return render.see_other("/models")


async def run_one(call: Call, model_name: str, cascade: bool = False) -> Response[str]:  # noqa: FBT001, FBT002 - a query parameter
    """Build one model, and with `cascade` what reads it."""
    await forms.read(call)
    doing, back = (
        model_runs.run_model(call, model_name, cascade=cascade),
        graphs.model_path(model_name),
    )
    return await forms.done(doing, back, partial(models.show, call, model_name), ModelMissing)


async def cancel(call: Call, job_id: int) -> Response[str]:
    """Stop a run."""
    await forms.read(call)
    doing = model_runs.cancel_run(call, job_id)
    return await forms.done(doing, "/models", partial(models.show_all, call))


def _selectors(text: str) -> list[str]:
    """`"+orders tag:daily"` as dbt takes them. Raises Denied, 422."""
    try:
        return shlex.split(text)
    except ValueError:
        raise errors.invalid("select", "has a quotation mark that is not closed") from None
