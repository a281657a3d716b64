"""What the forms about schedules and notices do: the commands of the API, under the same guard."""

from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Any, Final

from litestar import Response

from api import errors, notifications, schedule_edits, schedules
from api.call import Call
from api.pages import forms, render
from api.pages import schedules as pages
from domain.schedules import NOTICES, Kind, ScheduleMissing
from projections import schedules as known
from projections import sources

LINES: Final = ("sources", "script_args")  # fields with one thing on each line
FIELDS: Final = (
    *("name", "type", "cron", "timezone", "start_date", "timeout_minutes", "script_path"),
    *("misfire_grace_time", "dbt_command", "enabled", *LINES),
)
NOTICE: Final = "on "  # before a subject's name


async def add_page(call: Call) -> Response[str]:
    """Show the form for a new schedule."""
    return _form(call, None, {"enabled": forms.TICKED, "timezone": "UTC", f"{NOTICE}failure": "on"})


async def add(call: Call) -> Response[str]:
    """Add a schedule."""
    given = await forms.read(call)
    try:
        body = forms.convert(_body(given), schedule_edits.NewSchedule)
        await schedule_edits.add_schedule(call, body)
    except errors.TOLD as refused:
        return _form(call, None, given, refused)
    return render.see_other(pages.path(given["name"]))


async def edit_page(call: Call, name: str) -> Response[str]:
    """Show the form for changing a schedule."""
    return _form(call, name, await _shown(call, name))


async def edit(call: Call, name: str) -> Response[str]:
    """Change a schedule."""
    given = await forms.read(call)
    try:
        body = forms.convert(_body(given), schedule_edits.ScheduleChange)
        await schedule_edits.change_schedule(call, name, body)
    except ScheduleMissing:
        raise
    except errors.TOLD as refused:
        return _form(call, name, given, refused)
    return render.see_other(pages.path(name))


async def switch(call: Call, name: str) -> Response[str]:
    """Switch a schedule on or off."""
    body = forms.convert(await forms.filled(call), schedule_edits.ScheduleChange)
    return await _done(call, name, schedule_edits.change_schedule(call, name, body))


async def trigger(call: Call, name: str) -> Response[str]:
    """Run a schedule now."""
    given: dict[str, Any] = {**(await forms.filled(call))}
    back = "/schedules" if given.pop("from", "") == "schedules" else None
    given["full_refresh"] = given.get("full_refresh") == forms.TICKED
    body = forms.convert(given, schedules.TriggerScheduleBody)
    return await _done(call, name, schedules.trigger_schedule(call, name, body), back)


async def remove(call: Call, name: str) -> Response[str]:
    """Remove a schedule, and go to those that are left."""
    await forms.read(call)
    return await _done(call, name, schedule_edits.remove_schedule(call, name), "/schedules")


async def cancel(call: Call, job_id: int) -> Response[str]:
    """Stop a run of a schedule."""
    await forms.read(call)
    return await _listed(call, schedules.cancel_job(call, job_id))


async def reload(call: Call) -> Response[str]:
    """Take schedules.yml anew."""
    await forms.read(call)
    return await _listed(call, schedule_edits.reload(call))


async def add_webhook(call: Call) -> Response[str]:
    """Add a webhook; the key that signs its messages is shown this once."""
    try:
        body = forms.convert(await forms.filled(call), notifications.NewWebhook)
        said = await notifications.add_webhook(call, body)
    except errors.TOLD as refused:
        return await pages.show_all(call, refused)
    if said.secret is None:
        return render.see_other("/schedules")
    return forms.form_page(
        call,
        "shown_once.html",
        "The key of your webhook",
        what=f"Messages to {said.name} are signed with this key",
        values=[("Key", said.secret)],
        back="/schedules",
    )


async def change_webhook(call: Call, name: str) -> Response[str]:
    """Change a webhook; what is left empty stays."""
    given = await forms.filled(call)
    return await forms.sent(
        partial(notifications.change_webhook, call, name),
        notifications.WebhookChange,
        given,
        "/schedules",
        partial(pages.show_all, call),
    )


async def remove_webhook(call: Call, name: str) -> Response[str]:
    """Remove a webhook."""
    await forms.read(call)
    return await _listed(call, notifications.remove_webhook(call, name))


async def send_test(call: Call) -> Response[str]:
    """Send a test to every place, and show how each took it."""
    await forms.read(call)
    try:
        tested = await notifications.send_test(call)
    except errors.TOLD as refused:
        return await pages.show_all(call, refused)
    return await pages.show_all(call, tested=tested)


async def resend(call: Call, delivery_id: int) -> Response[str]:
    """Send a notice again that was given up."""
    await forms.read(call)
    return await _listed(call, notifications.resend(call, delivery_id))


async def _listed(call: Call, doing: Awaitable[Any]) -> Response[str]:
    """Carry a form out, and go back to all schedules."""
    return await forms.done(doing, "/schedules", partial(pages.show_all, call))


async def _done(
    call: Call, name: str, doing: Awaitable[Any], back: str | None = None
) -> Response[str]:
    """The same, back to one schedule."""
    again = partial(pages.show, call, name)
    return await forms.done(doing, back or pages.path(name), again, ScheduleMissing)


def _body(given: Mapping[str, str]) -> dict[str, Any]:
    """The body that the API takes."""
    body: dict[str, Any] = {
        name: text for name, text in given.items() if text and not name.startswith(NOTICE)
    }
    for name in LINES:
        lines = [line.strip() for line in given.get(name, "").splitlines()]
        body[name] = [line for line in lines if line]
    body["enabled"] = given.get("enabled") == forms.TICKED
    body["notify_on"] = [each for each in NOTICES if given.get(NOTICE + each) == forms.TICKED]
    return {name: value for name, value in body.items() if value or name != "script_args"}


async def _shown(call: Call, name: str) -> dict[str, str]:
    """A schedule as the fields of its form."""
    config = known.one(call.views, name)
    if config is None:
        raise ScheduleMissing(name)
    grace = config.misfire_grace_s
    return {
        "type": config.kind.value,
        "cron": config.cron,
        "sources": "\n".join(config.sources),
        "enabled": forms.TICKED if config.enabled else "",
        "timezone": config.timezone,
        "start_date": config.start_date or "",
        "timeout_minutes": str(config.timeout_minutes),
        "misfire_grace_time": "" if grace is None else str(grace),
        "dbt_command": config.dbt_command or "",
        "script_path": config.script_path or "",
        "script_args": "\n".join(config.script_args),
        **{NOTICE + each: forms.TICKED for each in config.notify_on},
    }


def _form(
    call: Call, name: str | None, given: Mapping[str, str], refused: Exception | None = None
) -> Response[str]:
    return forms.form_page(
        call,
        "schedule_form.html",
        "Add a schedule" if name is None else f"Change {name}",
        refused,
        at="/add/schedule" if name is None else f"{pages.path(name)}/edit",
        action="/schedules" if name is None else f"{pages.path(name)}/edit",
        back="/schedules" if name is None else pages.path(name),
        new=name is None,
        own={field: given.get(field, "") for field in FIELDS},
        kinds=[kind.value for kind in Kind],
        notices=[
            (NOTICE + each, each, given.get(NOTICE + each) == forms.TICKED) for each in NOTICES
        ],
        sources=[health.config.name for health in sources.every(call.views)],
    )
