"""What the dbt project reads like is compared with what is known."""

import msgspec

from commands.models import DECIDERS, ApplyModels
from domain import models
from tests.decisions import Scenario
from tests.modelled import model, reconfigured, registered


def given(*events):
    return Scenario(DECIDERS, events)


def test_only_what_differs_happened():
    wanted = (model("daily", description="by day"), model("new"), model("same"))

    given(registered("daily"), registered("same"), registered("gone")).when(
        ApplyModels(models=wanted)
    ).then(
        models.ModelRemoved(model="gone"),
        reconfigured("daily", "description", description="by day"),
        registered("new"),
    )


def test_a_project_without_models_has_lost_all():
    given(registered()).when(ApplyModels(models=())).then(models.ModelRemoved(model="daily"))


def exposure(name="weekly", **fields):
    return models.Exposure(name=name, unique_id=f"exposure.shop.{name}", **fields)


def declared(*exposures):
    return models.ExposuresDeclared(exposures=exposures)


def test_exposures_are_told_of_when_they_differ():
    first, other = exposure("a"), exposure("b")
    wanted = ApplyModels(models=(), exposures=(other, first))

    given().when(wanted).then(declared(first, other))
    given(declared(first, other)).when(wanted).then()
    given(declared(first)).when(ApplyModels(models=())).then(declared())


def test_the_number_of_exposures_is_bounded():
    many = tuple(exposure(f"e{number:05}") for number in range(models.EXPOSURES_MAX + 1))

    given().when(ApplyModels(models=(), exposures=many)).then(declared(*many[:-1]))


AMOUNT = models.ModelColumn(name="amount", description="in francs")
ORDERS = models.SourceTable(
    unique_id="source.shop.shop.orders", schema="raw_orders", relation="orders", columns=(AMOUNT,)
)
ITEMS = models.SourceTable(
    unique_id="source.shop.shop.items", schema="raw_items", relation="items", description="Sold"
)


def described(table):
    return models.SourceTableDescribed(table=table)


def test_tables_of_sources_are_told_of_when_what_is_said_of_them_differs():
    wanted = ApplyModels(models=(), tables=(ORDERS, ITEMS))
    other = msgspec.structs.replace(ITEMS, description="What was sold")
    gone = models.SourceTableUndescribed(unique_id=ORDERS.unique_id)

    given().when(wanted).then(described(ITEMS), described(ORDERS))
    given(described(ITEMS), described(ORDERS)).when(wanted).then()
    given(described(ITEMS), described(ORDERS)).when(ApplyModels(models=(), tables=(other,))).then(
        gone, described(other)
    )


def test_a_table_of_which_nothing_is_said_is_not_told_of():
    bare = msgspec.structs.replace(ITEMS, description="")

    given().when(ApplyModels(models=(), tables=(bare,))).then()
    given(described(ITEMS)).when(ApplyModels(models=(), tables=(bare,))).then(
        models.SourceTableUndescribed(unique_id=ITEMS.unique_id)
    )


def test_the_number_of_described_tables_is_bounded(monkeypatch):
    monkeypatch.setattr(models, "DESCRIBED_MAX", 1)

    given().when(ApplyModels(models=(), tables=(ORDERS, ITEMS))).then(described(ITEMS))
