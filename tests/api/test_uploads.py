"""Files over HTTP: taken as they come, bounded, safe names, nothing outside of the folder."""

import os
import random
from pathlib import Path

import pytest

from api.platform import HttpSettings
from commands.kernel import Origin
from commands.ports import (
    Busy,
    LoadedFile,
    WorkDied,
    WorkRefused,
    WorkTimedOut,
)
from commands.sources import ApplySources
from domain.permissions import Role
from infra.uploads import PREFIX, UploadFolders
from tests.api.access import Server
from tests.datasets import source

PATH = "/api/sources/orders/upload-csv"
FILES = "/api/sources/orders/csv-files"
CSV = b"id,item\n1,tea\n"
NAMED = b'Content-Disposition: form-data; name="file"; filename="a.csv"'


def parted(*heads):
    """A form by hand: each part with these headers."""
    parts = b"".join(b"--y\r\n%b\r\n\r\n%b\r\n" % (head, CSV) for head in heads)
    kind = {"Content-Type": "multipart/form-data; boundary=y"}
    return {"content": parts + b"--y--\r\n", "headers": kind}


class Warehouse:
    """Looks into what is handed in; remembers which names, and where they lay."""

    def __init__(self):
        self.checked, self.fails, self.loaded = [], None, ()

    async def files(self, source):
        if self.fails is not None:
            raise self.fails
        return self.loaded

    async def check(self, check):
        self.checked.append((check.name, Path(check.path).name.startswith(PREFIX)))
        if self.fails is not None:
            raise self.fails


class Shop(Server):
    def __init__(self, folder, **settings):
        super().__init__(folder, settings=HttpSettings(**settings))
        self.root = folder / "shop"
        self.folder = self.root / "data" / "orders"
        self.folder.mkdir(parents=True)
        object.__setattr__(self.platform, "uploads", UploadFolders(self.root))
        self.warehouse = Warehouse()
        object.__setattr__(self.platform, "warehouse", self.warehouse)

    def here(self):
        return sorted(p.relative_to(self.root).as_posix() for p in self.root.rglob("*.*"))

    async def editor(self):
        wanted = (
            source("orders", options={"directory": "data/orders", "file_pattern": "*.csv"}),
            source("api", type="stripe"),
        )
        origin = Origin(actor="system:configuration", via="watcher", correlation="test")
        await self.writer.send(ApplySources(sources=wanted), origin)
        await self.add("ed@example.org", "a tiger in the snow", Role.EDITOR)
        return await self.logged_in("ed@example.org")


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def told(shop):
    return [t for t in shop.types() if t.startswith(("csv_", "sync_"))]


def test_a_file_is_handed_in_listed_and_deleted(shop):
    async def story():
        editor = await shop.editor()
        answer = await editor.post(PATH, files={"file": ("a.csv", CSV)})
        assert (200, "a.csv", False) == (
            answer.status_code,
            answer.json().get("file_name"),
            answer.json().get("auto_sync"),
        ), answer.text
        assert CSV == (shop.folder / "a.csv").read_bytes()
        listed = (await editor.get(FILES)).json()
        (file,) = listed["files"]
        assert ("data/orders/a.csv", len(CSV), True, False, "new") == (
            file["path"],
            file["size"],
            file["on_disk"],
            file["loaded"],
            file["status"],
        )
        gone = await editor.delete(FILES, params={"file_path": file["path"]})
        assert 200 == gone.status_code, gone.text
        assert [] == (await editor.get(FILES)).json()["files"]

    shop.run(story)
    assert ["csv_uploaded", "csv_deleted"] == told(shop)


def test_each_file_is_told_as_loaded_changed_new_or_gone(shop):
    async def story():
        editor = await shop.editor()
        for name in ("changed", "loaded", "new"):
            (shop.folder / f"{name}.csv").write_bytes(CSV)
        known = (shop.folder / "loaded.csv").stat()
        like = {"size_bytes": known.st_size, "mtime_ns": known.st_mtime_ns, "rows": 7, "run": 1}
        shop.warehouse.loaded = (
            LoadedFile(path="changed.csv", **{**like, "mtime_ns": 1}),
            LoadedFile(path="gone.csv", **like),
            LoadedFile(path="loaded.csv", **like),
        )
        listed = (await editor.get(FILES)).json()
        shop.warehouse.fails = WorkTimedOut("The work took too long.")
        assert listed == (await editor.get(FILES)).json()  # nothing ran since: it is remembered
        assert 200 == (await editor.post("/api/sources/orders/sync")).status_code
        assert 503 == (await editor.get(FILES)).status_code
        assert (4, 3, 2) == (listed["total_files"], listed["files_on_disk"], listed["files_loaded"])
        assert [
            ("changed.csv", True, False, 7, "changed"),
            ("loaded.csv", True, True, 7, "loaded"),
            ("new.csv", True, False, None, "new"),
            ("gone.csv", False, True, 7, "file_deleted"),
        ] == [
            (f["filename"], f["on_disk"], f["loaded"], f["rows_loaded"], f["status"])
            for f in listed["files"]
        ]

    shop.run(story)


