"""What a worker of the kinds "load" and "fetch" can be asked for."""

import msgspec

from commands import ports


class Load(msgspec.Struct, frozen=True, tag=True):
    """Bring what a source holds into the warehouse."""

    load: ports.Load


class Sample(msgspec.Struct, frozen=True, tag=True):
    """Show the first rows of a source."""

    load: ports.Load


class Check(msgspec.Struct, frozen=True, tag=True):
    """Read a file that is handed in, before it is the source's."""

    check: ports.Check


Request = Check | Load | Sample
