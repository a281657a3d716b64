"""/api/notifications: who is told of what, how each notice went, and a test of all places."""

import asyncio
import hashlib
import re
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar.params import QueryParameter

from api.call import Call
from api.errors import invalid
from api.schedule_edits import editor
from commands.notifications import QueueNotices, ResendNotice
from commands.schedule_ports import WEBHOOKS
from commands.secrets import VALUE, SetSecret
from domain import drafts
from domain.notifications import (
    NoPlaces,
    NoticeMissing,
    NoticeQueued,
    Place,
    Subject,
    WebhookThere,
)
from domain.source_types.secret import reference, references
from domain.source_types.trust import PERMISSION
from projections import notifications
from projections.notifications import Delivery

PAGE: Final = 50
PAGE_MAX: Final = 200
OFFSET_MAX: Final = 10_000_000
STATES: Final = ("queued", "delivered", "dead")
TEST_S_MAX: Final = 25.0  # how long a test waits for its results
POLL_S: Final = 0.05
URL_CHARS_MAX: Final = 2_000
DIGITS: Final = 16  # of a digest, where two names would be one

# `state` is a name of the framework's own.
State = Annotated[str | None, QueryParameter(name="state")]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z")]
Url = Annotated[str, msgspec.Meta(max_length=URL_CHARS_MAX)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class WebhookView(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook; its URL is masked, unless it is a `${NAME}`."""

    name: str
    url: str
    format: str
    signed: bool


class ConfigView(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told of what."""

    webhooks: list[WebhookView]
    email: bool
    on_failure: bool
    on_success: bool
    on_stale: bool
    on_governance: bool
    on_analysis: bool
    stale_threshold_hours: int


class WebhookChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a webhook to change. URL and key go to the vault, unless they are a `${NAME}`."""

    url: Url | None = None
    format: str | None = None
    secret: Key | None = None


class NewWebhook(WebhookChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook to add; without a `secret` one is made, which is shown once."""

    name: Slug


class WebhookSaid(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was done; `secret` is the key that messages are signed with, shown once."""

    success: bool
    message: str
    name: str
    secret: str | None = None


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """One notice to one place."""

    id: int
    webhook: str
    subject: str
    event_position: int
    state: str
    attempts: int
    queued_at: datetime
    last_attempt_at: datetime | None
    status_code: int | None
    error: str | None
    duration_seconds: float | None


class DeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Notices, newest first."""

    items: list[DeliveryView]
    total: int
    limit: int
    offset: int


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """How one place took the test."""

    name: str
    success: bool
    status_code: int | None
    error: str | None
    duration_seconds: float | None


class TestAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is sent when all places took it, failed when none did, else partial."""

    status: str
    results: list[Tested]


class ResendAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The notice is on its way again."""

    status: str
    id: int


async def config(call: Call) -> ConfigView:
    """Tell who is told of what."""
    wanted = notifications.wanted(call.views)
    flags = {f"on_{subject.value}": subject in wanted.on for subject in Subject}
    flags.pop("on_test")
    return ConfigView(
        webhooks=[_view(place) for place in wanted.places if place.format != "email"],
        email=any(place.format == "email" for place in wanted.places),
        stale_threshold_hours=wanted.stale_after_hours,
        **flags,
    )


async def list_webhooks(call: Call) -> list[WebhookView]:
    """List the webhooks."""
    return (await config(call)).webhooks


async def add_webhook(call: Call, data: NewWebhook) -> WebhookSaid:
    """Add a webhook to schedules.yml; its URL and its key go to the vault."""
    if data.url is None:
        raise invalid("url", "is missing")
    _check(call, data, None)
    if data.name in _places(call):  # else what the vault has of it would be another one's
        raise WebhookThere(data.name)
    made = None
    if data.secret is None and (data.format or "generic") == "generic":
        made = call.platform.new_token()
    entry = {
        "name": data.name,
        "url": await _kept(call, data.name, "URL", data.url),
        "format": data.format or "generic",
    }
    if (key := data.secret or made) is not None:
        entry["secret"] = await _kept(call, data.name, "KEY", key)
    await editor(call).add_entry(WEBHOOKS, entry, call.send)
    message = f"Webhook '{data.name}' added."
    return WebhookSaid(success=True, message=message, name=data.name, secret=made)


async def change_webhook(call: Call, name: str, data: WebhookChange) -> WebhookSaid:
    """Change a webhook in schedules.yml."""
    known = _places(call)
    _check(call, data, known.get(name))
    wanted: dict[str, Any] = {} if data.format is None else {"format": data.format}
    if name in known:  # else nothing is to be left in the vault
        if data.url is not None:
            wanted["url"] = await _kept(call, name, "URL", data.url)
        if data.secret is not None:
            wanted["secret"] = await _kept(call, name, "KEY", data.secret)
    await editor(call).change_entry(WEBHOOKS, name, wanted, call.send)
    return WebhookSaid(success=True, message=f"Webhook '{name}' changed.", name=name)


async def remove_webhook(call: Call, name: str) -> WebhookSaid:
    """Remove a webhook from schedules.yml."""
    await editor(call).remove_entry(WEBHOOKS, name, call.send)
    return WebhookSaid(success=True, message=f"Webhook '{name}' removed.", name=name)


async def list_deliveries(
    call: Call, *, in_state: State = None, limit: int = PAGE, offset: int = 0
) -> DeliveryPage:
    """Page through the notices, newest first; `state=dead` are those that were given up."""
    if in_state is not None and in_state not in STATES:
        raise invalid("state", f"is one of {', '.join(STATES)}")
    if not 0 < limit <= PAGE_MAX:
        raise invalid("limit", f"must be from 1 to {PAGE_MAX}")
    if not 0 <= offset <= OFFSET_MAX:
        raise invalid("offset", f"must be from 0 to {OFFSET_MAX}")
    found, total = notifications.page(call.views, state=in_state, limit=limit, offset=offset)
    return DeliveryPage(
        items=[_delivery(each) for each in found], total=total, limit=limit, offset=offset
    )


async def resend(call: Call, delivery_id: int) -> ResendAnswer:
    """Send a dead notice again."""
    found = notifications.one(call.views, delivery_id)
    if found is None:
        raise NoticeMissing(delivery_id)
    await call.send(ResendNotice(cause=found.cause, notice=delivery_id, place=found.place))
    return ResendAnswer(status="queued", id=delivery_id)


async def send_test(call: Call) -> TestAnswer:
    """Send a test to every place, and tell how each took it."""
    places = tuple(place.place for place in notifications.wanted(call.views).places)
    if not places:
        raise NoPlaces
    head = call.platform.history.head()
    outcome = await call.send(QueueNotices(about=Subject.TEST, cause=head, places=places))
    notices = [each.position for each in outcome.recorded if isinstance(each.event, NoticeQueued)]
    results = [_result(each) for each in await _ended(call, notices)]
    good = [result.success for result in results]
    status = "sent" if all(good) else "partial" if any(good) else "failed"
    return TestAnswer(status=status, results=results)


async def _ended(call: Call, notices: list[int]) -> list[Delivery]:
    """The notices as soon as all have ended, or as they are when the time runs out."""
    views = call.platform.views
    waited_s = 0.0
    while True:
        found = [notifications.one(views.current, notice) for notice in notices]
        known = [each for each in found if each is not None]
        if waited_s >= TEST_S_MAX or all(each.state != "queued" for each in known):
            return known
        await asyncio.sleep(POLL_S)
        waited_s += POLL_S


async def _kept(call: Call, name: str, what: str, value: str) -> str:
    """How the file refers to a value, which the vault has from now on."""
    if references(value):
        return value
    secret = f"WEBHOOK_{_variable(name)}_{what}"
    proof = call.platform.secrets.digest(VALUE, f"{secret}\0{value}")
    await call.send(SetSecret(secret=secret, value=value.encode(), proof=proof))
    return reference(secret)


def _variable(name: str) -> str:
    """A webhook's name in that of a secret: another one for each, also where signs are lost."""
    plain = re.sub("[^A-Za-z0-9]", "_", name).upper()
    if plain.lower() == name:
        return plain
    return f"{plain}_{hashlib.sha256(name.encode()).hexdigest()[:DIGITS].upper()}"


def _places(call: Call) -> dict[str, Place]:
    return {place.place: place for place in notifications.wanted(call.views).places}


def _check(call: Call, data: WebhookChange, before: Place | None) -> None:
    """Raises Denied, TrustNeeded."""
    if data.format not in (None, "generic", "slack"):
        raise invalid("format", "is one of generic, slack")
    trusted = call.caller.may(PERMISSION)
    drafts.give(None if before is None else before.url, data.url, trusted=trusted)
    drafts.give(None, data.secret, trusted=trusted)
    url = data.url
    if url is not None and not references(url):
        if url.startswith(("https://", "http://")) and url.isprintable():
            return
        raise invalid("url", "must be an http or https URL, or ${NAME}")


def _view(place: Place) -> WebhookView:
    return WebhookView(name=place.place, url=place.url, format=place.format, signed=place.signed)


def _delivery(each: Delivery) -> DeliveryView:
    return DeliveryView(
        id=each.notice,
        webhook=each.place,
        subject=each.subject,
        event_position=each.cause,
        state=each.state,
        attempts=each.attempts,
        queued_at=each.queued_at,
        last_attempt_at=each.last_at,
        status_code=each.status_code,
        error=each.reason,
        duration_seconds=each.duration_s,
    )


def _result(each: Delivery) -> Tested:
    waiting = each.state == "queued" and each.reason is None
    return Tested(
        name=each.place,
        success=each.state == "delivered",
        status_code=each.status_code,
        error="It was not sent in time." if waiting else each.reason,
        duration_seconds=each.duration_s,
    )
