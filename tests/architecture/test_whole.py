"""What a run of the whole suite says when tests fail."""

import pytest

from tests import whole

MARKERS = "[pytest]\nmarkers =\n    soak: long\n    alone: by itself\n"
UNSTEADY = """
import pathlib

def test_fails_the_first_time():
    mark = pathlib.Path("seen")
    seen = mark.exists()
    mark.touch()
    assert seen
"""
BROKEN = "def test_fails():\n    assert False\n"
SOUND = "def test_passes():\n    pass\n"
MANY = "import pytest\n\n@pytest.mark.parametrize('n', range(6))\ndef test_is(n):\n    assert n > 9"


@pytest.mark.parametrize(
    ("suite", "environ", "code"),
    [
        ([UNSTEADY, SOUND], {"CI": "true"}, 0),
        ([UNSTEADY, SOUND], {}, 1),
        ([UNSTEADY, BROKEN], {"CI": "true"}, 1),
        ([MANY], {"CI": "true"}, 1),
        (["import nothing_of_this_name\n"], {"CI": "true"}, 2),
    ],
    ids=["unsteady", "unsteady-at-home", "broken", "too-many", "cannot-be-read"],
)
def test_a_few_that_fail_once_are_told_by_ci(suite, environ, code, tmp_path, capfd):
    (tmp_path / "pytest.ini").write_text(MARKERS)
    for number, tests in enumerate(suite):
        (tmp_path / f"test_{number}.py").write_text(tests)

    assert code == whole.main(["-q", "--numprocesses=0"], environ, tmp_path)

    told = "Unsteady, and to be mended" in capfd.readouterr().out
    assert told == (UNSTEADY in suite and code == 0)
