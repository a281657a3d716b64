"""Folders come, go and are renamed, limits are reached, and nothing is missed meanwhile."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from watchfiles import Change

from infra.watcher import attention as attention_module
from infra.watcher.attention import Attention
from infra.watcher.folders import NO_LISTENER, TOO_MANY, planned, state
from infra.watcher.listening import listen
from tests.infra.watcher.places import dropped, folder, wanted
from tests.patience import until

FOLDERS_MAX = 50


class Hearing:
    """What was noticed, by source: the names of files below the project."""

    def __init__(self, root):
        self.root, self.known, self.seen, self.unknown = root, [wanted()], set(), []

    def noticed(self, name, paths):
        self.seen |= {os.path.relpath(path, self.root) for path in paths}
        if not paths:
            self.unknown.append(name)


class Limited:
    """A system that listens to so many folders, and no more."""

    def __init__(self, most):
        self.most, self.asked = most, []

    def __call__(self, *folders, stop):
        self.asked.append(len(folders))
        if len(folders) > self.most:
            return self._refuse()
        return listen(*folders, stop=stop)

    async def _refuse(self):
        raise OSError("OS file watch limit reached.")
        yield ()


@pytest.fixture
def hears(tmp_path, monkeypatch):
    """A story in a project that is paid attention to."""
    monkeypatch.setattr(attention_module, "LOOKED_EVERY_S", 0.1)
    folder(tmp_path, "data/orders")

    def lived(story, system=listen, *, folders_max=FOLDERS_MAX, walk_every_s=60, alike=False):
        monkeypatch.setattr(attention_module, "WALK_EVERY_S", walk_every_s)
        hearing = Hearing(tmp_path)

        def plan(every):
            found = planned(tmp_path, ("data",), every, folders_max)
            one = dict.fromkeys(found.listened, (0, 0))
            return msgspec.structs.replace(found, listened=one) if alike else found

        async def whole():
            attention = Attention(
                plan,
                lambda: tuple(hearing.known),
                lambda one: state(tmp_path, ("data",), one),
                hearing.noticed,
                system,
            )
            await attention.begin()
            task = asyncio.create_task(attention.go_on())
            try:
                await story(hearing, attention)
                assert not task.done()
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                await attention.end()

        asyncio.run(whole())

    return lived


def test_files_that_come_with_their_folders_are_noticed(hears, tmp_path):
    async def story(hearing, attention):
        names = {f"data/orders/{n}/deep/{n}.csv" for n in range(12)}
        for name in sorted(names):
            dropped(tmp_path / name)
            await asyncio.sleep(0.05)  # some before, some while, some after the set is made anew
        await until(lambda: names == hearing.seen)
        await until(lambda: attention.folders == 2 + 24)
        dropped(tmp_path / "data/orders/3/deep/later.csv")
        await until(lambda: "data/orders/3/deep/later.csv" in hearing.seen)

    hears(story)


def test_nothing_is_missed_while_the_set_is_made_anew(hears, tmp_path):
    async def story(hearing, _):
        names = {f"data/orders/{n}.csv" for n in range(60)}
        for number, name in enumerate(sorted(names)):
            if number % 5 == 0:
                folder(tmp_path, "data/orders", f"d{number}")
            dropped(tmp_path / name)
            await asyncio.sleep(0.03)
        await until(lambda: names == hearing.seen)

    hears(story)


def test_a_folder_that_is_removed_and_made_again_is_watched_again(hears, tmp_path):
    sub = folder(tmp_path, "data/orders/sub")
    (sub / "old.csv").write_text("id\n1\n")

    async def story(hearing, attention):
        shutil.rmtree(sub)
        dropped(sub / "new.csv")
        await until(lambda: "data/orders/sub/new.csv" in hearing.seen)
        shutil.rmtree(sub)
        await until(lambda: 2 == attention.folders)
        sub.mkdir()
        await until(lambda: 3 == attention.folders)
        dropped(sub / "newer.csv")
        await until(lambda: "data/orders/sub/newer.csv" in hearing.seen)

    hears(story)


def test_a_folder_is_new_when_it_came_again_though_it_has_the_number_of_the_old_one(
    hears, tmp_path
):
    sub = folder(tmp_path, "data/orders/sub")

    async def story(hearing, _):
        shutil.rmtree(sub)
        dropped(sub / "new.csv")
        await until(lambda: "data/orders/sub/new.csv" in hearing.seen)

    hears(story, alike=True)


def test_a_folder_that_comes_just_before_it_could_be_heard_is_found(hears, tmp_path):
    def system(*folders, stop):
        folder(tmp_path, "data/orders/late")
        return listen(*folders, stop=stop)

    async def story(hearing, attention):
        await until(lambda: 3 == attention.folders)
        dropped(tmp_path / "data/orders/late/a.csv")
        await until(lambda: {"data/orders/late/a.csv"} == hearing.seen)

    hears(story, system)


def test_what_the_old_listener_has_gathered_is_told_before_it_ends(hears, tmp_path):
    path = str(tmp_path.resolve() / "data/orders/a.csv")
    begun = []

    async def system(*folders, stop):
        begun.append(folders)
        first = len(begun) == 1
        yield ()
        while not stop.is_set():
            await asyncio.sleep(0.05)
            if first and len(begun) > 1:
                await asyncio.sleep(0.05)  # it gathers
                if not stop.is_set():
                    yield {(Change.added, path)}
                first = False
            yield ()

    async def story(hearing, _):
        hearing.known = [wanted(), wanted("users")]
        folder(tmp_path, "data/users")
        await until(lambda: {"data/orders/a.csv"} == hearing.seen)

    hears(story, system)


def test_the_source_s_own_folder_may_go_and_come(hears, tmp_path):
    async def story(hearing, attention):
        shutil.rmtree(tmp_path / "data")
        await until(lambda: 0 == attention.folders)
        dropped(tmp_path / "data/orders/a.csv")
        await until(lambda: {"data/orders/a.csv"} == hearing.seen)
        assert 2 == attention.folders

    hears(story)


def test_files_that_go_and_come_with_a_renamed_folder_are_noticed(hears, tmp_path):
    away = folder(tmp_path, "away")
    dropped(away / "in" / "a.csv")
    dropped(tmp_path / "data/orders/out/b.csv")

    async def story(hearing, _):
        (tmp_path / "data/orders/out").rename(away / "out")
        await until(lambda: ["orders"] == hearing.unknown)
        (away / "in").rename(tmp_path / "data/orders/in")
        await until(lambda: {"data/orders/in/a.csv"} == hearing.seen)
        (tmp_path / "data/orders/in").rename(tmp_path / "data/orders/on")
        await until(lambda: "data/orders/on/a.csv" in hearing.seen)
        dropped(tmp_path / "data/orders/on/c.csv")
        await until(lambda: "data/orders/on/c.csv" in hearing.seen)

    hears(story)


def test_a_change_behind_a_link_out_of_the_source_is_nobody_s(hears, tmp_path):
    away = folder(tmp_path, "away")
    (tmp_path / "data/orders/link").symlink_to(away)

    async def story(hearing, attention):
        dropped(away / "a.csv")
        dropped(tmp_path / "data/orders/b.csv")
        await until(lambda: hearing.seen)
        assert ({"data/orders/b.csv"}, 2) == (hearing.seen, attention.folders)

    hears(story)


def test_the_file_that_a_link_leads_to_is_noticed_and_no_other_beside_it(hears, tmp_path):
    kept = folder(tmp_path, "data/orders/kept")
    dropped(kept / "1.csv")
    (tmp_path / "data/orders/now.csv").symlink_to("kept/1.csv")

    async def story(hearing, _):
        hearing.known = [wanted(pattern="*.csv")]
        await asyncio.sleep(1.5)
        hearing.seen.clear()
        dropped(kept / "2.csv")
        dropped(kept / "1.csv")
        await until(lambda: hearing.seen)
        assert {"data/orders/kept/1.csv"} == hearing.seen

    hears(story)


def test_two_sources_of_one_folder_both_hear(hears, tmp_path):
    (tmp_path / "data/users").symlink_to("orders")

    async def story(hearing, attention):
        hearing.known = [wanted(), wanted("users")]
        heard = []
        hearing.noticed = lambda name, _: heard.append(name)
        attention._noticed = hearing.noticed
        await asyncio.sleep(1.5)
        dropped(tmp_path / "data/orders/a.csv")
        await until(lambda: {"orders", "users"} == set(heard))

    hears(story)


def test_a_source_that_is_added_is_watched_and_its_old_files_are_not_news(hears, tmp_path):
    dropped(tmp_path / "data/users/old.csv")

    async def story(hearing, attention):
        await asyncio.sleep(0.5)
        hearing.known = [wanted(), wanted("users")]
        await until(lambda: 3 == attention.folders)
        dropped(tmp_path / "data/users/new.csv")
        await until(lambda: hearing.seen)
        assert {"data/users/new.csv"} == hearing.seen

    hears(story)


def test_many_folders_are_listened_to_up_to_the_bound_then_looked_at(hears, tmp_path):
    for number in range(2_000):
        folder(tmp_path, "data/orders", str(number))

    async def story(hearing, attention):
        assert (2_002, ()) == (attention.folders, attention.looked_at)
        dropped(tmp_path / "data/orders/1999/a.csv")
        await until(lambda: {"data/orders/1999/a.csv"} == hearing.seen)
        folder(tmp_path, "data/orders/one_more")
        await until(lambda: 0 == attention.folders)
        assert ({"source": "orders", "reason": TOO_MANY},) == attention.looked_at
        await until(lambda: ["orders"] == hearing.unknown)
        dropped(tmp_path / "data/orders/0/b.csv")
        await until(lambda: ["orders", "orders"] == hearing.unknown)

    hears(story, folders_max=2_002)


def test_a_folder_that_goes_before_it_is_listened_to_keeps_no_other_from_it(hears, tmp_path):
    folder(tmp_path, "data/orders/sub")
    asked = []

    def system(*folders, stop):
        asked.append(len(folders))
        if len(asked) == 2:
            shutil.rmtree(tmp_path / "data/orders/sub")
        return listen(*folders, stop=stop)

    async def story(hearing, attention):
        folder(tmp_path, "data/orders/new")
        await until(lambda: [3, 4, 3] == asked[:3] and 3 == attention.folders)
        dropped(tmp_path / "data/orders/new/a.csv")
        await until(lambda: {"data/orders/new/a.csv"} == hearing.seen)
        assert () == attention.looked_at

    hears(story, system)


def test_folders_that_always_go_are_looked_at_in_the_end(hears, tmp_path):
    async def gone():
        raise FileNotFoundError
        yield ()

    async def story(hearing, attention):
        await until(lambda: attention.looked_at)
        dropped(tmp_path / "data/orders/a.csv")
        await until(lambda: hearing.unknown)

    hears(story, lambda *_, **__: gone())


TRIAL = """
import asyncio, sys
from infra.watcher.listening import Listening, listen

