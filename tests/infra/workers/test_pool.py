"""The pool against children that sleep, crash, eat memory, make noise and never end."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

import infra
from commands import ports
from infra.workers.kinds import MIB, Kind
from infra.workers.pool import Pool
from tests.infra.workers.handlers import SECRET, Act

TRIAL = Kind(
    name="trial",
    handler="tests.infra.workers.handlers",
    concurrency_max=2,
    spares=1,
    waiting_max=2,
    result_bytes_max=1 * MIB,
    address_space_bytes_max=1024 * MIB,
    cpu_s_max=2,
    open_files_max=64,
)
DEADLINE_S = 20.0
ROOT = Path(infra.__file__).resolve().parent.parent


@asynccontextmanager
async def pool_of(kind: Kind = TRIAL, lease: asyncio.Lock | None = None) -> AsyncIterator[Pool]:
    pool = Pool({"trial": msgspec.Raw(b"{}")}, kinds=[kind], lease=lease)
    try:
        yield pool
    finally:
        await pool.close()


def do(pool: Pool, verb: str, deadline_s: float = DEADLINE_S, **fields: Any) -> Awaitable[Any]:
    return pool.run("trial", Act(verb=verb, **fields), deadline_s=deadline_s, result_type=Any)


def trial(test: Callable[[Pool], Awaitable[None]], kind: Kind = TRIAL) -> None:
    async def all_of_it() -> None:
        async with pool_of(kind) as pool:
            await test(pool)

    asyncio.run(all_of_it())


def gone(pid: int) -> bool:
    for _ in range(100):
        try:
            status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):
            return True
        # A zombie whose parent is init, not we, is as good as gone.
        if status.rpartition(")")[2].split()[:2] == ["Z", "1"]:
            return True
        time.sleep(0.02)
    return False


def test_a_task_is_answered_by_a_worker_that_is_used_again() -> None:
    async def test(pool: Pool) -> None:
        assert await do(pool, "echo", text="hello") == "hello"
        assert await do(pool, "pid") == await do(pool, "pid")
        assert pool.status()[0].idle == 1

    trial(test)


def test_a_worker_is_replaced_after_its_number_of_tasks() -> None:
    async def test(pool: Pool) -> None:
        pids = [await do(pool, "pid") for _ in range(4)]
        assert pids[0] == pids[1]
        assert pids[0] not in pids[2:]

    trial(test, msgspec.structs.replace(TRIAL, tasks_max=2))


def test_work_past_its_deadline_is_killed_and_another_worker_takes_over() -> None:
    async def test(pool: Pool) -> None:
        pid = await do(pool, "pid")
        with pytest.raises(ports.WorkTimedOut):
            await do(pool, "forever", deadline_s=0.3)
        assert gone(pid)
        assert await do(pool, "echo", text="again") == "again"
        assert pool.status()[0].killed == 1

    trial(test)


def test_cancelling_kills_the_worker_and_what_it_started() -> None:
    async def test(pool: Pool) -> None:
        seen: asyncio.Queue[int] = asyncio.Queue()
        task = asyncio.create_task(
            pool.run(
                "trial",
                Act(verb="grandchild", seconds=30),
                deadline_s=DEADLINE_S,
                on_progress=lambda progress: seen.put_nowait(progress.done),
                result_type=int,
            ),
        )
        pid = await seen.get()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(gone, pid)

    trial(test)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (Act(verb="crash"), "segmentation fault"),
        (Act(verb="bomb"), "out of memory"),
        (Act(verb="spin"), "2 s of CPU time"),
        (Act(verb="exits", count=7), "exit code 7"),
    ],
    ids=lambda value: value.verb if isinstance(value, Act) else "",
)
def test_a_worker_that_dies_says_why_and_the_next_task_works(act: Act, words: str) -> None:
    async def test(pool: Pool) -> None:
        with pytest.raises(ports.WorkDied, match=words):
            await pool.run("trial", act, deadline_s=DEADLINE_S, result_type=Any)
        assert await do(pool, "echo", text="well") == "well"
        assert pool.status()[0].died == 1

    trial(test)


def test_refusals_and_failures_travel_with_reason_and_facts() -> None:
    async def test(pool: Pool) -> None:
        with pytest.raises(ports.WorkRefused) as refused:
            await do(pool, "refuse", text="Line 3 of a.csv is ragged.")
        assert refused.value.reason == "Line 3 of a.csv is ragged."
        assert refused.value.facts == {"file": "a.csv", "line": 3}
        with pytest.raises(ports.WorkFailed) as failed:
            await do(pool, "fail", text="No.")
        assert (failed.value.reason, failed.value.facts) == ("No.", {"table": "t"})

    trial(test)


def test_a_bug_in_a_handler_is_told_without_its_text() -> None:
    async def test(pool: Pool) -> None:
        with pytest.raises(ports.WorkFailed) as failed:
            await do(pool, "bug", text="a secret value")
        assert failed.value.reason == "The trial worker failed unexpectedly (KeyError)."
        assert await do(pool, "echo", text="on") == "on"

    trial(test)


def test_prints_do_not_break_the_protocol_and_reach_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "infra.workers")

    async def test(pool: Pool) -> None:
        assert await do(pool, "noise", text="a line of a library") == "quiet"
        await asyncio.sleep(0.05)

    trial(test)
    lines = [record.getMessage() for record in caplog.records]
    assert any("a line of a library" in line for line in lines)
    assert any("last line" in line for line in lines)
    assert max(map(len, lines)) < 2100


def test_progress_is_throttled_in_the_child() -> None:
    async def test(pool: Pool) -> None:
        seen: list[ports.Progress] = []
        result = await pool.run(
            "trial",
            Act(verb="count", count=100_000),
            deadline_s=DEADLINE_S,
            on_progress=seen.append,
            result_type=int,
        )
        assert result == 100_000
        assert 1 <= len(seen) <= 30
        assert seen[0] == ports.Progress(phase="counting", done=0, total=100_000)

    trial(test)


def test_a_result_over_its_bound_is_an_error_and_no_memory() -> None:
    async def test(pool: Pool) -> None:
        with pytest.raises(ports.WorkFailed, match="larger than 1048576 bytes"):
            await do(pool, "echo", text="x", count=2 * MIB)
        assert len(await do(pool, "echo", text="x", count=1000 * 1000)) == 1000 * 1000

    trial(test)


def test_more_waiting_tasks_than_allowed_are_busy() -> None:
    async def test(pool: Pool) -> None:
        tasks = [asyncio.ensure_future(do(pool, "sleep", seconds=1.0)) for _ in range(4)]
        await asyncio.sleep(0.1)
        # How many of the two that left the queue are still waiting for a child depends on the
        # machine; those that wait behind them do not.
        assert pool.status()[0].waiting == 2
        assert pool.status()[0].busy <= 2
        with pytest.raises(ports.Busy):
            await do(pool, "echo")
        assert await asyncio.gather(*tasks) == ["slept"] * 4

    trial(test)


def test_a_deadline_that_passes_while_waiting_is_busy() -> None:
    async def test(pool: Pool) -> None:
        await do(pool, "echo")
        tasks = [asyncio.ensure_future(do(pool, "sleep", seconds=1.5)) for _ in range(2)]
        await asyncio.sleep(0.1)
        with pytest.raises(ports.Busy):
            await do(pool, "echo", deadline_s=0.2)
        await asyncio.gather(*tasks)

    trial(test)


def test_the_write_lease_is_held_by_one_worker_at_a_time() -> None:
    async def test() -> None:
        async with pool_of(lease=asyncio.Lock()) as pool:
            first, second = await asyncio.gather(
                do(pool, "hold", seconds=0.4),
                do(pool, "hold", seconds=0.4),
            )
            assert abs(first - second) >= 0.4

    asyncio.run(test())


def test_a_dead_worker_gives_the_write_lease_back() -> None:
    async def test() -> None:
        lease = asyncio.Lock()
        async with pool_of(lease=lease) as pool:
            await do(pool, "echo")
            with pytest.raises(ports.WorkTimedOut):
                await do(pool, "hold", seconds=30, deadline_s=0.5)
            assert await do(pool, "hold", seconds=0.0) > 0
            assert not lease.locked()

    asyncio.run(test())


def test_a_worker_that_dies_while_it_waits_for_the_write_lease_does_not_take_it_along() -> None:
    async def test() -> None:
        lease = asyncio.Lock()
        async with pool_of(lease=lease) as pool:
            child = await do(pool, "pid")
            await lease.acquire()
            waiting = asyncio.ensure_future(do(pool, "hold"))
            await asyncio.sleep(0.5)  # until it has asked
            os.kill(child, signal.SIGKILL)
            (buried,) = [each.buried for each in pool._lanes["trial"].all if each.pid == child]
            await asyncio.wait([buried])
            lease.release()
            with pytest.raises(ports.WorkDied):
                await waiting
            assert not lease.locked()

    asyncio.run(test())


def test_a_handler_that_cannot_start_is_a_failure_with_an_end() -> None:
    async def test() -> None:
        pool = Pool({"trial": msgspec.Raw(b'{"broken": "no"}')}, kinds=[TRIAL])
        pool.start()
        with pytest.raises(ports.WorkDied, match="could not start"):
            await do(pool, "echo")
        await pool.close()

    asyncio.run(test())


def test_a_secret_leaves_a_worker_neither_in_reasons_nor_in_what_it_prints(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "infra.workers")

    async def test(config: dict[str, str]) -> None:
        pool = Pool({"trial": msgspec.Raw(msgspec.json.encode(config))}, kinds=[TRIAL])
        with pytest.raises(ports.WorkFailed) as failed:
            await do(pool, "blab", text="No")
        if "broken" not in config:
            assert failed.value.reason == "No: ****"
            assert failed.value.facts == {"at": "****"}
            with pytest.raises(ports.WorkFailed, match=f"{SECRET}: {SECRET}"):
                await do(pool, "blab", text=SECRET)  # who asks knows it, and learns nothing
            with pytest.raises(ports.WorkFailed, match="unexpectedly"):
                await do(pool, "gossip")
        await asyncio.sleep(0.05)
        await pool.close()

    asyncio.run(test({"secret": SECRET}))
    asyncio.run(test({"secret": SECRET, "broken": f"a bug with {SECRET}"}))
    printed = "\n".join(record.getMessage() for record in caplog.records)
    for words in ("thread ****", "KeyError: '****'", "a bug with ****", "warned of ****"):
        assert words in printed
    assert SECRET not in printed


def test_a_file_over_the_size_limit_cannot_be_written(tmp_path: Path) -> None:
    async def test(pool: Pool) -> None:
        with pytest.raises(ports.WorkFailed):
            await do(pool, "write", text=str(tmp_path / "x"), count=5000)
        await do(pool, "write", text=str(tmp_path / "y"), count=4000)

    trial(test, msgspec.structs.replace(TRIAL, file_bytes_max=4096))


def test_a_kind_without_network_reaches_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        async def connects(pool: Pool) -> bool:
            try:
                return bool(await do(pool, "connect", count=port) == "connected")
            except ports.WorkFailed:
                return False

        async def closed(pool: Pool) -> None:
            answer = await connects(pool)
            assert answer is not pool.status()[0].isolated

        async def opened(pool: Pool) -> None:
            assert await connects(pool)

        trial(closed)
        trial(opened, msgspec.structs.replace(TRIAL, network=True))


def test_secrets_of_the_server_are_not_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DANGO_MASTER_KEY", "secret")

    async def test(pool: Pool) -> None:
        assert set(await do(pool, "environment")) <= {
            "PATH",
            "PYTHONPATH",
            "LD_LIBRARY_PATH",
            "LANG",
            "LC_ALL",
            "LC_CTYPE",
            "TMPDIR",
        }

    trial(test)


def test_our_own_package_is_imported_and_not_one_of_the_current_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "__init__.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)

    async def test(pool: Pool) -> None:
        assert await do(pool, "echo", text="ours") == "ours"

    trial(test)


def own_children() -> set[str]:
    """Processes that this one has started, also those that nobody has waited for."""
    return {
        pid
        for task in Path("/proc/self/task").glob("*/children")
        for pid in task.read_text().split()
    }


def test_nothing_is_left_after_close() -> None:
    before, children = set(Path("/proc/self/fd").iterdir()), own_children()

    async def test(pool: Pool) -> None:
        pool.start()
        for _ in range(3):
            with pytest.raises(ports.WorkTimedOut):
                await do(pool, "sleep", seconds=9, deadline_s=0.4)
        assert await do(pool, "descriptors") < 15

    trial(test)
    assert len(set(Path("/proc/self/fd").iterdir())) <= len(before)
    assert own_children() <= children  # those of other tests of this process stay


SERVER = """
import asyncio, msgspec
from tests.infra.workers.test_pool import TRIAL, do, Pool
async def main():
    pool = Pool({"trial": msgspec.Raw(b"{}")}, kinds=[TRIAL])
    print(await do(pool, "pid"), flush=True)
    await do(pool, VERB, seconds=60)
