"""YAML files as typed values; what is wrong with one is told by line and column, without its text.

Duplicate keys are refused: PyYAML would silently take the last one. So are aliases that are more
than a file can hold, or that never end.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError
from yaml.reader import ReaderError

from domain import shapes

T = TypeVar("T")

FILE_BYTES_MAX: Final = 1024 * 1024
VALUES_MAX: Final = 100_000  # in one document, aliases written out
DEPTH_MAX: Final = 50  # of values in values; what writes the file goes no deeper either


class Bounds(NamedTuple):
    """How much one file may hold."""

    size_bytes: int = FILE_BYTES_MAX
    values: int = VALUES_MAX


CONFIGURATION: Final = Bounds()
_OPEN: Final = 0  # the weight of a node that is being weighed
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class Unreadable(Exception):
    """A file that cannot be taken; `line` and `column` count from 1."""

    def __init__(
        self, file: str, reason: str, line: int | None = None, column: int | None = None
    ) -> None:
        place = f", line {line}, column {column}" if line is not None else ""
        super().__init__(f"{file}{place}: {reason}")
        self.file, self.reason, self.line, self.column = file, reason, line, column


class _Loader(yaml.SafeLoader):
    """Gives up at the bounds, and tells where a value stands that is none of its kind."""

    def __init__(self, text: str, values_max: int) -> None:
        super().__init__(text)
        self._depth = self._count = 0
        self._most = values_max

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth, self._count = self._depth + 1, self._count + 1
        if self._depth > DEPTH_MAX:
            raise self._too("is nested more than", f"{DEPTH_MAX} levels deep")
        if self._count > self._most:
            raise self._too("is more than", f"{self._most} values")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - as the library has it
        try:
            return super().construct_object(node, deep)
        except ValueError:  # a date in a 13th month, a number of too many digits
            reason = "is no date or number that there is; put it into quotes if it is text"
            raise ConstructorError(None, None, reason, node.start_mark) from None

    def _too(self, what: str, bound: str) -> ComposerError:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # untyped there
        return ComposerError(None, None, f"{what} {bound}", mark)


class Document:
    """One YAML file, and where in it each value stands."""

    def __init__(
        self,
        path: Path,
        data: bytes | None = None,
        *,
        file: str = "",
        bounds: Bounds = CONFIGURATION,
        repeats: bool = False,
    ) -> None:
        """What a file says, or would say with this `data` in it. Raises Unreadable.

        `file` is what people call it; with `repeats`, the last one of equal keys counts.
        """
        self.file, self._bounds, self._repeats = file or path.name, bounds, repeats
        data = contents(path, bounds) if data is None else data
        if len(data) > bounds.size_bytes:
            raise Unreadable(self.file, f"is larger than {bounds.size_bytes} bytes")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise Unreadable(self.file, "is not UTF-8", line, 1) from None
        self._node, self.value = self._parse(text)

    def convert(self, kind: type[T]) -> T:
        """The whole document as a type. Raises Unreadable."""
        return self.convert_at(self.value, kind, "")

    def convert_at(self, value: Any, kind: type[T], path: str) -> T:
        """A part of the document as a type; `path` is where it stands, like `.sources[0]`."""
        try:
            return shapes.typed(value, kind)
        except shapes.ShapeWrong as error:
            raise self.refused(path + error.path, error.reason) from None

    def refused(self, path: str, reason: str) -> Unreadable:
        """A refusal that points at the value under a path like `.sources[0].name`."""
        node = self._node
        for name, index in _STEP.findall(path):
            child = _child(node, name, index)
            if child is None:
                break
            node = child
        label = path.lstrip(".") or "the file"
        if node is None:
            return Unreadable(self.file, f"{label}: {reason}")
        mark = node.start_mark
        return Unreadable(self.file, f"{label}: {reason}", mark.line + 1, mark.column + 1)

    def _parse(self, text: str) -> tuple[yaml.Node | None, Any]:
        try:
            loader = _Loader(text, self._bounds.values)
            node = loader.get_single_node()
            if node is not None:
                self._weigh(node, {})
            value = loader.construct_document(node) if node is not None else {}
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
            raise Unreadable(self.file, error.problem or "is not YAML", line, column) from None
        except ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            reason = f"holds a character that no YAML has, U+{ord(text[error.position]):04X}"
            raise Unreadable(self.file, reason, line, 1) from None
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise Unreadable(self.file, f"is not YAML: {type(error).__name__}") from None
        return node, {} if value is None else value

    def _weigh(self, node: yaml.Node, weights: dict[int, int]) -> int:
        """How many values a node is, aliases written out. Raises Unreadable."""
        if (known := weights.get(id(node))) is not None:
            if known == _OPEN:
                raise self._bad(node, "refers to itself")
            return known
        weights[id(node)] = _OPEN
        weight = 1 + sum(self._weigh(child, weights) for child in self._children(node))
        if weight > self._bounds.values:
            raise self._bad(node, f"is more than {self._bounds.values} values")
        weights[id(node)] = weight
        return weight

    def _children(self, node: yaml.Node) -> Iterator[yaml.Node]:
        if isinstance(node, yaml.ScalarNode):
            if _SURROGATE.search(node.value):
                raise self._bad(node, "holds half of a character")
        elif isinstance(node, yaml.SequenceNode):
            yield from node.value
        elif isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                name = str(key.value)
                if name in keys and name != "<<" and not self._repeats:
                    raise self._bad(key, f"the key '{name[:64]}' stands twice")
                keys.add(name)
                yield key
                yield value

    def _bad(self, node: yaml.Node, reason: str) -> Unreadable:
        mark = node.start_mark
        return Unreadable(self.file, reason, mark.line + 1, mark.column + 1)


def contents(path: Path, bounds: Bounds = CONFIGURATION) -> bytes:
    """What is in a file; nothing, when it is not there. Raises Unreadable."""
    try:
        with path.open("rb") as file:
            return file.read(bounds.size_bytes + 1)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise Unreadable(path.name, f"cannot be opened: {error.strerror}") from None


def _child(node: yaml.Node | None, name: str, index: str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode) and name:
        return next((value for key, value in node.value if str(key.value) == name), None)
    if isinstance(node, yaml.SequenceNode) and index:
        return node.value[int(index)] if int(index) < len(node.value) else None
    return None