async def heard(changes): ...

asyncio.run(Listening(sys.argv[1:], heard, listen).begin())
"""


def ran(*words):
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    return subprocess.run(words, check=False, env=env, capture_output=True, text=True)


def test_the_system_s_own_listener_says_when_it_has_reached_its_limit(tmp_path):
    folders = [str(folder(tmp_path, str(number))) for number in range(20)]
    limited = 'echo 10 > /proc/sys/user/max_inotify_watches && exec "$@"'
    inside = ("unshare", "-Ur", "sh", "-c", limited, "sh")
    if shutil.which("unshare") is None or ran(*inside, "true").returncode:
        pytest.skip("limits of a test's own take user namespaces, which this machine has not")
    trial = (*inside, sys.executable, "-P", "-c", TRIAL)
    few, many = ran(*trial, *folders[:9]), ran(*trial, *folders)
    assert (0, 1) == (few.returncode, many.returncode), few.stderr
    assert "OSError: OS file watch limit reached" in many.stderr


def test_the_system_s_limit_is_told_and_looked_around_until_there_is_room(hears, tmp_path):
    system = Limited(2)
    folder(tmp_path, "data/orders/sub")

    async def story(hearing, attention):
        assert 0 == attention.folders
        assert ({"source": "orders", "reason": NO_LISTENER},) == attention.looked_at
        dropped(tmp_path / "data/orders/sub/a.csv")
        await until(lambda: ["orders"] == hearing.unknown)
        system.most = 3
        await until(lambda: 3 == attention.folders)
        assert () == attention.looked_at
        dropped(tmp_path / "data/orders/sub/b.csv")
        await until(lambda: "data/orders/sub/b.csv" in hearing.seen)

    hears(story, system, walk_every_s=0.5)
    assert {3} == set(system.asked)
