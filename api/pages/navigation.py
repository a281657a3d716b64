"""Where one can go: every page that has a place in the menu, and who is shown it."""

from typing import Final

import msgspec

from api.callers import READS, Caller


class Entry(msgspec.Struct, frozen=True):
    """One entry of the menu; `access` is that of its route."""

    path: str
    label: str
    icon: str
    access: str
    key: str  # that leads there, behind a `g`
    past: bool = True  # whether the page can show the past


class Link(msgspec.Struct, frozen=True):
    """An entry, as one page shows it."""

    path: str
    label: str
    icon: str
    key: str
    here: bool
    past: bool


MENU: Final = (
    Entry("/", "Overview", "layout-dashboard", READS, "o"),
    Entry("/sources", "Sources", "database", READS, "s"),
    Entry("/models", "Models", "boxes", READS, "m"),
    Entry("/catalog", "Catalogue", "book-open", "governance.view", "c"),
    Entry("/query", "Query", "terminal", "query.execute", "q"),
    Entry("/notebooks", "Notebooks", "notebook-pen", "notebooks.view", "n"),
    Entry("/schedules", "Schedules", "calendar-clock", "scheduler.view", "t"),
    Entry("/governance", "Governance", "shield-check", "governance.view", "g"),
    Entry("/monitoring", "Monitoring", "chart-line", "governance.view", "w"),
    Entry("/events", "Events", "list-tree", "audit.view", "e"),
    Entry("/logs", "Activity", "scroll-text", READS, "a"),
    Entry("/health", "Health", "activity", READS, "h", past=False),
)
SETTINGS: Final = (
    Entry("/users", "Users", "users", "users.manage", "u"),
    Entry("/secrets", "Secrets", "key-round", "config.manage", "k", past=False),
    Entry("/api/docs", "API", "code", READS, "i", past=False),
)


def links(entries: tuple[Entry, ...], caller: Caller, path: str) -> list[Link]:
    """The entries that the caller may follow; the one that the page belongs to is marked."""
    return [
        Link(entry.path, entry.label, entry.icon, entry.key, _here(entry.path, path), entry.past)
        for entry in entries
        if entry.access == READS or caller.may(entry.access)
    ]


def _here(entry: str, path: str) -> bool:
    return path == entry or (entry != "/" and path.startswith(f"{entry}/"))
