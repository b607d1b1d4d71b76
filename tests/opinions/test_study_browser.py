"""The page of a study in a real browser: Playwright with the Chromium of the system."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ovsharp.opinions import Conditions, StudyServer, open_study
from tests.chromium import CHROMIUM, DESKTOP, IN_CHROMIUM, phone
from tests.opinions.ratings import folder_of_conditions

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = IN_CHROMIUM

PHONE = phone(height=760)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        # Containers have no sandbox of their own to give.
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=["acr", "pairs"])
def server(request: Any, tmp_path: Path) -> Iterator[StudyServer]:
    # Two of 600 pixels fit beside each other on a desktop, and not on a phone.
    stimuli = folder_of_conditions(tmp_path / "stimuli", 2, size=(200, 600))
    study = open_study(tmp_path / "study", Conditions(stimuli), request.param, practice=1)
    with StudyServer(study, tmp_path / "study") as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def wait(page: Any, condition: str) -> None:
    # Not wait_for_function: the page forbids `eval`, on purpose.
    deadline = time.monotonic() + 30
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        time.sleep(0.02)


def enter(page: Any, server: StudyServer, rater: str) -> None:
    page.goto(server.url)
    page.fill("#rater", rater)
    page.press("#rater", "Enter")


def ready(page: Any) -> bool:
    wait(page, "!document.getElementById('done').hidden || (ready && !busy)")
    return not page.is_visible("#done")


def answer(page: Any, act: Any) -> None:
    at = page.evaluate("question.at")
    act()
    wait(page, f"question.at !== {at} || !document.getElementById('done').hidden")


@pytest.mark.parametrize("kind", ["desktop", "phone"])
def test_a_rater_fills_it_in_stops_and_goes_on(
    browser: Any, server: StudyServer, kind: str
) -> None:
    phone, pairs = kind == "phone", server.study.method == "pairs"
    context = browser.new_context(**(PHONE if phone else DESKTOP))
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    enter(page, server, "anna")
    last, count = (2 if pairs else 5), 0
    while ready(page):
        picture = page.locator("#shown img").first.bounding_box()
        assert picture["width"] * (2 if phone else 1) == 600  # a pixel on a pixel
        button = page.locator(f"#votes button:nth-child({last})")
        if pairs and phone:
            assert button.is_disabled()  # B has not been looked at
            page.tap("#views button:nth-child(2)")
        answer(
            page,
            button.tap if phone else lambda: page.keyboard.press("ArrowRight" if pairs else "5"),
        )
        count += 1
        if count == 2:
            page.reload()
            enter(page, server, "ANNA")
    assert count == server.study.questions + 1
    assert {item.vote for item in server.ballots.answers("anna")} == {last}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not errors
    context.close()


def test_backspace_goes_back_and_arrows_choose(browser: Any, server: StudyServer) -> None:
    if server.study.method == "pairs":
        pytest.skip("in pairs an arrow is a vote")
    page = browser.new_page(**DESKTOP)
    enter(page, server, "ben")
    ready(page)
    answer(page, lambda: page.keyboard.press("2"))
    ready(page)
    answer(page, lambda: page.keyboard.press("Backspace"))
    ready(page)
    for key in ("ArrowRight", "ArrowRight"):  # to the middle, and one up
        page.keyboard.press(key)
    answer(page, lambda: page.keyboard.press("Enter"))
    assert server.ballots.answers("ben")[0].vote == 4
    page.close()
