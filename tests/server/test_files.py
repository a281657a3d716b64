"""Files as people have them, over HTTP: loaded rightly, or refused with file and line."""

import pytest

from tests.server.harness import until
from tests.server.template import sources_yml, write_rows, write_sources

GOOD = "id,name\n1,a\n2,b\n"


@pytest.fixture
def load(server, admin, request):
    """A function that loads bytes into a source of the test's own."""
    name = f"t{abs(hash(request.node.name)) % 10**9}"
    folder = server.root / "data/uploads" / name
    folder.mkdir(parents=True)
    write_sources(server.root, sources_yml("orders", name))
    until(lambda: name in [source["name"] for source in admin.get("/api/sources").json()])

    def load(data):
        (folder / "data.csv").write_bytes(data)
        status = server.sync(admin, name)
        return status, f"raw_{name}.{name}"

    return load


@pytest.fixture
def loaded(load):
    """The same; the source has two good rows."""
    assert "success" == load(GOOD.encode())[0]["status"]
    return load


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"id;name\n1;x\n2;y\n", [[1, "x"], [2, "y"]]),
        (b"id\tname\n1\tx\n2\ty\n", [[1, "x"], [2, "y"]]),
        ("id,name\n1,Jos\xe9\n2,na\xefve\n".encode("cp1252"), [[1, "Jos\xe9"], [2, "na\xefve"]]),
        (b"\xef\xbb\xbfid,name\n1,x\n", [[1, "x"]]),
        ("id,name\n1,\u65e5\u672c\n".encode("utf-16"), [[1, "\u65e5\u672c"]]),
        (b"id,name\r\n1,x\r\n2,y\r\n", [[1, "x"], [2, "y"]]),
        (b'id,name\n1,"a,b"\n2,"c\nd"\n', [[1, "a,b"], [2, "c\nd"]]),
        (b"id,name\n1,x\n2,", [[1, "x"], [2, None]]),
        (b"id,name\n9007199254740993,x\n", [[9007199254740993, "x"]]),
    ],
    ids=["semicolon", "tab", "cp1252", "bom", "utf-16", "crlf", "quotes", "no end", "long number"],
)
def test_a_file_of_an_unusual_kind_is_loaded_rightly(server, admin, load, data, rows):
    status, table = load(data)
    assert "success" == status["status"], status["error"]
    got = server.rows(admin, f"select id, name from {table} order by id")
    assert rows == [[int(id), name] for id, name in got]


def late(rows, line):
    return b"id,name\n" + b"".join(b"%d,x\n" % n for n in range(rows)) + line


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"id,name\n1,a\n2\n3,c,d,e\n4,d\n", None),
        (b"\x00\x01\x02\xff\xfe\xfd" * 500, None),
        (b"PK\x03\x04" + b"\x00" * 2_000, None),
        (b'id,name\n1,"never closed\n2,b\n', None),
        (b"id,name\n" + b"1,a\n" * 10 + b"1,2,3,4\n" * 10, 12),
    ],
    ids=["ragged", "binary", "zip", "open quote", "wide rows"],
)
def test_a_file_that_cannot_be_loaded_leaves_the_data_and_is_named(
    server, admin, loaded, data, line
):
    status, table = loaded(data)
    (run,) = status["runs"]
    assert "failed" == status["status"], status
    assert "data.csv" == run["file"], run
    assert "data.csv" in status["error"]
    if line is not None:
        assert line == run["line"]
    got = server.rows(admin, f"select id, name from {table} order by id")
    assert [[1, "a"], [2, "b"]] == got
    source = admin.get(f"/api/sources/{table.partition('.')[2]}/details").json()
    assert source["error"] == status["runs"][0]["error"]
    assert 2 == source["row_count"]


@pytest.mark.parametrize("data", [b"", b"id,name\n", b"\n\n\n"], ids=["empty", "header", "blank"])
def test_a_file_without_rows_is_either_no_rows_or_refused_never_half(server, admin, loaded, data):
    status, table = loaded(data)
    assert status["status"] in ("success", "failed")
    kept = server.rows(admin, f"select count(*) from {table}")
    assert [[0 if status["status"] == "success" else 2]] == kept, status
    if status["status"] == "failed":
        assert "data.csv" in status["error"] or "no rows" in status["error"]


def test_a_row_that_does_not_fit_a_long_file_is_kept_beside_it(server, admin, load):
    status, table = load(late(50_000, b"not a number,y\n"))
    assert "success" == status["status"], status
    assert [[50_000]] == server.rows(admin, f"select count(*) from {table}")
    rejects = f"{table.partition('.')[0]}._rejects"
    found = server.rows(admin, f"select file, line, raw from {rejects}")
    assert [["data.csv", 50_002, "not a number,y"]] == found


def test_a_broken_sources_file_leaves_the_last_good_one_and_is_told_of(server, admin):
    good = sources_yml("orders")
    write_sources(server.root, good)
    until(lambda: ["orders"] == [s["name"] for s in admin.get("/api/sources").json()])
    for broken, place in (
        (good + "  - name: [\n", "line"),
        (good + "  - name: x\n\ttype: csv\n", "line 9, column 1"),
        (good + "  - name: orders\n    type: csv\n    csv: {directory: x}\n", "line 8, column 11"),
        (good + "  - name: x\n    type: csv\n    csv: {directory: /etc}\n", "line 10"),
        (good + "\n  - name: x\n    type: csv\n    csv: {directory: a/../../..}\n", "line 11"),
    ):
        head = server.head(admin)
        write_sources(server.root, broken)
        refused = until(
            lambda: server.events(admin, after=head, type="configuration_refused"),  # noqa: B023
            2.0 * 3,
        )
        told = refused[-1]["data"]
        assert "sources.yml" == told["file"]
        assert f"line {told['line']}, column {told['column']}".startswith(place), told
        assert ["orders"] == [s["name"] for s in admin.get("/api/sources").json()]
        assert f"sources.yml, line {told['line']}, column {told['column']}" in server.text()
        # And it still syncs.
        assert "success" == server.sync(admin, "orders")["status"]
    write_rows(server.root / "data/uploads/mended/mended.csv", 3)
    write_sources(server.root, sources_yml("orders", "mended"))
    until(lambda: len(admin.get("/api/sources").json()) == 2, 2.0 * 3)
