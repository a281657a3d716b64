"""Which folders are watched: exactly those that a load looks into, whatever links lie there."""

import os

import pytest

from infra.watcher.folders import TOO_MANY, UNSPEAKABLE, planned, state
from tests.infra.watcher.places import folder, wanted

FOLDERS_MAX = 50


@pytest.fixture
def plan(tmp_path):
    """The folders of a project that are listened to, below it, and the sources left out."""

    def of(*every, watched=("data",), folders_max=FOLDERS_MAX):
        found = planned(tmp_path, watched, every, folders_max)
        below = {os.path.relpath(path, tmp_path) for path in found.listened}
        return below, dict(found.looked)

    return of


def test_links_out_of_a_source_are_not_followed(plan, tmp_path):
    home, crowd = folder(tmp_path, "data/orders"), folder(tmp_path, "crowd")
    for number in range(FOLDERS_MAX):
        folder(crowd, str(number))
    (home / "root").symlink_to("/")
    (home / "crowd").symlink_to(crowd)
    folder(home, "2026")
    assert ({"data", "data/orders", "data/orders/2026"}, {}) == plan(wanted())


def test_links_that_lead_back_are_not_followed(plan, tmp_path):
    home = folder(tmp_path, "data/orders")
    (home / "self").symlink_to("self")
    (home / "back").symlink_to(home)
    (folder(home, "a") / "up").symlink_to(tmp_path)
    assert ({"data", "data/orders", "data/orders/a"}, {}) == plan(wanted())


def test_a_link_that_the_pattern_names_is_watched_where_it_leads(plan, tmp_path):
    home = folder(tmp_path, "data/orders")
    (folder(home, "2026"), folder(home, "2025"))
    (home / "latest").symlink_to("2026")
    listened, _ = plan(wanted(pattern="latest/*.csv"))
    assert {"data", "data/orders", "data/orders/2026"} == listened


def test_a_source_on_another_disk_is_watched_and_the_platform_s_own_files_are_not(plan, tmp_path):
    folder(tmp_path, "data")
    for name, target in (("orders", "disk"), ("secret", ".dango"), ("rows", "warehouse")):
        (tmp_path / "data" / name).symlink_to(folder(tmp_path, target, "below").parent)
    names = ("orders", "secret", "rows")
    assert ({"data", "disk", "disk/below"}, {}) == plan(*(wanted(name) for name in names))


def test_only_what_is_read_and_lies_in_a_watched_directory_is_watched(plan, tmp_path):
    for name in ("data/orders/deep", "data/nobodys", "data/orders/.hidden", "else/users"):
        folder(tmp_path, name)
    flat, outside = wanted(pattern="*.csv"), wanted("users", "else/users")
    assert {"data", "data/orders"} == plan(flat, outside)[0]
    assert {"data/orders/deep"} == plan(wanted(), watched=("data/orders/deep",))[0]


def test_a_source_with_too_many_folders_is_looked_at_and_holds_no_other_back(plan, tmp_path):
    for number in range(FOLDERS_MAX):
        folder(tmp_path, "data/orders", str(number))
    folder(tmp_path, "data/users/a")
    listened, looked = plan(wanted(), wanted("users"))
    assert ({"data", "data/users", "data/users/a"}, {"orders": TOO_MANY}) == (listened, looked)


def test_a_folder_whose_name_is_no_utf8_is_looked_at(plan, tmp_path):
    folder(tmp_path, "data/orders", os.fsdecode(b"\xff"))
    assert (set(), {"orders": UNSPEAKABLE}) == plan(wanted())


def test_a_source_that_is_looked_at_tells_when_a_file_comes_changes_or_goes(tmp_path):
    home = folder(tmp_path, "data/orders")
    states = [state(tmp_path, ("data",), wanted())]
    (home / "a.csv").write_text("1")
    states.append(state(tmp_path, ("data",), wanted()))
    (home / "a.csv").write_text("12")
    states.append(state(tmp_path, ("data",), wanted()))
    (home / "a.csv").rename(home / "b.csv")
    states.append(state(tmp_path, ("data",), wanted()))
    assert len(states) == len(set(states))
    (home / "a.txt").write_text("1")
    assert states[-1] == state(tmp_path, ("data",), wanted())
