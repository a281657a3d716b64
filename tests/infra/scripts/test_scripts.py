"""Scripts in real workers: what they get, what is kept of them, how they are ended."""

import asyncio
import os
import time
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from commands import ports
from commands.schedule_ports import Script
from infra.scripts.run import PoolScripts
from infra.workers.kinds import KINDS
from infra.workers.pool import Pool
from tests.patience import until

(KIND,) = (kind for kind in KINDS if kind.name == "script")
GONE_S_MAX = 2.0  # from the wish to stop a script to its end


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "scripts").mkdir()
    return tmp_path


@asynccontextmanager
async def scripts_in(folder):
    pool = Pool({"script": msgspec.Raw(b"null")}, kinds=[KIND])
    try:
        yield PoolScripts(pool, folder)
    finally:
        await pool.close()


def ran(folder, text, path="a.py", **fields):
    (folder / "scripts" / "a.py").write_text(text)

    async def live():
        async with scripts_in(folder) as scripts:
            return await scripts.run(Script(path=path, timeout_s=20.0, **fields))

    return asyncio.run(live())


def test_a_script_gets_its_arguments_the_project_and_no_environment_of_the_server(
    folder, monkeypatch
):
    monkeypatch.setenv("DANGO_MASTER_KEY", "canary")
    text = (
        "import os, sys\n"
        "print(sys.argv[1:], os.getcwd(), sys.stdin.read(), 'canary' in str(os.environ))"
    )
    done = ran(folder, text, arguments=("a b", "$(id)"))

    assert (0, f"['a b', '$(id)'] {folder}  False\n") == (done.exit_code, done.output)


def test_a_secret_reaches_the_script_and_no_command_line_and_is_hidden_in_its_output(folder):
    text = (
        "import pathlib, sys\n"
        "lines = [p.read_bytes() for p in pathlib.Path('/proc').glob('[0-9]*/cmdline')"
        " if p.parent.owner() is not None]\n"
        "print(sys.argv[1], len(sys.argv[1]), any(b'hunter22' in line for line in lines))"
    )
    done = ran(folder, text, arguments=("${KEY}",), secrets={"KEY": "hunter22"})

    assert "**** 8 False\n" == done.output


def test_what_a_script_raises_is_in_its_output(folder):
    done = ran(folder, "raise SystemExit('no luck')")

    assert (1, "no luck\n") == (done.exit_code, done.output)


def test_only_the_end_of_much_output_is_kept(folder):
    done = ran(folder, "for n in range(200_000): print(n)")

    assert 0 == done.exit_code
    assert 60_000 < len(done.output) <= 64 * 1024
    assert done.output.endswith("199999\n")


@pytest.mark.parametrize(
    "path", ["b.py", "../a.py", "/etc/passwd", "a.sh", "x/a.py", "link.py", "folder.py", ".py"]
)
def test_only_files_directly_inside_of_scripts_are_run(folder, path):
    (folder / "outside.py").write_text("print('outside')")
    (folder / "scripts" / "link.py").symlink_to(folder / "outside.py")
    (folder / "scripts" / "folder.py").mkdir()

    with pytest.raises(ports.WorkRefused):
        ran(folder, "print(1)", path=path)


def test_a_folder_of_scripts_that_is_a_link_is_not_followed(folder):
    (folder / "scripts").rename(folder / "elsewhere")
    (folder / "scripts").symlink_to(folder / "elsewhere")

    with pytest.raises(ports.WorkRefused):
        ran(folder, "print(1)")


def test_a_cancelled_script_is_gone_soon_and_so_is_what_it_started(folder):
    text = (
        "import os, pathlib, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "pathlib.Path('new').write_text(f'{os.getpid()} {child.pid}')\n"
        "pathlib.Path('new').rename('pids')\n"
        "time.sleep(60)\n"
    )
    (folder / "scripts" / "a.py").write_text(text)

    async def live():
        async with scripts_in(folder) as scripts:
            task = asyncio.create_task(scripts.run(Script(path="a.py", timeout_s=50.0)))
            await until((folder / "pids").exists)
            pids = [int(pid) for pid in (folder / "pids").read_text().split()]
            begun = time.monotonic()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await until(lambda: not any(map(lives, pids)))
            return time.monotonic() - begun

    assert GONE_S_MAX >= asyncio.run(live())


def lives(pid):
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
