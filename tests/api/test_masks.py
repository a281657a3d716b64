"""Values of personal columns are masked wherever an answer shows values, in the past too."""

import pytest

from commands.ports import Sample
from domain.datasets import Column
from tests.api.test_governance import COLUMNS, Shop
from tests.api.test_profiles import VALUE, found_personal


class Warehouse:
    async def sample(self, load):
        columns = (*COLUMNS, "new")
        return Sample(
            columns=tuple(Column(name=name, type="VARCHAR") for name in columns),
            rows=(("1", VALUE, "x"), (None, None, None)),
        )


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path)
    object.__setattr__(made.platform, "warehouse", Warehouse())
    object.__setattr__(made.platform, "root", "/shop")
    return made


def test_a_source_is_tried_out_with_masks_by_who_may_not_see_personal_data(shop):
    """No scan can have looked at what was never published: it is not shown either."""

    async def story():
        admin = await shop.logged_in()
        await shop.known("orders")
        path, masks = "/api/sources/orders/test", {"X-Dango-Mask": "1"}
        unknown = (await admin.post(path, headers=masks)).json()
        assert [["***"] * 3, [None] * 3] == unknown["rows"]
        await shop.publish(COLUMNS)
        await found_personal(shop)
        shown = (await admin.post(path)).json()
        assert ["1", VALUE, "x"] == shown["rows"][0]
        hidden = (await admin.post(path, headers=masks)).json()
        assert [["1", "***", "***"], [None] * 3] == hidden["rows"]

    shop.run(story)
