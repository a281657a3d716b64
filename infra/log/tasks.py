"""What the kind "log" of workers is asked to do; `log` is the place of one."""

import msgspec


class Verify(msgspec.Struct, frozen=True, tag=True):
    """Compute the hash chain of a log again."""

    log: str


class Build(msgspec.Struct, frozen=True, tag=True):
    """Fold a log into a new views file."""

    log: str
    views: str


class Check(msgspec.Struct, frozen=True, tag=True):
    """Fold a log anew and compare with the views file that serves."""

    log: str
    views: str


Task = Verify | Build | Check