def test_a_sync_is_asked_for_and_one_that_runs_does_not_undo_the_upload(shop):
    async def story():
        editor = await shop.editor()
        first = await editor.post(f"{PATH}?trigger_sync=true", files={"file": ("a.csv", CSV)})
        again = await editor.post(f"{PATH}?trigger_sync=true", files={"file": ("b.csv", CSV)})
        assert (True, False) == (first.json()["auto_sync"], again.json()["auto_sync"])
        assert "in progress" in again.json()["message"]

    shop.run(story)
    assert ["csv_uploaded", "sync_requested", "csv_uploaded"] == told(shop)


def test_a_file_whose_source_went_meanwhile_goes_too(shop):
    async def story():
        editor = await shop.editor()

        async def gone(_):
            origin = Origin(actor="system:configuration", via="watcher", correlation="test")
            await shop.writer.send(ApplySources(sources=()), origin)

        shop.warehouse.check = gone
        answer = await editor.post(PATH, files={"file": ("a.csv", CSV)})
        assert 404 == answer.status_code

    shop.run(story)
    assert [] == shop.here()
    assert [] == told(shop)


def test_nothing_is_overwritten(shop):
    async def story():
        editor = await shop.editor()
        await editor.post(PATH, files={"file": ("a.csv", CSV)})
        assert 409 == (await editor.post(PATH, files={"file": ("a.csv", b"x\n")})).status_code

    shop.run(story)
    assert CSV == (shop.folder / "a.csv").read_bytes()
    assert ["data/orders/a.csv"] == shop.here()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"files": {"file": ("a.exe", CSV)}}, 400),
        ({"files": {"file": ("a.parquet", CSV)}}, 400),
        ({"files": {"file": ("a.csv", b"\x7fELF\0\0")}}, 422),
        ({"files": {"file": ("a.csv", b"")}}, 422),
        ({"files": {"other": ("a.csv", CSV)}}, 422),
        ({"files": [("file", ("a.csv", CSV)), ("file", ("b.csv", CSV))]}, 422),
        ({"data": {"file": "text"}}, 415),
        ({"json": {"file": "a.csv"}}, 415),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}}, 400),
        (
            {"content": b"--y\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=y"}},
            400,
        ),
        (parted(*[b'Content-Disposition: form-data; name="a"'] * 10_000), 413),
        (parted(NAMED + b"\r\nX: " + b"a" * 500_000), 413),
        (parted(NAMED + b"\r\nX: 1" * 5_000), 413),
        (parted(NAMED.replace(b"a.csv", b"\xff.csv")), 400),
        (parted(NAMED.replace(b'="a.csv"', b"*=UTF-8''..%2fa.csv")), 422),
        ({}, 415),
    ],
)
def test_a_bad_form_is_refused_and_leaves_nothing(shop, body, status):
    async def story():
        editor = await shop.editor()
        answer = await editor.post(PATH, **body)
        assert (status, True) == (answer.status_code, bool(answer.json()["detail"])), answer.text

    shop.run(story)
    assert [] == shop.here()
    assert [] == told(shop)


@pytest.mark.parametrize(
    ("fails", "status", "said"),
    [
        (WorkRefused("a.csv is not a text file.", file="a.csv"), 422, "not a text file"),
        (WorkTimedOut("The work took too long."), 422, "in the time"),
        (WorkDied("The worker died."), 422, "in the time"),
        (Busy("Too much is waiting."), 503, "waiting"),
    ],
)
def test_what_a_worker_cannot_read_never_gets_its_name(shop, fails, status, said):
    async def story():
        editor = await shop.editor()
        shop.warehouse.fails = fails
        answer = await editor.post(PATH, files={"file": ("a.csv", CSV)})
        assert (status, True) == (answer.status_code, said in answer.json()["detail"]), answer.text

    shop.run(story)
    assert [("a.csv", True)] == shop.warehouse.checked
    assert [] == shop.here()
    assert [] == told(shop)


def test_a_source_that_reads_no_folder_takes_no_files(shop):
    async def story():
        editor = await shop.editor()
        files = {"file": ("a.csv", CSV)}
        assert 400 == (await editor.post("/api/sources/api/upload-csv", files=files)).status_code
        assert 404 == (await editor.post("/api/sources/no/upload-csv", files=files)).status_code
        assert 400 == (await editor.get("/api/sources/api/csv-files")).status_code

    shop.run(story)


