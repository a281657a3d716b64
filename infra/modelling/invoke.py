"""Running dbt inside this process: quiet, without telemetry, with a profile of our own."""

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import yaml
from dbt.cli.main import dbtRunner, dbtRunnerResult

from commands import ports
from infra.modelling import faults, plugin, project
from infra.modelling.settings import ModelSettings
from infra.warehouse import attach, temporary
from infra.warehouse.attach import LAKE

ENGINE: Final = ":memory:dango"  # the name under which dbt opens this process's engine
THREADS: Final = 1  # the SQLite catalogue takes one writer at a time
QUIET: Final = (
    "--no-send-anonymous-usage-stats",
    "--no-version-check",
    "--no-use-colors",
    "--quiet",
    "--log-level=none",
    "--log-level-file=none",
)

Callback = Callable[[Any], None]

log = logging.getLogger("infra.modelling")


class Dbt:
    """dbt on one project."""

    def __init__(self, settings: ModelSettings) -> None:
        os.environ["DO_NOT_TRACK"] = "1"
        self.settings, self.folder = settings, Path(settings.project)
        self.places = faults.Places(settings)
        plugin.options.update(attach.options(settings.warehouse))
        self.engine = attach.engine(settings.warehouse, ENGINE)
        self._profiles = temporary.own_folder(settings.warehouse) / "dbt"
        self._profiles.mkdir(exist_ok=True)

    def prepare(self) -> None:
        """Make what is missing of the project, and its profile. Raises WorkRefused."""
        project.make(self.folder, self.settings.name)
        named = project.configuration(self.folder).get("profile") or "dango"
        text = yaml.safe_dump(profile(str(named)))
        (self._profiles / "profiles.yml").write_text(text, encoding="utf-8")

    def parse(self) -> Any:
        """Read the project: its manifest. Raises WorkRefused."""
        answer = self.run(("parse",))
        if not answer.success:
            raise self.places.refusal(answer.exception)
        return answer.result

    def run(
        self,
        words: Sequence[str],
        *,
        manifest: Any = None,
        callbacks: Sequence[Callback] = (),
    ) -> dbtRunnerResult:
        """Run one command of dbt's."""
        target = self.folder / "target"
        where = (
            f"--project-dir={self.folder}",
            f"--profiles-dir={self._profiles}",
            f"--target-path={target}",
            f"--log-path={target / 'logs'}",
        )
        runner = dbtRunner(manifest=manifest, callbacks=list(callbacks))
        answer = runner.invoke([*words, *where, *QUIET])
        if answer.exception is not None and not faults.foreseen(answer.exception):
            log.error("dbt %s failed", words[0], exc_info=answer.exception)
            # What dbt keeps in this process may be half made: another one is safer.
            raise ports.WorkDied(self.places.refusal(answer.exception).reason)
        return answer


def profile(name: str) -> dict[str, Any]:
    """The profile that a project asks for by this name. No secret is ever in it."""
    output = {
        "type": "duckdb",
        "path": ENGINE,
        "database": LAKE,
        "schema": "main",
        "threads": THREADS,
        # It is there already, so that nothing is attached; dbt-duckdb learns what it is.
        "attach": [{"path": f"ducklake:{LAKE}", "alias": LAKE}],
        "plugins": [{"module": plugin.__name__}],
    }
    return {name: {"target": "dango", "outputs": {"dango": output}}}
