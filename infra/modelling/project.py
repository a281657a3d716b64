"""The dbt project's folder: found as it is, or made small and good."""

import re
from pathlib import Path
from typing import Any, Final

from commands import ports
from infra.configuration.documents import Bounds, Document, Unreadable

FILE: Final = "dbt_project.yml"
MODEL_PATHS: Final = ("models",)
YAML_BYTES_MAX: Final = 8 * 1024 * 1024  # a source of a thousand tables is defined in one file
YAML_VALUES_MAX: Final = 500_000
BOUNDS: Final = Bounds(YAML_BYTES_MAX, YAML_VALUES_MAX)
RESERVED: Final = frozenset({"dbt", "dbt_duckdb", "dbt_postgres", "duckdb"})  # packages of dbt's
PROJECT: Final = """\
# The models of this platform. https://docs.getdbt.com/reference/dbt_project.yml
name: {name}
version: "1.0"
profile: dango
model-paths: [models]
seed-paths: [seeds]
test-paths: [tests]
macro-paths: [macros]
snapshot-paths: [snapshots]
analysis-paths: [analyses]
clean-targets: [target]
flags:
  send_anonymous_usage_stats: false
models:
  {name}:
    staging:
      +materialized: view
      +schema: staging
    intermediate:
      +materialized: view
      +schema: intermediate
    marts:
      +materialized: table
      +schema: marts
"""
SCHEMA_MACRO: Final = """\
{# A model's schema is the one that it names: marts, and not main_marts. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
"""
IGNORED: Final = "target/\nlogs/\ndbt_packages/\n.user.yml\n"


def make(folder: Path, name: str) -> None:
    """Make a project where there is none; a file that is there stays."""
    if (folder / FILE).exists():
        return
    for part in ("models/staging", "models/intermediate", "models/marts", "macros"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    files = {
        "macros/generate_schema_name.sql": SCHEMA_MACRO,
        ".gitignore": IGNORED,
        FILE: PROJECT.format(name=slug(name)),  # last: with it the project is there
    }
    for path, text in files.items():
        if not (folder / path).exists():
            (folder / path).write_text(text)


def slug(name: str) -> str:
    """A name as dbt wants it: letters, digits and underscores, a letter first."""
    found = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:50]
    return found if found[:1].isalpha() and found not in RESERVED else f"project_{found}".strip("_")


def configuration(folder: Path) -> dict[str, Any]:
    """dbt_project.yml. Raises WorkRefused."""
    return read_yaml(folder / FILE, FILE)


def read_yaml(path: Path, name: str) -> dict[str, Any]:
    """A file of the project, `name` being its path for people. Raises WorkRefused.

    Keys may stand twice, as they may for dbt.
    """
    if not path.is_file():
        raise ports.WorkRefused(f"{name} is not there.", file=name)
    try:
        value = Document(path, file=name, bounds=BOUNDS, repeats=True).value
    except Unreadable as error:
        reason = f"{name} cannot be read: {error.reason}."
        raise ports.WorkRefused(reason, file=name, line=error.line) from None
    return value if isinstance(value, dict) else {}


def model_folders(folder: Path) -> list[Path]:
    """Where models lie; only folders inside of the project. Raises WorkRefused."""
    named = configuration(folder).get("model-paths") or MODEL_PATHS
    paths = [folder / str(part) for part in named]
    return [path for path in paths if path.resolve().is_relative_to(folder.resolve())]