def test_a_file_that_is_too_large_is_refused_by_what_it_says_and_by_what_it_is(tmp_path):
    shop = Shop(tmp_path, upload_bytes_max=1_000_000)
    read = []

    async def told_nothing():
        yield b'--y\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        for number in range(1_000):
            read.append(number)
            yield b"x" * 65_536

    async def story():
        editor = await shop.editor()
        large = await editor.post(PATH, files={"file": ("a.csv", b"x" * 2_000_000)})
        kind = {"Content-Type": "multipart/form-data; boundary=y"}
        endless = await editor.post(PATH, content=told_nothing(), headers=kind)
        assert (413, 413) == (large.status_code, endless.status_code)
        assert 200 == (await editor.post(PATH, files={"file": ("b.csv", CSV)})).status_code

    shop.run(story)
    assert ["data/orders/b.csv"] == shop.here()


def test_what_lies_elsewhere_is_not_there(shop):
    outside = shop.root / "secret.csv"
    outside.write_bytes(CSV)
    (shop.root / "data" / "other").mkdir()
    (shop.root / "data" / "other" / "x.csv").write_bytes(CSV)
    (shop.folder / "link").symlink_to(shop.root)
    (shop.folder / "file.csv").symlink_to(outside)
    (shop.folder / "sub").mkdir()
    paths = [
        *(
            "",
            ".",
            "..",
            "../other/x.csv",
            "../../secret.csv",
            "link/secret.csv",
            "file.csv",
            "sub",
        ),
        *(
            str(outside),
            "/etc/passwd",
            "/etc/shadow",
            "none.csv",
            "a\0b",
            "x" * 5_000,
            "data/orders",
        ),
        *(f"{shop.folder}/../../secret.csv", f"{shop.folder}/link/secret.csv", "%2e%2e/x", "~"),
        *(f"{PREFIX}0.part", str(shop.folder), "link", "//etc/passwd", "sub/../file.csv", "*.csv"),
    ]

    async def story():
        editor = await shop.editor()
        assert 0 == (await editor.get(FILES)).json()["total_files"]
        for path in paths:
            gone = await editor.delete(FILES, params={"file_path": path})
            assert (404, "File not found.") == (gone.status_code, gone.json()["detail"]), path
        assert 422 == (await editor.delete(FILES)).status_code

    shop.run(story)
    assert outside.exists()
    assert [] == told(shop)


def hostile(count):
    chance = random.Random(7)  # noqa: S311 - the same names each time
    parts = ["..", ".", "/", "\\", "\0", "\n", "\r\n", "%2e", "C:", "~", "$HOME", "`id`", "'", '"']
    parts += ["a", ".csv", " ", "\u202e", "\ud83d\ude00", "é", ";", "|", "*", "?", "con", "x" * 90]
    for _ in range(count):
        yield "".join(chance.choices(parts, k=chance.randint(1, 9))) + chance.choice(["", ".csv"])


def test_five_hundred_hostile_names_write_nothing_outside(shop, tmp_path):
    (shop.root / "secret.csv").write_bytes(b"untouched")

    async def story():
        editor = await shop.editor()
        statuses = set()
        for name in hostile(500):
            field = name.replace("\\", "\\\\").replace('"', '\\"').encode("utf-8", "surrogatepass")
            body = (
                b'--y\r\nContent-Disposition: form-data; name="file"; filename="'
                + field
                + b'"\r\n\r\n'
                + CSV
                + b"\r\n--y--\r\n"
            )
            kind = {"Content-Type": "multipart/form-data; boundary=y"}
            answer = await editor.post(PATH, content=body, headers=kind)
            statuses.add(answer.status_code)
            assert answer.status_code in (200, 400, 409, 422), (name, answer.text)
        assert {200, 422} <= statuses

    shop.run(story)
    inside = [path for path in shop.folder.iterdir() if path.is_file()]
    assert all(path.parent == shop.folder and path.suffix == ".csv" for path in inside)
    outside = [p for p in shop.root.rglob("*") if p.is_file() and p.parent != shop.folder]
    assert [shop.root / "secret.csv"] == outside
    assert b"untouched" == (shop.root / "secret.csv").read_bytes()
    assert not list(tmp_path.parent.glob("*.csv"))


def test_what_a_dead_process_left_is_swept_away(shop):
    left, young = shop.folder / f"{PREFIX}0.part", shop.folder / f"{PREFIX}1.part"
    for path in (left, young):
        path.write_bytes(b"half")
    os.utime(left, (0, 0))

    async def story():
        editor = await shop.editor()
        await editor.post(PATH, files={"file": ("a.csv", CSV)})

    shop.run(story)
    assert (False, True) == (left.exists(), young.exists())
