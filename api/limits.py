"""How many requests are heard: of one address, of one account, of all together.

And how much of their answers is kept. Token buckets: each holds a minute's worth, or a day's of
what is kept for a day, and is refilled evenly. They live in memory, in a bounded
number; the one that was used longest ago goes first. Nothing of them is written: an address is
personal data.
"""

import logging
import math
from collections import OrderedDict
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from api.proxies import Sender, is_loopback

if TYPE_CHECKING:
    from api.platform import HttpSettings

MINUTE_S: Final = 60
DAY_S: Final = 24 * 3600
BUCKETS_MAX: Final = 10_000  # of each kind that is counted
KEPT_BYTES_PER_DAY_MAX: Final = 64 * 1024 * 1024  # of answers under idempotency keys, of an account
KEPT_BYTES_EACH: Final = 1024  # what an answer takes up beside its own bytes
UNNAMED_PROXY: Final = (
    "Requests come through a proxy on this machine that platform.trusted_proxies does not name:"
    " all its visitors look like this machine, and are not limited by their addresses."
)

_log = logging.getLogger("dango.api")


class _Bucket(msgspec.Struct, eq=False):
    """What is left of a span's worth."""

    left: float
    at: datetime

    def take(
        self, most: int, now: datetime, *, span_s: int = MINUTE_S, cost: int = 1
    ) -> float | None:
        """Take what something costs; else answer in how many seconds there will be enough."""
        passed = max(0.0, (now - self.at).total_seconds())  # a clock that is set back adds nothing
        self.at = now
        self.left = min(most, self.left + passed * most / span_s)
        if self.left < cost:
            return (cost - self.left) * span_s / most
        self.left -= cost
        return None


class Limits:
    """Of one process."""

    def __init__(self) -> None:
        self._buckets: dict[str, OrderedDict[str, _Bucket]] = {}
        self._told: dict[str, datetime] = {}
        self._unnamed_proxy = False

    def wait(self, sender: Sender, settings: "HttpSettings", now: datetime) -> int | None:
        """Count a request before it is known whose it is; else answer for how many seconds not."""
        if not sender.address:
            return None  # the owner's own command line
        if not is_loopback(sender.address) or not sender.sure:
            most = settings.requests_per_address_max
            if (wait := self._take("address", sender.address, most, now)) is not None:
                return wait
        return self._take("server", "", settings.requests_max, now)

    def wait_of(self, user_id: str, settings: "HttpSettings", now: datetime) -> int | None:
        """The same for an account, by whatever session or key."""
        return self._take("account", user_id, settings.requests_per_account_max, now)

    def keeps(self, actor: str, size_bytes: int, now: datetime) -> bool:
        """Whether one more answer of somebody's is kept: requests cost nothing, a disk does."""
        cost = size_bytes + KEPT_BYTES_EACH
        bucket = self._bucket("kept", actor, KEPT_BYTES_PER_DAY_MAX, now)
        return bucket.take(KEPT_BYTES_PER_DAY_MAX, now, span_s=DAY_S, cost=cost) is None

    def passed_on(self) -> None:
        """A request came through a proxy that the settings do not name; said once in the log."""
        if not self._unnamed_proxy:
            self._unnamed_proxy = True
            _log.warning(UNNAMED_PROXY)

    def warnings(self) -> list[str]:
        """What an admin should put right."""
        return [UNNAMED_PROXY] if self._unnamed_proxy else []

    def _bucket(self, kind: str, name: str, most: int, now: datetime) -> _Bucket:
        buckets = self._buckets.setdefault(kind, OrderedDict())
        bucket = buckets.get(name)
        if bucket is None:
            bucket = buckets[name] = _Bucket(most, now)
            if len(buckets) > BUCKETS_MAX:
                buckets.popitem(last=False)
        else:
            buckets.move_to_end(name)
        return bucket

    def _take(self, kind: str, name: str, per_minute: int, now: datetime) -> int | None:
        wait = self._bucket(kind, name, per_minute, now).take(per_minute, now)
        if wait is None:
            return None
        self._tell(kind, per_minute, now)
        return math.ceil(wait)

    def _tell(self, kind: str, per_minute: int, now: datetime) -> None:
        """Say so in the log, once a minute for each kind."""
        last = self._told.get(kind)
        if last is None or abs((now - last).total_seconds()) >= MINUTE_S:
            self._told[kind] = now
            _log.warning("more than %s requests a minute of one %s", per_minute, kind)
