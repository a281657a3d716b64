"""What all tests share: steady property tests, and the browser or the lack of one."""

import os
import shutil

import pytest
from hypothesis import settings

# On a busy machine a slow example says nothing about the code; pytest-timeout bounds each test.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


def find_chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser's program, for `launch(executable_path=…)`: none is ever downloaded."""
    path = find_chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing, and CI must run the browser tests")
        pytest.skip("Chromium is not installed")
    return path
