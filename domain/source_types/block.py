"""What the blocks of all types have in common."""

from collections.abc import Iterator
from typing import Any

import msgspec


class Block(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The block named after a type, in sources.yml."""

    @staticmethod
    def spelled(plain: dict[str, Any]) -> dict[str, Any]:
        """The keys of existing files as this block has them."""
        return plain

    def faults(self) -> Iterator[tuple[str, str]]:
        """What types alone cannot check: a path like `.directory`, and what it must be."""
        return iter(())
