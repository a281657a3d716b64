"""Which files a source finds: each once, none outside, whatever lies in its folder."""

import os
import time

import pytest

from commands import ports
from infra.loading import prepare
from infra.loading.find import find, folders, matching


def made(folder, *names):
    for name in names:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("id\n1\n")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.csv", ["1.csv"]),
        ("**/*.csv", ["1.csv", "a/2.csv", "a/b/3.csv.gz", "a/x.csv/4.csv"]),
        ("**/**/**/*.csv", ["1.csv", "a/2.csv", "a/b/3.csv.gz", "a/x.csv/4.csv"]),
        ("a/**/[23].csv", ["a/2.csv", "a/b/3.csv.gz"]),
        ("a/**", ["a/2.csv", "a/b/3.csv.gz", "a/x.csv/4.csv"]),
        ("a/b/*", ["a/b/3.csv.gz"]),
        ("*/b/3.csv", ["a/b/3.csv.gz"]),
    ],
)
def test_a_pattern_finds_each_file_once_and_none_that_is_hidden(tmp_path, pattern, names):
    made(tmp_path, "1.csv", "a/2.csv", "a/b/3.csv.gz", "a/x.csv/4.csv", "a/.h/5.csv", ".6.csv")
    assert names == [one.name for one in find(str(tmp_path), pattern, 100)]


def test_links_that_lead_back_are_not_walked(tmp_path):
    made(tmp_path, "1.csv", "sub/2.csv")
    for name in ("one", "two", "sub/three"):
        (tmp_path / name).symlink_to(tmp_path)
    begun = time.monotonic()
    assert {"1.csv", "sub/2.csv"} == set(matching(str(tmp_path), "**/*.csv"))
    assert [] == list(matching(str(tmp_path), "*/" * 40 + "none"))
    assert time.monotonic() - begun < 10  # each way through the links would take for ever


def test_a_link_to_itself_hides_no_other_file_and_is_told_of(tmp_path):
    names = [f"{number}.csv" for number in range(50)]
    made(tmp_path, *names)
    (tmp_path / "self").symlink_to("self")
    assert names == sorted(matching(str(tmp_path), "*.csv"), key=lambda name: int(name[:-4]))
    (tmp_path / "self.csv").symlink_to("self.csv")
    with pytest.raises(ports.WorkRefused, match=r"self\.csv cannot be read"):
        find(str(tmp_path), "*.csv", 99)


def test_the_folders_are_those_that_files_are_looked_for_in(tmp_path):
    home, away = tmp_path / "home", tmp_path / "away"
    made(home, "a/1.csv", "a/b/2.csv", ".h/3.csv", "b.d/4.txt", "kept/5.csv")
    made(away, "6.csv")
    (home / "out").symlink_to(away)
    (home / "back").symlink_to(home)
    (home / "latest").symlink_to("a/b")
    (home / "now.csv").symlink_to("kept/5.csv")

    def found(pattern):
        every = folders(str(home), pattern, str(tmp_path))
        return {(os.path.relpath(one.path, home), one.read, one.only) for one in every}

    kept = ("kept", True, "5.csv")
    assert {(".", True, None), kept} == found("*.csv")
    assert {(".", False, None), ("a/b", True, None)} == found("latest/*.csv")
    names = (".", "a", "a/b", "b.d", "kept")
    assert {kept, *((name, True, None) for name in names)} == found("**/*.csv")


def test_a_link_inside_is_entered_by_its_name(tmp_path):
    made(tmp_path, "2026/a.csv")
    (tmp_path / "latest").symlink_to("2026")
    assert ["latest/a.csv"] == [one.name for one in find(str(tmp_path), "latest/*.csv", 9)]


def test_a_folder_that_is_a_link_to_the_platform_s_own_files_is_refused(tmp_path):
    made(tmp_path, ".dango/master.key", "warehouse/x.csv", "elsewhere/a.csv")
    for target in (".dango", "warehouse"):
        (tmp_path / "data").symlink_to(tmp_path / target)
        with pytest.raises(ports.WorkRefused, match="the platform's own files"):
            find(str(tmp_path / "data"), "*", 9, root=str(tmp_path))
        (tmp_path / "data").unlink()
    (tmp_path / "data").symlink_to(tmp_path / "elsewhere")
    assert 1 == len(find(str(tmp_path / "data"), "*", 9, root=str(tmp_path)))


def into(path, kind):
    """Put something else in the place of a file, of the same size and time where it has them."""
    status = path.stat()
    path.rename(path.with_name("before"))
    other = path.parent.parent / "other"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        other.write_text("no\n7\n")
        os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
        (path.symlink_to if kind == "link" else path.hardlink_to)(other)


@pytest.mark.parametrize("kind", ["link", "other", "pipe", "folder"])
def test_what_is_put_in_a_file_s_place_is_not_read(tmp_path, monkeypatch, kind):
    home = tmp_path / "home"
    made(home, "a.csv")
    (found,) = find(str(home), "*.csv", 9)
    into(home / "a.csv", kind)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ports.WorkFailed, match="changed while it was read") as changed:
        prepare.prepare(found, 0, 1_000, lambda _: None)
    assert (True, False) == (changed.value.facts["transient"], prepare.unchanged(found))


def test_a_file_that_was_away_for_a_while_is_not_the_same(tmp_path):
    made(tmp_path, "a.csv")
    (found,) = find(str(tmp_path), "*.csv", 9)
    time.sleep(0.02)  # a clock tick of the file system
    (tmp_path / "a.csv").rename(tmp_path / "b")
    (tmp_path / "b").rename(tmp_path / "a.csv")
    assert not prepare.unchanged(found)


def test_a_file_that_grows_as_it_is_read_has_an_end(tmp_path, monkeypatch):
    made(tmp_path, "a.csv")
    (found,) = find(str(tmp_path), "*.csv", 9)
    monkeypatch.chdir(tmp_path)
    rounds = []

    def grow(position):
        rounds.append(position)
        with (tmp_path / "a.csv").open("a") as file:
            file.write("2\n" * 1_000)

    with pytest.raises(ports.WorkFailed, match="changed while it was read"):
        prepare.prepare(found, 0, 1_000, grow)
    assert 1 == len(rounds)


def test_names_of_any_bytes_are_found_and_can_be_shown(tmp_path):
    made(tmp_path, b"\xff\n.csv", b"a\x1b[2J.csv")
    assert ["\\xff\\n.csv", "a\\x1b[2J.csv"] == sorted(
        one.name for one in find(str(tmp_path), "*.csv", 9)
    )
