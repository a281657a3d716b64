"""What the kind "log" of workers is asked to do; `log` is the place of one."""

import msgspec

from projections.audit import Noted


class Verify(msgspec.Struct, frozen=True, tag=True):
    """Compute the hash chain of a log again."""

    log: str
    noted: Noted | None = None


class Build(msgspec.Struct, frozen=True, tag=True):
    """Fold a log up to a position into a new views file, for one share of the projections."""

    log: str
    views: str
    upto: int
    share: int


class Join(msgspec.Struct, frozen=True, tag=True):
    """Bring the tables of other files into one."""

    views: str
    others: tuple[str, ...]


class Check(msgspec.Struct, frozen=True, tag=True):
    """Fold a log anew and compare with the views file that serves."""

    log: str
    views: str


Task = Verify | Build | Join | Check
