"""Tasks of the kind "warehouse", as the server sends them to its worker."""

import msgspec

from commands import ports


class Create(msgspec.Struct, frozen=True, tag=True):
    """Make catalogue and data folder when they are not there; nothing to do otherwise."""


class Listing(msgspec.Struct, frozen=True, tag=True):
    """List every table with its columns and its number of rows."""


class Upkeep(msgspec.Struct, frozen=True, tag=True):
    """Do a round of maintenance."""

    maintain: ports.Maintain


class Find(msgspec.Struct, frozen=True, tag=True):
    """Look for the commit of a load."""

    target: ports.Target


class Files(msgspec.Struct, frozen=True, tag=True):
    """List the files whose rows a source's tables hold."""

    source: str


class ChangesOf(msgspec.Struct, frozen=True, tag=True):
    """Show the rows that a run changed."""

    asked: ports.ChangesOf


Request = ChangesOf | Create | Files | Listing | Upkeep | Find
