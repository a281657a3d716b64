"""dbt's and the engine's complaints as sentences for people: with file and line, without paths."""

import re
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
from dbt_common.exceptions import DbtBaseException

from commands import ports
from infra.modelling.settings import ModelSettings
from infra.querying import discreet, messages

# "Compilation Error in model orders (models/marts/orders.sql)" is how dbt begins.
HEAD: Final = re.compile(r"\A(?:[A-Z]\w*(?: \w+)? Error)(?: in [^\n]*?\((?P<file>[^()\n]+)\))?\n")
LINE: Final = re.compile(r"\bline (\d+)\b")
PLACE: Final = re.compile(r"\n\s*LINE (?P<line>\d+): [^\n]*(?:\n\s*\^[^\n]*)?")
SEEN: Final = re.compile(r"\n\s*(?:compiled code at|> in macro|> called by)[^\n]*")
FILE: Final = re.compile(r"(?P<file>[\w./-]+\.(?:sql|py|yml|yaml|csv|md))")


class Fault(NamedTuple):
    """What is wrong, and where."""

    message: str
    file: str | None = None
    line: int | None = None
    sql: str | None = None


class Places:
    """Knows which paths must not be told."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._roots = (str(Path(settings.project)), str(Path(settings.project).resolve()))
        messages.hide_places((*settings.warehouse.places(), settings.project))

    def told(self, text: str) -> str:
        """A text without paths of the server, without secrets, in bounds."""
        return self._scrubbed(text).strip()[: self._settings.message_chars_max]

    def _scrubbed(self, text: str) -> str:
        for root in self._roots:
            text = text.replace(f"{root}/", "")
        return messages.scrubbed(text, "")

    def refusal(self, error: BaseException | None) -> ports.WorkRefused:
        """The project cannot be read, or not be built at all."""
        fault = self._taken_apart(str(error) if error is not None else "dbt gave no reason.")
        return ports.WorkRefused(fault.message, file=fault.file, line=fault.line)

    def of(self, node: Any, message: str, connection: duckdb.DuckDBPyConnection) -> Fault:
        """What is wrong with a node that could not be built, or a test that failed."""
        fault = self._taken_apart(message or "dbt gave no reason.")
        file = str(node.original_file_path)
        compiled = getattr(node, "compiled_code", None)
        if not compiled:
            return fault._replace(file=file)
        at = line_of(connection, compiled)
        same = compiled.count("\n") == str(getattr(node, "raw_code", "")).rstrip("\n").count("\n")
        return Fault(
            message=fault.message,
            file=file,
            line=at if same else None,
            sql=self.told_sql(compiled, at),
        )

    def told_sql(self, compiled: str, line: int | None) -> str:
        """Some lines of compiled code, numbered, around the one that is wrong."""
        lines = compiled.splitlines()
        most = self._settings.sql_lines_max
        first = max(0, min((line or 1) - 1 - most // 2, len(lines) - most))
        shown = (
            f"{'>' if number == line else ' '} {number:>4}  {text}"
            for number, text in enumerate(lines[first : first + most], first + 1)
        )
        return self._scrubbed("\n".join(shown))[: self._settings.sql_chars_max]

    def _taken_apart(self, text: str) -> Fault:
        text = text.replace("\r\n", "\n")
        head, at = HEAD.match(text), LINE.search(text)
        file = head["file"] if head is not None else None
        body = text[head.end() :] if head is not None else text
        body = SEEN.sub("", PLACE.sub("", body))
        body = discreet.told(" ".join(body.split()))
        told = self.told(body)
        if file is None and (found := FILE.search(told)) is not None:
            file = found["file"].strip()
        return Fault(told, self.told(file) if file else None, int(at[1]) if at else None)


def foreseen(error: BaseException) -> bool:
    """Whether the project is to blame, and not the program."""
    return isinstance(error, DbtBaseException)


def line_of(connection: duckdb.DuckDBPyConnection, compiled: str) -> int | None:
    """The line of compiled code that the engine cannot take, if it is such a fault."""
    try:
        # Looks at it as at any statement, and runs nothing.
        connection.execute(f"EXPLAIN {compiled}")
    except duckdb.Error as error:
        found = PLACE.search(str(error))
        return None if found is None else int(found["line"])
    return None
