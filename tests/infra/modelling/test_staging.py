"""What is written into a dbt project for a source, and what is left alone."""

import pytest
import yaml

from commands.ports import WorkRefused
from domain.datasets import Column, Table
from infra.loading import change, staged
from infra.modelling import files, project, staging


def table(*columns, name="orders", schema="raw_orders"):
    told = tuple(Column(name=column, type="BIGINT") for column in columns)
    return Table(schema=schema, name=name, row_count=1, columns=told)


@pytest.fixture
def folder(tmp_path):
    project.make(tmp_path / "dbt", "Corner shop")
    return tmp_path / "dbt"


@pytest.fixture
def lay_out(folder):
    def lay_out(*columns, source="orders", description="", **fields):
        staging.lay_out(folder, source, description, [table(*columns, **fields)])
        return folder / "models" / "staging"

    return lay_out


def test_a_source_gets_its_definition_and_a_model_for_each_table(lay_out):
    folder = lay_out("id", "order", "_dango_file", description="What was {{ sold }}")

    code = (folder / "stg_orders__orders.sql").read_text()
    defined = yaml.safe_load((folder / "sources_orders.yml").read_text())["sources"][0]
    assert code.endswith("select\n    id,\n    \"order\"\nfrom {{ source('orders', 'orders') }}\n")
    assert ("orders", "raw_orders") == (defined["name"], defined["schema"])
    assert ["id", "order"] == [column["name"] for column in defined["tables"][0]["columns"]]
    assert "{{" not in defined["description"]


def test_a_generated_file_follows_the_table(lay_out):
    lay_out("id")
    folder = lay_out("id", "price")

    assert "    price\n" in (folder / "stg_orders__orders.sql").read_text()
    assert "price" in (folder / "sources_orders.yml").read_text()


@pytest.mark.parametrize("name", ["stg_orders__orders.sql", "sources_orders.yml"])
def test_what_somebody_has_edited_is_left_alone(lay_out, name):
    path = lay_out("id") / name
    edited = path.read_text().replace("id", "id ")
    path.write_text(edited)

    lay_out("id", "price")

    assert edited == path.read_text()


def test_a_file_of_somebody_is_left_alone(lay_out, folder):
    own = folder / "models" / "staging" / "stg_orders__orders.sql"
    own.write_text("select 1 as id\n")

    lay_out("id")

    assert "select 1 as id\n" == own.read_text()


def test_what_lies_elsewhere_in_the_project_is_not_made_a_second_time(lay_out, folder):
    own = folder / "models" / "ours"
    own.mkdir()
    (own / "stg_orders__orders.sql").write_text("select 1 as id\n")
    (own / "sources.yml").write_text("sources: [{name: orders, schema: raw_orders}]\n")

    staged = lay_out("id")

    assert [] == list(staged.iterdir())


def test_only_the_lineage_of_a_row_is_left_out(lay_out):
    ours = [column.name for column in (*staged.LINEAGE, *change.VALID)]

    code = (lay_out("id", *ours) / "stg_orders__orders.sql").read_text()

    assert ["id", "_dango_valid_from", "_dango_valid_to"] == [
        line.strip(" ,") for line in code.splitlines() if line.startswith("    ")
    ]


@pytest.fixture
def shop(folder):
    """Two sources, one with two tables; its names begin those of the other one's."""
    tables = [table("id", name=name) for name in ("bills", "lines")]
    staging.lay_out(folder, "shop", "", tables)
    staging.lay_out(folder, "shop__old", "", tables[:1])
    return folder


def names(folder):
    return sorted(path.name for path in (folder / "models" / "staging").iterdir())


def test_what_was_made_for_a_table_that_is_gone_goes_too(shop):
    staging.lay_out(shop, "shop", "", [table("id", name="bills")])

    assert [
        "sources_shop.yml",
        "sources_shop__old.yml",
        "stg_shop__bills.sql",
        "stg_shop__old__bills.sql",
    ] == names(shop)
    assert ["bills"] == defined(shop)


@pytest.mark.parametrize(
    "reader",
    [
        ("models/marts/daily.sql", "select * from {{ ref('stg_shop__lines') }}"),
        ("models/marts/daily.yml", "models: [{name: stg_shop__lines}]"),
    ],
)
def test_what_is_read_stays_and_the_project_can_be_read(shop, reader):
    path, text = reader
    (shop / path).write_text(text)

    staging.lay_out(shop, "shop", "", [table("id", name="bills")])

    assert "stg_shop__lines.sql" in names(shop)
    assert ["bills", "lines"] == defined(shop)


def test_a_table_that_a_model_reads_by_itself_stays_defined(shop):
    (shop / "models/marts/daily.sql").write_text("select * from {{ source( \"shop\",'lines') }}")

    for _ in range(2):
        staging.lay_out(shop, "shop", "", [table("id", name="bills")])

    assert "stg_shop__lines.sql" not in names(shop)
    assert ["bills", "lines"] == defined(shop)


def test_what_dbt_has_made_reads_nothing(shop):
    compiled = shop / "target" / "compiled.sql"
    compiled.parent.mkdir()
    compiled.write_text("select * from stg_shop__lines")

    staging.lay_out(shop, "shop", "", [table("id", name="bills")])

    assert "stg_shop__lines.sql" not in names(shop)


