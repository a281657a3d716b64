"""A lake with a dbt project over it, as the server has them."""

import shutil

import msgspec

from commands import modelling
from infra.loading.settings import LoadSettings
from infra.modelling.dbt import DbtModelling
from infra.modelling.settings import ModelSettings
from infra.warehouse.lake import LakeWarehouse, encoded, kinds, write_lease
from infra.workers.pool import Pool
from tests.infra.warehouse.conftest import embedded, ignore, source

MARTS = {
    "by_parity.sql": "select id % 2 as parity, count(*) as n\n"
    "from {{ ref('stg_orders__orders') }} group by 1\n",
    "evens.sql": "select * from {{ ref('by_parity') }} where parity = 0\n",
    "marts.yml": """
models:
  - name: by_parity
    description: How many are odd
    columns:
      - {name: parity, description: 0 or 1, data_tests: [unique, not_null]}
""",
}


class Site:
    """A lake with one source, a dbt project, and the pool of the server."""

    def __init__(self, root, settings=None):
        self.root, self.folder = root, root / "dbt"
        self.settings = settings or embedded(root)
        self.modelling_settings = ModelSettings(
            warehouse=self.settings,
            project=str(self.folder),
            docs=str(root / "docs"),
            name="shop",
        )
        configs = {
            "dbt": encoded(self.modelling_settings),
            "load": encoded(LoadSettings(warehouse=self.settings)),
            "warehouse": encoded(self.settings),
        }
        self.lease = write_lease(self.settings)
        few = [
            msgspec.structs.replace(kind, spares=int(kind.lazy)) for kind in kinds(self.settings)
        ]
        self.pool = Pool(configs, kinds=few, lease=self.lease)
        self.lake = LakeWarehouse(self.pool, self.settings)
        self.modelling = DbtModelling(self.pool, self.modelling_settings)
        self.told = []

    async def open(self):
        await self.lake.create()
        loaded = await self.lake.load(source(self.root, "orders", 9), ignore)
        await self.modelling.lay_out("orders", "What was sold", loaded.tables)

    def write(self, files):
        """Marts of the test, and nothing else."""
        marts = self.folder / "models" / "marts"
        shutil.rmtree(marts, ignore_errors=True)
        marts.mkdir()
        for name, text in files.items():
            (marts / name).write_text(text)

    async def build(self, job=7, **fields):
        self.told = []
        task = modelling.Build(job=job, schemas={"raw_orders": "orders"}, **fields)
        return await self.modelling.build(task, self.told.append)

    def of(self, kind):
        return [each for each in self.told if isinstance(each, kind)]

    async def tables(self):
        return {f"{t.schema}.{t.name}": t.row_count for t in await self.lake.tables()}
