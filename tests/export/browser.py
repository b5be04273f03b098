"""A real browser for the pages: Chromium without a window, driven over WebDriver."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # containers are sandboxes already, and have no rights to make another
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--window-size=1280,860",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def logged(chrome: Chrome, kind: str) -> list[dict[str, Any]]:
    """Return what was logged since it was last asked for."""
    return list(chrome.get_log(kind))  # type: ignore[no-untyped-call]


@contextmanager
def browser() -> Iterator[Chrome]:
    """Start Chromium; where there is none, skip the test, but not where CI=true says that all of it is to be tested."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        reason = "there is no Chromium with its driver here: apt-get install chromium chromium-driver"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    options = ChromeOptions()
    options.binary_location = program
    for flag in _FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = Chrome(options=options, service=Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()
