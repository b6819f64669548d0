import os
import pathlib
import sys

import pytest
from selenium.common.exceptions import WebDriverException

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "blackbox"), str(ROOT / "bench")]

from screen import SIZES, Screen  # noqa: E402


@pytest.fixture(scope="module")
def browser():
    """One browser for the tests of a file: starting one takes longer than most tests."""
    try:
        running = Screen()
    except WebDriverException as failure:
        if os.environ.get("GRIDD_BROWSER") == "required":
            raise
        pytest.skip(f"SKIPPED: no browser starts here: {str(failure).splitlines()[0]}")
    with running:
        yield running


@pytest.fixture
def screen(browser):
    """The file's browser as if new: every server is another origin, so nothing of a test before is kept."""
    browser.resize(SIZES["wall"])
    browser.theme, browser.language = "dark", "en"
    yield browser
    browser.driver.get("about:blank")
    browser.console()
    browser.hosts()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    browser = item.funcargs.get("screen")
    if report.when == "call" and report.failed and browser:
        print(f"picture: {browser.shot('failure-' + item.name.split('[')[0])}")
        print("\n".join(browser.console()))
