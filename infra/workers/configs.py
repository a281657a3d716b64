"""What each kind of worker is told at its start."""

import msgspec

from infra.backups.settings import Settings as BackupSettings
from infra.inspecting.settings import Settings as InspectSettings
from infra.loading.settings import LoadSettings
from infra.modelling.settings import ModelSettings
from infra.querying.settings import Settings as QuerySettings
from infra.warehouse.lake import encoded
from infra.warehouse.settings import Settings as WarehouseSettings


def every(
    warehouse: WarehouseSettings, modelling: ModelSettings, backups: BackupSettings
) -> dict[str, msgspec.Raw]:
    """The start message of each kind of worker."""
    configs: dict[str, msgspec.Struct | None] = {
        "load": LoadSettings(warehouse=warehouse),
        "fetch": LoadSettings(warehouse=warehouse),
        "query": QuerySettings(warehouse=warehouse),
        "inspect": InspectSettings(warehouse=warehouse),
        "warehouse": warehouse,
        "dbt": modelling,
        "backup": backups,
        "script": None,
        "notebook": warehouse,
        "log": None,
    }
    return {kind: encoded(config) for kind, config in configs.items()}