def test_a_source_that_is_no_more_leaves_nothing_but_what_is_read_or_edited(shop):
    (shop / "models/marts/daily.sql").write_text("select * from {{ ref('stg_shop__lines') }}")
    edited = shop / "models/staging/stg_shop__old__bills.sql"
    edited.write_text(edited.read_text() + "where id > 1\n")

    for name in ("shop", "shop__old", "never"):
        staging.take_out(shop, name)

    assert [
        "sources_shop.yml",
        "sources_shop__old.yml",
        "stg_shop__lines.sql",
        "stg_shop__old__bills.sql",
    ] == names(shop)


def test_a_source_that_nothing_reads_is_gone_whole(shop):
    staging.take_out(shop, "shop")

    assert ["sources_shop__old.yml", "stg_shop__old__bills.sql"] == names(shop)


def test_where_there_is_no_project_none_is_made_to_take_a_source_out(tmp_path):
    staging.take_out(tmp_path / "dbt", "shop")

    assert not (tmp_path / "dbt").exists()


def test_in_a_project_too_large_to_search_everything_stays(shop, monkeypatch):
    monkeypatch.setattr(files, "FILES_MAX", 2)

    staging.take_out(shop, "shop")

    assert "stg_shop__lines.sql" in names(shop)


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("models/marts/daily.sql", "select 1", "daily"),
        ("models/marts/daily_v2.sql", "select 1", "daily.v2"),
        ("seeds/countries.csv", "code,name", "countries"),
        ("snapshots/all.sql", "{% snapshot prices %}", "prices"),
        ("models/marts/daily.yml", "models:\n  - name: 'weekly'", "weekly"),
    ],
)
def test_the_files_of_a_project_say_which_models_it_may_have(shop, path, text, name):
    before = files.names(shop, name)
    (shop / path).parent.mkdir(exist_ok=True)
    (shop / path).write_text(text)

    assert (False, True) == (before, files.names(shop, name))
    assert not files.names(shop, "1")


def defined(folder):
    text = (folder / "models" / "staging" / "sources_shop.yml").read_text()
    return [entry["name"] for entry in yaml.safe_load(text)["sources"][0]["tables"]]


def test_a_table_without_columns_is_not_laid_out(lay_out):
    assert [] == list(lay_out().iterdir())


@pytest.mark.parametrize("column", ["{{ env_var('HOME') }}", "a'b", 'a"b', "größe", "A"])
def test_the_name_of_a_column_is_a_name_and_no_code(lay_out, column):
    code = (lay_out(column) / "stg_orders__orders.sql").read_text()

    quoted = '"' + column.replace('"', '""') + '"'
    written = quoted if "{" not in column else "{{ '" + quoted.replace("'", "\\'") + "' }}"
    assert f"select\n    {written}\nfrom" in code


def test_a_broken_file_of_the_project_is_named(lay_out, folder):
    (folder / "models" / "wrong.yml").write_text("models: [\n")

    with pytest.raises(WorkRefused) as refused:
        lay_out("id")

    assert "models/wrong.yml" == refused.value.facts["file"]


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        ("a: " + "[" * 60 + "]" * 60, "nested more than", 1),
        ("a: &a [1]\nb: &b [" + "*a, " * 900 + "]\nc: [" + "*b, " * 900 + "]", "more than", 3),
        ("a: &a [*a]", "refers to itself", 1),
        ("a: 2026-13-01", "no date", 1),
        ("a: '" + "x" * project.YAML_BYTES_MAX + "'", "larger than", None),
    ],
)
def test_what_reading_a_file_of_the_project_takes_is_bounded(folder, text, why, line):
    path = folder / "models" / "wrong.yml"
    path.write_text(text)

    with pytest.raises(WorkRefused, match=why) as refused:
        project.read_yaml(path, "models/wrong.yml")

    assert {"file": "models/wrong.yml", "line": line} == refused.value.facts


def test_a_key_that_stands_twice_in_a_file_of_the_project_is_what_it_is_last(folder):
    (folder / "twice.yml").write_text("name: one\nname: other\n")

    assert {"name": "other"} == project.read_yaml(folder / "twice.yml", "twice.yml")
    with pytest.raises(WorkRefused, match="is not there"):
        project.read_yaml(folder / "none.yml", "none.yml")


def test_a_project_that_is_there_stays_as_it_is(tmp_path):
    (tmp_path / "dbt_project.yml").write_text("name: mine\n")

    project.make(tmp_path, "other")

    assert ["dbt_project.yml"] == [path.name for path in tmp_path.iterdir()]
    assert {"name": "mine"} == project.configuration(tmp_path)


def test_models_are_looked_for_inside_of_the_project_alone(tmp_path):
    (tmp_path / "dbt_project.yml").write_text("model-paths: [../../elsewhere, here]\n")

    assert [tmp_path / "here"] == project.model_folders(tmp_path)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Corner shop", "corner_shop"),
        ("2026", "project_2026"),
        ("", "project"),
        ("dbt", "project_dbt"),
    ],
)
def test_a_project_is_named_as_dbt_wants_it(name, slug):
    assert slug == project.slug(name)
