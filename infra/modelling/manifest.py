"""dbt's manifest as the platform's models."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from commands.modelling import ProjectRead
from domain.models import CODE_CHARS_MAX, Exposure, Model, ModelColumn, SourceTable

KINDS: Final = frozenset({"model", "seed", "snapshot"})
TESTS: Final = frozenset({"test", "unit_test"})
LAYERS: Final = ("staging", "intermediate", "marts")


class Graph:
    """What a manifest says of models, tests and sources. `schemas` tells whose each schema is."""

    def __init__(self, manifest: Any, schemas: Mapping[str, str]) -> None:
        self.nodes: dict[str, Any] = dict(manifest.nodes)
        self.nodes.update(getattr(manifest, "unit_tests", {}))
        self._sources = dict(manifest.sources)
        self._exposures = dict(getattr(manifest, "exposures", {}))
        self._owners = {schema.casefold(): source for schema, source in schemas.items()}
        self._ancestors: dict[str, frozenset[str]] = {}
        self.tests: dict[str, list[str]] = {}  # unique id of what is tested -> of its tests
        for unique_id, node in self.nodes.items():
            if node.resource_type in TESTS and (tested := self.tested(node)) is not None:
                self.tests.setdefault(tested, []).append(unique_id)

    def read(self) -> ProjectRead:
        """What the project holds."""
        return ProjectRead(
            models=self.models(), exposures=self.exposures(), tables=self.described()
        )

    def described(self) -> tuple[SourceTable, ...]:
        """What somebody has written of tables of sources, by id."""
        found = (
            SourceTable(
                unique_id=node.unique_id,
                schema=str(node.schema),
                relation=str(node.identifier),
                path=node.path,
                description=node.description or "",
                labels=tuple(node.tags),
                columns=tuple(each for each in _columns(node) if each.description),
            )
            for node in self._sources.values()
        )
        return tuple(sorted((each for each in found if each.told), key=lambda each: each.unique_id))

    def exposures(self) -> tuple[Exposure, ...]:
        """All that reads models outside of the project, by id."""
        found = (
            Exposure(
                name=node.name,
                unique_id=node.unique_id,
                type=str(getattr(node.type, "value", node.type)),
                label=node.label or "",
                path=node.path,
                description=node.description or "",
                labels=tuple(node.tags),
                depends_on=tuple(sorted(set(node.depends_on.nodes))),
            )
            for node in self._exposures.values()
        )
        return tuple(sorted(found, key=lambda each: each.unique_id))

    def models(self) -> tuple[Model, ...]:
        """All models, by name."""
        found = [self._model(n) for n in self.nodes.values() if n.resource_type in KINDS]
        return tuple(sorted(found, key=lambda model: model.name))

    def tested(self, node: Any) -> str | None:
        """What a test is about: what it stands at, else the first thing that it reads."""
        attached = getattr(node, "attached_node", None) or getattr(node, "tested_node_unique_id", 0)
        if attached:
            return str(attached)
        return next(iter(node.depends_on.nodes), None)

    def name(self, unique_id: str) -> str:
        """What people call it: a model's name, a source's table as source.table."""
        if (source := self._sources.get(unique_id)) is not None:
            return f"{source.source_name}.{source.name}"
        node = self.nodes.get(unique_id)
        return unique_id if node is None else _name(node)

    def selectors(self, sources: Iterable[str]) -> list[str]:
        """Selectors of dbt's for all that comes from sources of the platform."""
        wanted = set(sources)
        names = {s.source_name for s in self._sources.values() if self._owner(s) in wanted}
        return [f"source:{name}+" for name in sorted(names)]

    def _model(self, node: Any) -> Model:
        tests = [_name(self.nodes[test]) for test in self.tests.get(node.unique_id, ())]
        return Model(
            name=_name(node),
            unique_id=node.unique_id,
            kind=str(node.resource_type),
            path=node.path,
            layer=_layer(node),
            materialization=str(node.config.materialized or ""),
            database=node.database or "",
            schema=node.schema or "",
            relation=node.alias or node.name,
            description=node.description or "",
            labels=tuple(node.tags),
            depends_on=tuple(sorted(set(getattr(node.depends_on, "nodes", ())))),
            sources=tuple(sorted(self._from(node.unique_id))),
            columns=_columns(node),
            tests=tuple(sorted(tests)),
            checksum=node.checksum.checksum,
            code=str(getattr(node, "raw_code", "") or "")[:CODE_CHARS_MAX],
        )

    def _from(self, unique_id: str) -> frozenset[str]:
        """The platform's sources that something comes from, however far."""
        if unique_id in self._ancestors:
            return self._ancestors[unique_id]
        if (source := self._sources.get(unique_id)) is not None:
            owner = self._owner(source)
            found = frozenset((owner,)) if owner else frozenset()
        else:
            node = self.nodes.get(unique_id)
            parents = getattr(getattr(node, "depends_on", None), "nodes", ())
            found = frozenset[str]().union(*(self._from(parent) for parent in parents))
        self._ancestors[unique_id] = found
        return found

    def _owner(self, source: Any) -> str | None:
        return self._owners.get(str(source.schema).casefold())


def _columns(node: Any) -> tuple[ModelColumn, ...]:
    return tuple(
        ModelColumn(
            name=column.name,
            description=column.description or "",
            data_type=column.data_type,
        )
        for column in node.columns.values()
    )


def _name(node: Any) -> str:
    version = getattr(node, "version", None)
    return str(node.name) if version is None else f"{node.name}.v{version}"


def _layer(node: Any) -> str:
    folders = str(node.path).split("/")[:-1]
    return next((layer for layer in LAYERS if layer in folders), node.schema or "")
