"""The block `notifications:` of schedules.yml: which webhooks and addresses are told of what."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec

from commands.notifications import Way
from domain import emails
from domain.notifications import MAIL, Place, Subject, Wanted
from domain.source_types.secret import MASK, references
from infra.configuration.documents import Document
from infra.configuration.schedules import NAME, File

FORMATS: Final = ("generic", "slack")
URL_CHARS_MAX: Final = 2_000
STALE_HOURS_MAX: Final = 24 * 366
_REFERENCE: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")

Text = Annotated[str, msgspec.Meta(max_length=URL_CHARS_MAX)]
Digest = Callable[[str, str], str]


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A webhook as it stands in the file."""

    name: Text
    url: Text  # or ${NAME}, of the vault
    format: Text = "generic"
    secret: Text | None = None  # that messages are signed with; better ${NAME}


class Block(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole block."""

    webhooks: Annotated[tuple[Webhook, ...], msgspec.Meta(max_length=50)] | None = None
    email: Annotated[tuple[Text, ...], msgspec.Meta(max_length=20)] | None = None
    on_failure: bool = True
    on_success: bool = False
    on_stale: bool = True
    on_governance: bool = True
    on_analysis: bool = True
    stale_threshold_hours: Annotated[int, msgspec.Meta(ge=1, le=STALE_HOURS_MAX)] = 24


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says, and where the places are, which is for the vault alone."""

    wanted: Wanted
    ways: tuple[Way, ...]


def read(path: Path, data: bytes | None = None, digest: Digest = lambda _, __: "") -> Read:
    """The block of the file, or of this `data` in its place. Raises Unreadable."""
    document = Document(path, data)
    block = document.convert_at(document.convert(File).notifications or {}, Block, ".notifications")
    ways: dict[str, Way] = {}
    for number, hook in enumerate(block.webhooks or ()):
        place = f".notifications.webhooks[{number}]"
        for key, holds, reason in _checks(hook, ways):
            if not holds:
                raise document.refused(f"{place}.{key}", reason)
        ways[hook.name] = Way(place=hook.name, url=hook.url, key=hook.secret)
    for number, address in enumerate(block.email or ()):
        try:
            emails.parse(address)
        except emails.EmailInvalid:
            reason = "is not an e-mail address"
            raise document.refused(f".notifications.email[{number}]", reason) from None
    if block.email:
        ways[MAIL] = Way(place=MAIL, to=block.email)
    formats = {hook.name: hook.format for hook in block.webhooks or ()}
    places = tuple(_place(way, formats.get(name, MAIL), digest) for name, way in ways.items())
    on = tuple(
        subject for subject in Subject if getattr(block, f"on_{subject.value}", False) is True
    )
    wanted = Wanted(places=places, on=on, stale_after_hours=block.stale_threshold_hours)
    return Read(wanted=wanted, ways=tuple(ways.values()))


def _place(way: Way, format_name: str, digest: Digest) -> Place:
    return Place(
        place=way.place,
        format=format_name,
        url=way.url if not way.url or _REFERENCE.fullmatch(way.url) else MASK,
        signed=way.key is not None,
        fingerprint=digest("place", msgspec.json.encode(way).decode()),
    )


def _checks(hook: Webhook, before: dict[str, Way]) -> tuple[tuple[str, Any, str], ...]:
    return (
        (
            "name",
            NAME.fullmatch(hook.name) and hook.name != MAIL,
            "must be letters, digits, _ and -, no sign first",
        ),
        ("name", hook.name not in before, "another webhook has this name"),
        ("format", hook.format in FORMATS, "is one of generic, slack"),
        ("url", _addresses(hook.url), "must be an http or https URL, or ${NAME}"),
    )


def _addresses(url: str) -> bool:
    """Whether it is a URL as far as can be told before what it refers to is known."""
    if references(url):
        return True
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable()
