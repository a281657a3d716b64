"""A call of a tool as a request to the API: each argument checked, and put where its row says."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from api import tools
from api.cli.client import segment
from api.tools import Parameter, Tool

CONFIRM: Final = "confirm"
NAME_CHARS_MAX: Final = 1_000  # of what goes into an address; names here have 255 at most
INTEGER_BITS: Final = 63  # of what the API takes
CONFIRMATION: Final[Mapping[str, str]] = {
    "type": "boolean",
    "description": "true carries it out; without it the answer tells what would be done.",
}


class NotTaken(Exception):
    """An argument that the tool does not take, in one sentence."""


class Request(NamedTuple):
    """One request to the API."""

    method: str
    path: str
    query: dict[str, Any]
    body: dict[str, Any] | None

    def __str__(self) -> str:
        asked = ", ".join(f"{name} = {value!r}" for name, value in self.given.items())
        return f"{self.method} {self.path}" + (f" with {asked}" if asked else "")

    @property
    def given(self) -> dict[str, Any]:
        """What is told beside the path."""
        return {**self.query, **(self.body or {})}


def input_schema(tool: Tool) -> dict[str, Any]:
    """What the tool takes; `confirm` too, where it changes something."""
    schema = tools.schema(tool)
    if not tool.is_read_only:
        schema["properties"][CONFIRM] = dict(CONFIRMATION)
    return schema


def confirmed(tool: Tool, arguments: Mapping[str, Any]) -> bool:
    """Whether the call may be carried out. Raises NotTaken."""
    given = arguments.get(CONFIRM, False)
    if not isinstance(given, bool):
        raise NotTaken(f"{CONFIRM} is to be true or false.")
    return given or tool.is_read_only


def request(tool: Tool, arguments: Mapping[str, Any]) -> Request:
    """The request that a call stands for. Raises NotTaken, Refusal."""
    known = {parameter.name for parameter in tool.parameters}
    known |= set() if tool.is_read_only else {CONFIRM}
    strangers = sorted(set(arguments) - known)
    if strangers:
        took = ", ".join(sorted(known)) or "nothing"
        raise NotTaken(f"{tool.name} does not take {strangers[0][:100]!r}; it takes {took}.")
    places: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "body": {}}
    for parameter in tool.parameters:
        value = arguments.get(parameter.name)
        if value is not None:
            _check(parameter, value)
            places[parameter.place][parameter.name] = value
        elif parameter.required:
            raise NotTaken(f"{tool.name} needs {parameter.name}: {parameter.description}")
    names = {name: segment(str(value)) for name, value in places["path"].items()}
    return Request(
        method=tool.method,
        path=tool.endpoint.format_map(names),
        query=places["query"],
        body=places["body"] if tool.method != "GET" else None,
    )


def _check(parameter: Parameter, value: Any) -> None:
    """Whether a value is of the parameter's type and no burden. Raises NotTaken."""
    name = parameter.name
    match parameter.type:
        case "boolean":
            fits = isinstance(value, bool)
        case "integer":
            fits = isinstance(value, int) and not isinstance(value, bool)
            fits = fits and abs(value) < 1 << INTEGER_BITS
        case _:
            fits = isinstance(value, str)
    if not fits:
        raise NotTaken(f"{name} is to be of type {parameter.type}.")
    if isinstance(value, str):
        if parameter.place != "body" and len(value) > NAME_CHARS_MAX:
            raise NotTaken(f"{name} is longer than {NAME_CHARS_MAX} characters.")
        if any("\ud800" <= char <= "\udfff" for char in value):
            raise NotTaken(f"{name} holds half a character (a lone surrogate).")
    if parameter.enum is not None and value not in parameter.enum:
        raise NotTaken(f"{name} is to be one of {', '.join(parameter.enum)}.")
