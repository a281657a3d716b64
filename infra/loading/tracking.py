"""What changed in a source's directory since its last load.

Size and time of change are the cheap gate; a file that passes it is hashed, and counts as changed
only when its content did.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from infra.loading.find import Found
from infra.loading.state import Tracked


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """A directory against what is known of it."""

    known: dict[str, Tracked]  # by path
    candidates: tuple[Found, ...]  # new, or other in size or time
    same: tuple[Tracked, ...]
    vanished: tuple[Tracked, ...]


def split(
    found: Sequence[Found],
    tracked: Iterable[Tracked],
    table: Callable[[str], str],
    *,
    anew: bool,
) -> Split:
    """Compare; `anew` takes every file for a new one."""
    known = {file.path: file for file in tracked}
    here = {file.name for file in found}
    same, candidates = [], []
    for file in found:
        before = known.get(file.name)
        if not anew and before is not None and _alike(file, before, table(file.name)):
            same.append(before)
        else:
            candidates.append(file)
    return Split(
        known=known,
        candidates=tuple(candidates),
        same=tuple(same),
        vanished=tuple(file for file in known.values() if file.path not in here),
    )


def _alike(file: Found, before: Tracked, table: str) -> bool:
    # A file that has moved to another table is read again, whatever it holds.
    return (file.size_bytes, file.mtime_ns, table) == (
        before.size_bytes,
        before.mtime_ns,
        before.table,
    )
