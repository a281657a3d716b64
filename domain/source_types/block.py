"""What the blocks of all types have in common."""

from collections.abc import Iterator

import msgspec


class Block(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The block named after a type, in sources.yml."""

    def faults(self) -> Iterator[tuple[str, str]]:
        """What types alone cannot check: a path like `.directory`, and what it must be."""
        return iter(())
