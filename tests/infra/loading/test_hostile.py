"""Files that somebody damaged on purpose: each is loaded or refused with a reason, nothing else."""

import gzip
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commands import ports
from tests.infra.loading.conftest import Trial
from tests.infra.loading.test_files import workbook

MUTATIONS = 12
ROWS, SOAK_ROWS = 300, 60
ROUNDS_OF_SOAK = 12  # with seven formats and twelve mutations each: a thousand files
FORMATS = ("csv", "tsv", "json", "ndjson", "parquet", "xlsx", "csv.gz")


def originals(trial: Trial, rows_each: int = ROWS) -> dict[str, bytes]:
    rows = [
        {"id": n, "name": f"name {n}", "amount": n / 4, "part": {"a": n}} for n in range(rows_each)
    ]
    plain = "".join(f"{n},name {n},{n / 4}\n" for n in range(rows_each))
    path = trial.directory / "x.parquet"
    trial.lake.execute(
        f"COPY (SELECT i AS id, 'name ' || i AS name FROM range({rows_each}) t(i)) TO '{path}'"
        " (FORMAT parquet)"
    )
    packed = path.read_bytes()
    path.unlink()
    return {
        "csv": f"id,name,amount\n{plain}".encode(),
        "tsv": f"id,name,amount\n{plain}".replace(",", "\t").encode(),
        "json": json.dumps(rows).encode(),
        "ndjson": "\n".join(map(json.dumps, rows)).encode(),
        "parquet": packed,
        "xlsx": workbook([["id", "name"], *([n, f"name {n}"] for n in range(rows_each))]),
        "csv.gz": gzip.compress(f"id,name,amount\n{plain}".encode()),
    }


def flipped(content: bytes, chance: random.Random) -> bytes:
    made = bytearray(content)
    for _ in range(chance.randint(1, 20)):
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    return bytes(made)


def truncated(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def doubled(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + content[chance.randrange(at + 1) :]


def strewn(content: bytes, chance: random.Random) -> bytes:
    made = bytearray(content)
    for _ in range(chance.randint(1, 10)):
        what = chance.choice(
            (b"\0", b'"', b"\r", b"\n", b"\xff", b"\xe2\x80\xae", b",", b"{", b"[")
        )
        at = chance.randrange(len(made))
        made[at:at] = what
    return bytes(made)


MUTATORS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flipped,
    truncated,
    doubled,
    strewn,
)


def mutated(content: bytes, seed: int, count: int) -> Iterator[bytes]:
    chance = random.Random(seed)  # noqa: S311 - the same files each time
    for number in range(count):
        yield MUTATORS[number % len(MUTATORS)](content, chance)


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_files_are_loaded_or_refused_with_a_reason(trial: Trial, kind: str) -> None:
    batter(trial, kind, seed=1, count=MUTATIONS)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 2 + ROUNDS_OF_SOAK))
@pytest.mark.parametrize("kind", FORMATS)
def test_many_damaged_files_are_loaded_or_refused(trial: Trial, kind: str, seed: int) -> None:
    batter_together(trial, kind, seed=seed, count=MUTATIONS)


def outcome(trial: Trial, number: int) -> tuple[int, str | None]:
    try:
        done = trial.load(type="local_files", job=number + 1, full_refresh=True)
    except ports.WorkFailed as failed:
        return 0, failed.reason
    return done.rows, None


def batter(trial: Trial, kind: str, *, seed: int, count: int) -> None:
    outside = trial.directory.parent / "outside"
    outside.mkdir()
    for number, content in enumerate(mutated(originals(trial)[kind], seed, count)):
        path = trial.file(f"x.{kind}", content)
        rows, reason = outcome(trial, number)
        assert rows <= 2 * ROWS
        assert reason is None or "x." in reason
        assert str(trial.directory) not in (reason or "")
        assert "stage-" not in (reason or "")
        path.unlink()
    temporary = Path(trial.settings.warehouse.temp_directory)
    assert [] == list(temporary.rglob("stage-*"))
    assert [] == list(outside.iterdir())


def batter_together(trial: Trial, kind: str, *, seed: int, count: int) -> None:
    """All of them in one load: each is loaded or refused by itself, none is passed over."""
    contents = mutated(originals(trial, SOAK_ROWS)[kind], seed, count)
    names = {f"x{number:02d}.{kind}" for number in range(count)}
    for name, content in zip(sorted(names), contents, strict=True):
        trial.file(name, content)
    try:
        done = trial.load(type="local_files")
    except ports.WorkFailed as failed:
        reasons = [failed.reason]
        found = {name for name in names if name in failed.reason}
    else:
        assert names == {each.path for each in done.files} | {each.file for each in done.refused}
        assert all(each.rows <= 2 * SOAK_ROWS for each in done.files)
        assert sum(each.rows for each in done.files) == done.rows
        assert all(each.file in each.reason for each in done.refused)
        reasons = [each.reason for each in done.refused]
        found = names
    assert found, reasons
    for reason in reasons:
        assert str(trial.directory) not in reason
        assert "stage-" not in reason
    temporary = Path(trial.settings.warehouse.temp_directory)
    assert [] == list(temporary.rglob("stage-*"))


def bomb(size: int) -> bytes:
    return gzip.compress(b"a,b\n" + b"1,2\n" * (size // 4))


HOSTILE: dict[str, tuple[str, bytes]] = {
    "deeply nested JSON": ("x.json", b"[" * 100_000 + b"]" * 100_000),
    "deeply nested object": ("x.json", b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    "ten thousand columns": ("x.csv", b",".join(b"c%d" % n for n in range(10_000)) + b"\n"),
    "ten thousand keys": ("x.json", json.dumps({f"c{n}": n for n in range(10_000)}).encode()),
    "a line of megabytes": ("x.csv", b"a,b\n1," + b"x" * 9_000_000 + b"\n"),
    "a line longer than all buffers": ("x.csv", b"a,b\n1," + b"x" * 40_000_000 + b"\n2,y\n"),
    "a packed line of that": ("x.csv.gz", gzip.compress(b"a,b\n1," + b"x" * 40_000_000, 1)),
    "nothing but NUL": ("x.csv", b"\0" * 10_000),
    "nothing but quotes": ("x.csv", b'"' * 9_999),
    "half a Parquet file": ("x.parquet", b"PAR1" + b"\xff" * 1000 + b"PAR1"),
    "a reserved key": ("x.json", b'{"_dango_run": 1}'),
    "a workbook that is none": ("x.xlsx", b"PK\x03\x04" + b"\0" * 100),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_with_a_reason(trial: Trial, case: str) -> None:
    name, content = HOSTILE[case]
    trial.file(name, content)

    refused = trial.refused(type="local_files")

    assert "x." in refused.reason
    assert len(refused.reason) < 500


def test_a_bomb_is_given_up_at_the_bound(trial: Trial) -> None:
    import msgspec

    trial.settings = msgspec.structs.replace(trial.settings, unpacked_bytes_max=1_000_000)
    trial.file("x.csv.gz", bomb(50_000_000))

    trial.refused("unpacks to more than 1000000 bytes", type="local_files")


def test_a_workbook_that_is_a_bomb_inside_is_refused(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infra.loading import excel_files

    monkeypatch.setattr(excel_files, "UNPACKED_BYTES_MAX", 1_000_000)
    path = trial.directory / "x.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)

    trial.refused("unpacks to more than 1000000 bytes", type="local_files")
