"""One run of dbt, told model by model as it goes on."""

import contextlib
import threading
import time
from typing import Any, Final, Self

import duckdb

from commands import modelling, ports
from domain.datasets import Column
from domain.lineage import Lineage
from domain.model_runs import ModelCompleted, ModelStarted, ModelTested, TestResult
from infra.modelling import lineage
from infra.modelling.faults import Fault
from infra.modelling.invoke import Dbt
from infra.modelling.manifest import KINDS, TESTS, Graph
from infra.warehouse import tables
from infra.warehouse.attach import LAKE
from infra.warehouse.commit import CLOCK_COARSE_S, newest_snapshot
from infra.warehouse.quoting import identifier
from infra.workers.desk import Desk

FAILED_TOLD_MAX: Final = 20  # of the models that failed
BAD: Final = frozenset({"error", "fail", "runtime error", "partial success"})
HELD: Final = "Held back until the changed columns of '{}' are accepted."
MODEL_STATUS: Final = {"success": "success", "skipped": "skipped", "no-op": "skipped"}


class Lease:
    """The write lease for a run, given away for a moment between two nodes."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._held = desk, contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._held.enter_context(self._desk.lease())
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def pause(self) -> None:
        """Let those write who wait; they are served in their order."""
        self._held.close()
        self._held.enter_context(self._desk.lease())


class Builder:
    """Carries out one task. dbt's events come in the thread that runs the node."""

    def __init__(
        self, dbt: Dbt, connection: duckdb.DuckDBPyConnection, desk: Desk, task: modelling.Build
    ) -> None:
        self._dbt, self._connection, self._desk, self._task = dbt, connection, desk, task
        self._lease = Lease(desk)
        self._manifest = dbt.parse()
        self._graph = Graph(self._manifest, task.schemas)
        self._relations = lineage.Columns(connection)
        self._pending: dict[str, list[TestResult]] = {}  # of what is tested
        self._models = self._tests = 0
        self._failed: dict[str, Fault] = {}  # models and tests, in order
        self._begun = time.time()  # when the node that runs was started

    def build(self) -> modelling.Built:
        """Build. Raises WorkRefused when nothing can be."""
        found, named = self._graph.read(), self._task.model
        self._desk.report(found)
        if named is not None and named not in {model.name for model in found.models}:
            raise ports.WorkRefused(f"The dbt project has no model '{named}' any more.")
        self._hold_back()
        words = self._words()
        if words is not None:
            with self._lease:
                answer = self._dbt.run(words, manifest=self._manifest, callbacks=[self._event])
            for tested in tuple(self._pending):
                self._tell_tests(tested)
            if not answer.success and not self._failed:
                # A hook of the project, or what it was asked to select.
                raise self._dbt.places.refusal(answer.exception)
            if self._task.select and not self._models + self._tests and not self._task.held:
                named = " ".join(self._task.select)
                raise ports.WorkRefused(f"Nothing in the dbt project matches '{named}'.")
        return self._built()

    def _words(self) -> list[str] | None:
        task = self._task
        selected = list(task.select)
        if task.model is not None:
            selected.append(f"{task.model}+" if task.cascade else task.model)
        if task.sources:
            selected += (found := self._graph.selectors(task.sources))
            if not found:
                return None
        words = ["build", *(("--select", *selected) if selected else ())]
        if held := self._graph.selectors(task.held):
            words += ["--exclude", *held]
        return [*words, "--full-refresh"] if task.full_refresh else words

    def _hold_back(self) -> None:
        """Tell of models that would be built, were their source not held back."""
        task = self._task
        for model in self._graph.models() if task.held else ():
            held = next((name for name in task.held if name in model.sources), None)
            wanted = task.model in (None, model.name) and not task.select
            wanted = wanted and (not task.sources or bool(set(task.sources) & set(model.sources)))
            if held is not None and wanted:
                self._desk.report(
                    ModelCompleted(
                        job=task.job, model=model.name, status="skipped", message=HELD.format(held)
                    )
                )

    def _built(self) -> modelling.Built:
        snapshot = newest_snapshot(self._connection)
        if not self._failed:
            return modelling.Built(models=self._models, tests=self._tests, snapshot=snapshot)
        names = list(self._failed)
        first, fault = next(iter(self._failed.items()))
        more = f" ({len(names) - 1} more failed)" if len(names) > 1 else ""
        return modelling.Built(
            models=self._models,
            tests=self._tests,
            snapshot=snapshot,
            failed=tuple(names[:FAILED_TOLD_MAX]),
            reason=f"{first}: {fault.message}{more}",
            file=fault.file,
            line=fault.line,
        )

    # what dbt says

    def _event(self, event: Any) -> None:
        if event.info.name not in ("NodeStart", "NodeFinished"):
            return
        node = self._graph.nodes.get(event.data.node_info.unique_id)
        if node is None:
            return
        if event.info.name == "NodeFinished":
            self._finished(node, event.data.run_result)
            self._lease.pause()
        elif node.resource_type in KINDS:
            self._begun = time.time()
            name = self._graph.name(node.unique_id)
            self._desk.report(ModelStarted(job=self._task.job, model=name))

    def _finished(self, node: Any, result: Any) -> None:
        if node.resource_type in KINDS:
            self._models += 1
            self._finished_model(node, result)
        elif node.resource_type in TESTS and (tested := self._graph.tested(node)) is not None:
            self._tests += 1
            self._finished_test(node, result, tested)

    def _finished_model(self, node: Any, result: Any) -> None:
        name, status = self._graph.name(node.unique_id), MODEL_STATUS.get(result.status, "error")
        fault = Fault("")
        if status == "error":
            fault = self._dbt.places.of(node, result.message, self._connection)
        elif status == "success" and (unsafe := self._sync(node)) is not None:
            status, fault = "error", unsafe
        if status == "error":
            self._failed[name] = fault
        columns, rows, traced = self._look(node) if status == "success" else ((), None, None)
        self._desk.report(
            ModelCompleted(
                job=self._task.job,
                model=name,
                status=status,
                rows=rows,
                columns=columns,
                snapshot=newest_snapshot(self._connection) if status == "success" else None,
                duration_s=round(result.execution_time, 3),
                message=fault.message or None,
                file=fault.file,
                line=fault.line,
                sql=fault.sql,
                lineage=traced,
            )
        )

    def _sync(self, node: Any) -> Fault | None:
        """Bring what was built to the disk: neither dbt nor the engine does it before they commit.

        A power loss in the moment between loses the model's table, until its next run.
        """
        try:
            since = self._begun - CLOCK_COARSE_S
            tables.sync_fresh(self._dbt.settings.warehouse, (node.schema,), since)
        except ports.WorkFailed as failed:
            return Fault(failed.reason, str(node.original_file_path))
        return None

    def _finished_test(self, node: Any, result: Any, tested: str) -> None:
        bad = result.status in BAD
        message = self._dbt.places.told(result.message) if result.message else None
        if bad:
            fault = self._dbt.places.of(node, result.message, self._connection)
            self._failed[self._graph.name(node.unique_id)] = fault
            message = fault.message
        self._pending.setdefault(tested, []).append(
            TestResult(
                test=self._graph.name(node.unique_id),
                status=str(result.status),
                column=getattr(node, "column_name", None),
                failures=result.num_failures if result.status in ("fail", "warn") else None,
                duration_s=round(result.execution_time, 3),
                message=message,
            )
        )
        if len(self._pending[tested]) == len(self._graph.tests.get(tested, ())):
            self._tell_tests(tested)

    def _tell_tests(self, tested: str) -> None:
        tests = tuple(self._pending.pop(tested))
        name = self._graph.name(tested)
        self._desk.report(ModelTested(job=self._task.job, model=name, tests=tests))

    def _look(self, node: Any) -> tuple[tuple[Column, ...], int | None, Lineage]:
        """The columns of what was built, how many rows it has, and where the columns come from."""
        name = node.alias or node.name
        self._relations.forget(node.schema, name)
        sql = f"SELECT * FROM {LAKE}.{identifier(node.schema)}.{identifier(name)}"  # noqa: S608 - quoted
        try:
            described = self._connection.execute(f"DESCRIBE {sql}").fetchall()
        except duckdb.CatalogException:
            # It lies elsewhere, as external models do.
            return (), None, lineage.of(node, (), self._connection, self._relations)
        columns = tuple(Column(name=line[0], type=line[1]) for line in described)
        traced = lineage.of(node, columns, self._connection, self._relations)
        limit = threading.Timer(self._dbt.settings.count_s_max, self._connection.interrupt)
        limit.start()
        try:
            row = self._connection.execute(f"SELECT count(*) FROM ({sql})").fetchone()  # noqa: S608 - quoted
        except duckdb.InterruptException:
            row = None
        finally:
            limit.cancel()
            limit.join()
        return columns, None if row is None else int(row[0]), traced
