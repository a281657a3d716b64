"""The pages about events and commands."""

from collections.abc import Iterable
from typing import Any

from commands.kernel import Keep
from commands.table import DECIDERS
from domain.kernel import Event, tags
from domain.registry import EVENTS
from infra.log.envelope import Envelope
from tests.docs import shapes


def events() -> str:
    """docs/reference/events.md."""
    parts = [
        "# Events",
        (
            "Every event that the log can hold. Types, fields and tags are a storage format: they"
            " are added to, never changed. What an event is, and what never stands in one, is told"
            " in [Events](../explanation/events.md)."
        ),
        (
            "*Who may see it* is the permission that a live subscriber needs; `GET /api/events`"
            " shows all events to whoever has `audit.view`. Words in braces stand for the event's"
            " fields."
        ),
        shapes.table(
            ("type", "version", "stream", "who may see it"),
            [
                (f"[`{e.type_name()}`](#{e.type_name()})", e.version, _streams(e), _seen_by(e))
                for e in EVENTS
            ],
        ),
        "## The envelope",
        "What every event is wrapped in. `GET /api/events` shows it beside the event's own fields.",
        _fields(Envelope),
        (
            f"Over HTTP the names differ a little: `at` is `timestamp`; {_code(_only_over_http())}"
            " come with it."
        ),
    ]
    for event in EVENTS:
        parts += [f"## {event.type_name()}", shapes.summary(event), _tags(event), _fields(event)]
    parts.append("## Parts of events")
    for struct in shapes.nested(list(EVENTS)):
        parts += [f"### {struct.__name__}", shapes.summary(struct), _fields(struct)]
    return "\n\n".join(part for part in parts if part)


def commands() -> str:
    """docs/reference/commands.md."""
    parts: list[str] = [
        "# Commands",
        (
            "Every intent that the platform knows. A command reaches the writer with everything"
            " impure resolved; the decider of its capability folds the events inside the"
            " *boundary* and answers with events, with nothing when the intent is fulfilled"
            " already, or with a [refusal](errors.md). See"
            " [Architecture](../explanation/architecture.md)."
        ),
        (
            "*Vault* names what is sealed or deleted in the same transaction. Words in braces"
            " stand for the command's fields."
        ),
    ]
    capability = ""
    for command in DECIDERS:
        module = command.__module__
        if module != capability:
            parts += [f"## {module.rpartition('.')[2].replace('_', ' ')}", f"In `{_path(module)}`."]
            capability = module
        parts += [f"### {command.__name__}", shapes.summary(command), _weight(command)]
        if command.__struct_fields__:
            parts.append(_fields(command))
    parts.append("## Parts of commands")
    for struct in shapes.nested(list(DECIDERS)):
        parts += [f"### {struct.__name__}", shapes.summary(struct), _fields(struct)]
    return "\n\n".join(parts)


def _path(module: str) -> str:
    return f"{module.replace('.', '/')}.py"


def _fields(struct: Any) -> str:
    rows = shapes.fields(struct)
    if not rows:
        return "It has no fields of its own."
    return shapes.table(("field", "type", "default", "note"), rows)


def _streams(event: type[Event]) -> str:
    return _code(dict.fromkeys(sample.stream() for sample in shapes.samples(event)), " or ")


def _seen_by(event: type[Event]) -> str:
    return f"`{event.permission}`"


def _tags(event: type[Event]) -> str:
    sets = [set(tags(sample)) for sample in shapes.samples(event)]
    always = set.intersection(*sets)
    sometimes = set.union(*sets) - always
    text = f"Tags: {_code(sorted(always))}" if always else "Tags, by case:"
    if sometimes:
        text += f"{', by case' if always else ''} {_code(sorted(sometimes))}"
    return f"{text}."


def _weight(command: type[Any]) -> str:
    decider, samples = DECIDERS[command], shapes.samples(command)
    clauses = [clause for sample in samples for clause in decider.boundary(sample)]
    counted = dict.fromkeys(" and ".join(clause.tags) for clause in clauses)
    text = f"Boundary: {_code(counted)}."
    changes = [change for sample in samples for change in sample.vault()]
    if kept := {change.kind for change in changes if isinstance(change, Keep)}:
        text += f" Vault: keeps {_code(sorted(kept))}."
    if gone := {change.kind or "all" for change in changes if not isinstance(change, Keep)}:
        text += f" Vault: forgets {_code(sorted(gone))}."
    return text


def _only_over_http() -> list[str]:
    from api.events import EventView

    stored = {*Envelope.__struct_fields__, "timestamp"}
    return [name for name in EventView.__struct_fields__ if name not in stored]


def _code(names: Iterable[str], joint: str = ", ") -> str:
    return joint.join(f"`{name}`" for name in names)
