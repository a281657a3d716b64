"""SQL text from names and values; nothing else may put them into a statement."""

import re

# Schemas and tables become folder names too, so that staged files lie where DuckLake expects them.
PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


def identifier(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text value."""
    return "'" + text.replace("'", "''") + "'"
