"""How guesses at passwords are slowed down, so that neither guesser nor siege gets its way.

Each failure from one network costs that network more waiting. All networks together that the
account does not know have a budget, so that many of them gain nothing over one. A network from
which somebody logged in lately is known, and not part of that budget: strangers cannot use it up
for the owner. So is a device, a browser that keeps a token of its own; what others do from its
network does not count against it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar

import msgspec

from domain.kernel import Refused

FAILURES_FREE: Final = 5  # failures in a row that cost no waiting
DELAY_FIRST_S: Final = 1  # doubled by each further failure
DELAY_MAX_S: Final = 60
FAILURES_KEPT: Final = timedelta(hours=24)  # after the last one they are forgotten
STRANGERS_PER_HOUR_MAX: Final = 100  # failures at one account from networks that it does not know
HOUR: Final = timedelta(hours=1)
KNOWN_LIFE: Final = timedelta(days=30)  # after the last login from it a network is a stranger again
NETWORKS_MAX: Final = 16  # of each kind that one account remembers
DEVICES_MAX: Final = 16

Value = TypeVar("Value")


class Tries(msgspec.Struct, frozen=True):
    """Failures in a row."""

    count: int = 0
    last_at: datetime | None = None

    def kept(self, at: datetime) -> int:
        """How many of them still count."""
        return 0 if self.last_at is None or at - self.last_at > FAILURES_KEPT else self.count

    def one_more(self, at: datetime) -> "Tries":
        """One failure later."""
        return Tries(self.kept(at) + 1, at)

    def until(self, at: datetime) -> datetime | None:
        """Until when nobody is heard, or None."""
        count = self.kept(at)
        if self.last_at is None or count < FAILURES_FREE:
            return None
        # The exponent is bounded too: a long siege must not make a huge number.
        doublings = min(count - FAILURES_FREE, DELAY_MAX_S.bit_length())
        again = self.last_at + timedelta(seconds=min(DELAY_FIRST_S << doublings, DELAY_MAX_S))
        return again if again > at else None


class Guesses(msgspec.Struct, frozen=True, kw_only=True):
    """What one e-mail address remembers of logins: places are keyed digests, newest last.

    A place is a network, or a device that is known.
    """

    failed: Mapping[str, Tries] = {}
    known: Mapping[str, datetime] = {}  # when somebody last logged in from there
    devices: Mapping[str, datetime] = {}  # the same of devices
    strangers: int = 0  # failures from networks that were not known, within the hour from `since`
    since: datetime | None = None

    def fail(self, network: str, at: datetime) -> "Guesses":
        """After a failure."""
        tries = self.failed.get(network, Tries()).one_more(at)
        failed = _newest({**_without(self.failed, network), network: tries})
        if self.knows(network, at):
            return msgspec.structs.replace(self, failed=failed)
        if self._spent(at):
            count, since = self.strangers + 1, self.since
        else:
            count, since = 1, at
        return msgspec.structs.replace(self, failed=failed, strangers=count, since=since)

    def succeed(self, network: str, at: datetime, device: str = "") -> "Guesses":
        """After a login: its places are forgiven and known; what strangers did still counts."""
        devices = self.devices
        if device:
            devices = _newest({**_without(devices, device), device: at}, DEVICES_MAX)
        return msgspec.structs.replace(
            self,
            failed=_without(_without(self.failed, network), device),
            known=_newest({**_without(self.known, network), network: at}),
            devices=devices,
        )

    def place(self, network: str, device: str, at: datetime) -> str:
        """What the attempts of a device in a network count against."""
        return device if device in self.devices and self.knows(device, at) else network

    def forgiven(self) -> "Guesses":
        """After an admin said that they do not count; who is known stays so."""
        return Guesses(known=self.known, devices=self.devices)

    def knows(self, place: str, at: datetime) -> bool:
        """Whether somebody logged in from there lately."""
        seen = self.known.get(place) or self.devices.get(place)
        return seen is not None and at - seen <= KNOWN_LIFE

    def until(self, network: str, at: datetime) -> datetime | None:
        """Until when nobody from this network is heard, or None."""
        wait = self.failed.get(network, Tries()).until(at)
        budget = None if self.knows(network, at) else self._renewed(at)
        return max(filter(None, (wait, budget)), default=None)

    def count(self, at: datetime) -> int:
        """How many failures still count, from wherever they came."""
        return sum(tries.kept(at) for tries in self.failed.values())

    def locked_until(self, at: datetime) -> datetime | None:
        """Until when some network is not heard, or None."""
        waits = (tries.until(at) for tries in self.failed.values())
        return max(filter(None, (*waits, self._renewed(at))), default=None)

    def _spent(self, at: datetime) -> int:
        """How much of the strangers' budget is used up."""
        return 0 if self.since is None or at - self.since >= HOUR else self.strangers

    def _renewed(self, at: datetime) -> datetime | None:
        if self.since is None or self._spent(at) < STRANGERS_PER_HOUR_MAX:
            return None
        return self.since + HOUR


def _without(values: Mapping[str, Value], name: str) -> dict[str, Value]:
    return {key: value for key, value in values.items() if key != name}


def _newest(values: Mapping[str, Value], most: int = NETWORKS_MAX) -> dict[str, Value]:
    return dict(list(values.items())[-most:])


def heard(until: datetime | None, at: datetime) -> None:
    """Whether an attempt may be made now. Raises TooManyAttempts."""
    if until is not None and at < until:
        raise TooManyAttempts(until - at)


class TooManyAttempts(Refused):
    """Guesses come too fast."""

    def __init__(self, wait: timedelta) -> None:
        seconds = -(-wait // timedelta(seconds=1))  # rounded up
        super().__init__("Too many attempts; try again later.", retry_after=seconds)
