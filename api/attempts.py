"""Logins that failed lately, counted in memory: how many a minute are heard at all.

What the log counts (domain/guesses.py) costs a hash and an event each time, and is counted by
address; so guesses at many addresses would fill queue and log. Here they are turned away before
either. An account that is there and one that is not are not told apart, and a network that the
account knows is not kept out by what strangers do.
"""

import logging
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

import msgspec

from api.networks import Source
from domain.guesses import Guesses, TooManyAttempts

MINUTE: Final = timedelta(minutes=1)
NETWORK_PER_MINUTE_MAX: Final = 10  # failed logins of one network, which is not this machine
STRANGERS_PER_MINUTE_MAX: Final = 30  # of all together that the account in question does not know
WINDOWS_MAX: Final = 4_096  # networks that are remembered

_log = logging.getLogger("dango.api")


class _Window(msgspec.Struct, eq=False):
    """A minute of failures."""

    most: int
    whose: str
    since: datetime
    count: int = 0
    told: bool = False

    def at(self, at: datetime) -> "_Window":
        """Itself, or a new one when its minute is over (or the clock was set back)."""
        if timedelta(0) <= at - self.since < MINUTE:
            return self
        return _Window(self.most, self.whose, at)

    def until(self) -> datetime | None:
        """Its end, when it is full; says so once in the server's log."""
        if self.count < self.most:
            return None
        if not self.told:
            self.told = True
            _log.warning("%s failed logins within a minute from %s", self.count, self.whose)
        return self.since + MINUTE


class Attempts:
    """Of one process."""

    def __init__(
        self,
        *,
        per_network: int = NETWORK_PER_MINUTE_MAX,
        of_strangers: int = STRANGERS_PER_MINUTE_MAX,
    ) -> None:
        """Bounds are failed logins a minute."""
        self._per_network, self._of_strangers = per_network, of_strangers
        self._networks: OrderedDict[str, _Window] = OrderedDict()
        self._strangers: _Window | None = None
        self._unheard = 0

    @contextmanager
    def counted(self, source: Source, guesses: Guesses, at: datetime) -> Iterator[None]:
        """Around one login. Raises TooManyAttempts; what does not raise has not failed."""
        windows = self._windows(source, guesses, at)
        waits = (guesses.until(source.network, at), *(window.until() for window in windows))
        until = max(filter(None, waits), default=None)
        if until is not None:
            self._unheard += 1
            raise TooManyAttempts(until - at)
        for window in windows:
            window.count += 1  # at once: many may be under way together
        yield
        for window in windows:
            window.count -= 1

    def unheard(self) -> int:
        """How many were turned away since this was asked last."""
        count, self._unheard = self._unheard, 0
        return count

    def _windows(self, source: Source, guesses: Guesses, at: datetime) -> list[_Window]:
        windows = []
        if not guesses.knows(source.network, at):
            strangers = self._strangers or _Window(self._of_strangers, "strangers", at)
            self._strangers = strangers.at(at)
            windows.append(self._strangers)
        if not source.local:
            whose = f"network {source.network[:8]}"
            window = self._networks.pop(source.network, None)
            window = (window or _Window(self._per_network, whose, at)).at(at)
            self._networks[source.network] = window
            if len(self._networks) > WINDOWS_MAX:
                self._networks.popitem(last=False)
            windows.append(window)
        return windows
