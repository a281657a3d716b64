"""Whether the accounts that sources are read with can still be used."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from api.troubles import CRITICAL, WARNING, Since, Trouble
from projections import grants
from projections.engine import Reader

SOON: Final = timedelta(days=7)  # before what cannot be renewed runs out, somebody is told

Used = Mapping[str, tuple[str, ...]]  # the enabled sources that read with a grant, by its type


class GrantHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One connected account; the error is for callers who are signed in."""

    source_type: str
    provider: str
    status: str  # ok, expiring, expired, not_renewed
    expires_at: datetime | None
    days_until_expiry: int | None
    renewable: bool
    sources: tuple[str, ...]
    error: str | None


def section(reader: Reader, used: Used, *, tell: bool) -> list[GrantHealth]:
    """What health says of each; reasons only when these may be told."""
    return [
        GrantHealth(
            source_type=each.source_type,
            provider=each.provider,
            status=_status(each, reader.now),
            expires_at=each.expires_at,
            days_until_expiry=each.days_left(reader.now),
            renewable=each.renewable,
            sources=used.get(each.source_type, ()),
            error=each.lapsed if tell else None,
        )
        for each in grants.known(reader)
    ]


def troubles(reader: Reader, used: Used, since: Since) -> Iterator[Trouble]:
    """Accounts that are lost, or soon will be. What a source waits for is critical."""
    for each in grants.known(reader):
        status = _status(each, reader.now)
        if status == "ok":
            continue
        needed = used.get(each.source_type, ())
        lost = status != "expiring"
        yield Trouble(
            severity=CRITICAL if lost and needed else WARNING,
            subject=f"oauth:{each.source_type}",
            message=f"The account of {each.source_type} {_SAID[status]}{_for(needed)}",
            action=f"Connect it again: /oauth/connect/{each.source_type}.",
            since=since(f"oauth:{each.source_type}:{status}"),
        )


_SAID: Final = {
    "not_renewed": "is not renewed by its provider",
    "expired": "has run out",
    "expiring": f"runs out within {SOON.days} days",
}


def _for(needed: tuple[str, ...]) -> str:
    return f"; read with it: {', '.join(needed)}" if needed else ""


def _status(grant: grants.Grant, now: datetime) -> str:
    """What renews itself runs out only when the provider does not renew it."""
    if grant.lapsed is not None:
        return "not_renewed"
    if grant.expired(now):
        return "expired"
    lasts = grant.renewable or grant.expires_at is None or grant.expires_at - now > SOON
    return "ok" if lasts else "expiring"
