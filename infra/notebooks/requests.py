"""What server and worker tell each other of a notebook's process."""

import msgspec


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Edit a notebook; `base` is the path that it is shown under."""

    root: str  # of the project, absolute
    notebook: str
    lock: str
    token: str
    base: str


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """It can be talked to."""

    port: int


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """It ended by itself."""

    exit_code: int
