"""The demo page in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.chromium import CHROMIUM


@contextmanager
def shown(demo: str, *more: str) -> Iterator[Any]:
    """Show the demo page, which complains of nothing and asks nobody else."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    arguments = ["--no-sandbox", "--use-fake-ui-for-media-stream"]
    arguments += ["--use-fake-device-for-media-stream", "--disable-background-networking"]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=[*arguments, *more])
        page, wrong = browser.new_context().new_page(), []
        page.set_default_timeout(120_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda one: one.url.startswith((demo, "blob:")) or wrong.append(one.url))
        page.goto(f"{demo}/index.html")
        yield page
        assert not wrong
        browser.close()
