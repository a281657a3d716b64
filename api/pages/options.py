"""The options of a source as fields of a form, and back: made from the JSON Schema of its type."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from api.errors import invalid
from api.pages.forms import TICKED

PREFIX: Final = "options."
TEXT_CHARS_MAX: Final = 100_000


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field; `kind` is text, password, number, checkbox, select, lines or json."""

    name: str
    label: str
    kind: str
    value: str
    choices: list[str] = []
    required: bool = False
    lowest: float | None = None
    highest: float | None = None


def fields(
    schema: Mapping[str, Any],
    current: Mapping[str, Any],
    given: Mapping[str, str] | None = None,
) -> list[Field]:
    """The fields of a type's options, the required ones first; `given` is what was filled in."""
    required = set(schema.get("required", ()))
    found = [
        _field(name, part, current, given, required=name in required)
        for name, part in schema["properties"].items()
    ]
    return sorted(found, key=lambda field: not field.required)


def read(
    schema: Mapping[str, Any], given: Mapping[str, str], current: Mapping[str, Any]
) -> dict[str, Any]:
    """The options that a form tells; what was left as it was shown stays so. Raises Denied, 422."""
    known = schema["properties"]
    for name in given:
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in known:
            raise invalid(name, "is not known")
    shown = {field.name: field for field in fields(schema, current)}
    found: dict[str, Any] = {}
    for name, part in known.items():
        field = shown[PREFIX + name]
        text = given.get(field.name, "").replace("\r\n", "\n")
        if len(text) > TEXT_CHARS_MAX:
            raise invalid(field.name, f"is longer than {TEXT_CHARS_MAX} characters")
        if text == field.value:
            if name in current:
                found[name] = current[name]
        elif text or field.kind == "checkbox":
            found[name] = _value(field, text, _plain(part))
    return found


def _field(
    name: str,
    part: Mapping[str, Any],
    current: Mapping[str, Any],
    given: Mapping[str, str] | None,
    *,
    required: bool,
) -> Field:
    plain = _plain(part)
    value = current.get(name, part.get("default"))
    kind = _kind(plain, value)
    text = _text(kind, value)
    if given is not None:
        text = given.get(PREFIX + name, "")
    choices = [str(choice) for choice in plain.get("enum", ())]
    return Field(
        name=PREFIX + name,
        label=name.replace("_", " ").capitalize(),
        kind=kind,
        value=text,
        choices=choices if required or part.get("default") is not None else ["", *choices],
        required=required and kind != "checkbox",
        lowest=plain.get("minimum"),
        highest=plain.get("maximum"),
    )


def _plain(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """A part that may be null, as what it is when it is not."""
    several = [each for each in part.get("anyOf", ()) if each.get("type") != "null"]
    return several[0] if len(several) == 1 else part


def _kind(part: Mapping[str, Any], value: Any) -> str:
    kind = part.get("type")
    if "enum" in part:
        return "select"
    if kind == "array":
        taken = part.get("items", {})
        texts = [each.get("type") for each in (taken, *taken.get("anyOf", ()))]
        plain = not value or all(isinstance(item, str) and "\n" not in item for item in value)
        return "lines" if "string" in texts and plain else "json"
    if kind == "string":
        return "password" if part.get("format") == "password" else "text"
    return {"boolean": "checkbox", "integer": "number", "number": "number"}.get(str(kind), "json")


def _text(kind: str, value: Any) -> str:
    if value is None:
        return ""
    if kind == "checkbox":
        return TICKED if value else ""
    if kind == "lines":
        return "\n".join(value)
    if kind == "json":
        return "" if value in ([], {}) else msgspec.json.format(msgspec.json.encode(value)).decode()
    return str(value)


def _value(field: Field, text: str, part: Mapping[str, Any]) -> Any:
    match field.kind:
        case "checkbox":
            return text == TICKED
        case "lines":
            lines = [line.strip() for line in text.split("\n")]
            return [_item(field, line) for line in lines if line]
        case "json":
            return _json(field, text)
        case "number":
            return _number(field, text, whole=part.get("type") == "integer")
        case _:
            return text


def _item(field: Field, line: str) -> Any:
    """A line is a text; one that is a JSON object says more than its name."""
    return _json(field, line) if line.startswith("{") else line


def _json(field: Field, text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise invalid(field.name, "is not JSON") from None


def _number(field: Field, text: str, *, whole: bool) -> float:
    try:
        return int(text) if whole else float(text)
    except ValueError:
        raise invalid(field.name, "is not a number") from None
