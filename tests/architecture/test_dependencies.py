"""What the product is installed from: lock files that anybody can use, reasons for each name."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = {"domain", "commands", "projections", "api", "infra"}
LOCKS = sorted(path.name for path in ROOT.glob("*.lock"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

LOCK_LINE = re.compile(
    r"""(?x)
      [a-z0-9-]+ == [\w.+!]+ (\ ;\ [^/]+)? \ \\   # name, version, marker
    | \ {4} --hash=sha256:[0-9a-f]{64} (\ \\)?
    """
)


def name_of(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def pins(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, flags=re.MULTILINE))


def test_the_five_package_names_belong_to_us_alone():
    owners = importlib.metadata.packages_distributions()

    foreign = {name: owners[name] for name in LAYERS if set(owners.get(name, [])) - {"dango-es"}}

    assert {} == foreign


def test_there_is_a_lock_for_each_purpose():
    expected = ["assets", "data", "requirements", "requirements-build", "requirements-test"]

    assert expected == sorted(name.removesuffix(".lock") for name in LOCKS)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_holds_pins_and_hashes_but_no_host_or_path(lock):
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()

    assert [] == [line for line in lines if not LOCK_LINE.fullmatch(line)]


def test_what_is_tested_is_what_runs():
    run, test = pins("requirements.lock"), pins("requirements-test.lock")

    assert run == {name: version for name, version in test.items() if name in run}


@pytest.mark.parametrize("requirement", PYPROJECT["project"]["dependencies"])
def test_every_dependency_is_locked(requirement):
    assert name_of(requirement) in pins("requirements.lock")


def test_every_dependency_has_its_reason_written_down():
    page = (ROOT / "docs/decisions/dependencies.md").read_text(encoding="utf-8")
    reasoned = set(re.findall(r"^\| `([a-z0-9-]+)` \|", page, flags=re.MULTILINE))
    groups = PYPROJECT["dependency-groups"].values()
    wanted = [*PYPROJECT["project"]["dependencies"], *(name for group in groups for name in group)]

    assert {name_of(requirement) for requirement in wanted} == reasoned
