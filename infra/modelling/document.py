"""dbt's own documentation as one page, published whole or not at all."""

import json
import shutil
from pathlib import Path
from typing import Final

from infra.modelling.invoke import Dbt

INDEX: Final = "index.html"
FILES: Final = {
    "static_index.html": INDEX,
    "manifest.json": "manifest.json",
    "catalog.json": "catalog.json",
}


def document(dbt: Dbt) -> None:
    """Make it anew. Raises WorkRefused."""
    answer = dbt.run(("docs", "generate", "--static"))
    if not answer.success and answer.exception is not None:
        raise dbt.places.refusal(answer.exception)
    publish(dbt.folder / "target", Path(dbt.settings.docs), dbt.folder)


def publish(target: Path, docs: Path, project: Path) -> None:
    """Copy what dbt made, without the paths of this machine."""
    beside = docs.with_name(f"{docs.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    roots = {str(project), str(project.resolve())}
    for source, name in FILES.items():
        text = (target / source).read_text(encoding="utf-8")
        for root in roots:
            # As the root of a seed, and inside of strings of JSON in the page.
            text = text.replace(json.dumps(root)[1:-1], ".")
        (beside / name).write_text(text, encoding="utf-8")
    before = docs.with_name(f"{docs.name}.old")
    shutil.rmtree(before, ignore_errors=True)
    if docs.exists():
        docs.rename(before)
    beside.rename(docs)
    shutil.rmtree(before, ignore_errors=True)