asyncio.run(main())
"""


@pytest.mark.parametrize("verb", ["sleep", "forever"])
def test_children_die_with_a_server_that_is_killed(verb: str) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER.replace("VERB", repr(verb))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    pid = int(server.stdout.readline())
    time.sleep(0.2)
    server.send_signal(signal.SIGKILL)
    server.wait()
    server.stdout.close()
    assert gone(pid)


@pytest.mark.parametrize("spares", [True, False])
def test_spares_stand_ready_only_where_they_are_wanted(spares: bool) -> None:
    async def count(pool: Pool) -> int:
        pool.start()
        await do(pool, "pid")
        (lane,) = pool._lanes.values()
        if lane._warming is not None:
            await lane._warming
        return pool.status()[0].idle

    async def test() -> None:
        kind = msgspec.structs.replace(TRIAL, spares=2)
        pool = Pool({"trial": msgspec.Raw(b"{}")}, kinds=[kind], spares=spares)
        try:
            assert (2 if spares else 1) == await count(pool)
        finally:
            await pool.close()

    asyncio.run(test())


def test_workers_beyond_the_spares_stay_while_others_wait() -> None:
    async def test(pool: Pool) -> None:
        tasks = [do(pool, "pid") for _ in range(12)]
        assert len(set(await asyncio.gather(*tasks))) <= 3

    trial(test, msgspec.structs.replace(TRIAL, concurrency_max=3, spares=1, waiting_max=12))


def group(process: int) -> int | None:
    """The niceness of the group of its session, where the system has such groups."""
    path = Path(f"/proc/{process}/autogroup")
    return int(path.read_text().split()[-1]) if path.exists() else None


def test_a_child_lets_the_server_go_first_as_its_kind_says() -> None:
    async def test(pool: Pool) -> None:
        child = await do(pool, "pid")
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, child) == min(own + 7, 19)
        assert group(child) in (7, None)

    trial(test, msgspec.structs.replace(TRIAL, niceness=7))
