"""The browser extension in Chromium, on a local call of two with few bits a second."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.chromium import CHROMIUM, IN_CHROMIUM
from tests.photos import crop
from tests.web.cards import GIVEN, REAL, SWIFTSHADER, poor
from tests.web.serving import served

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = IN_CHROMIUM

SECONDS = 120_000
"""Milliseconds that a machine with other work may take for anything."""
CALL = "call.html?bits=30000&gap=500"
"""Few frames a second: a busy machine has time for each, and the budget is not what is tested."""
GOOD = "call.html?bits=4000000&gap=200"
OVER = "#other + div"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("call")
    shutil.copy(Path(__file__).parent / "call.html", folder)
    cv2.imwrite(str(folder / "photo.png"), crop(0, 0, 400))
    with served(folder, isolated=False) as address:
        yield address


@contextmanager
def opened(folder: Path, extension: Path, *more: str) -> Iterator[Any]:
    """Start Chromium with an extension."""
    arguments = ["--no-sandbox", "--headless=new", "--disable-background-networking", *more]
    arguments += [f"--disable-extensions-except={extension}", f"--load-extension={extension}"]
    with playwright.sync_playwright() as started:
        context = started.chromium.launch_persistent_context(
            str(folder / "profile"),
            executable_path=CHROMIUM,
            args=arguments,
            headless=False,
            ignore_default_args=["--disable-extensions"],
            viewport={"width": 700, "height": 420},
        )
        context.set_default_timeout(SECONDS)
        if not context.service_workers:
            context.wait_for_event("serviceworker")
        yield context
        context.close()


@pytest.fixture
def listed(tmp_path: Path, dist: Path) -> Iterator[Any]:
    """Chromium with the extension, this machine's pages listed: no test can press `Allow`."""
    extension = shutil.copytree(dist / "extension", tmp_path / "extension")
    manifest = json.loads((extension / "manifest.json").read_text())
    manifest["host_permissions"] = ["http://127.0.0.1/*"]
    (extension / "manifest.json").write_text(json.dumps(manifest))
    with opened(tmp_path, extension) as context:
        worker = context.service_workers[0]
        registered = "chrome.scripting.getRegisteredContentScripts().then((all) => all.length)"
        while not worker.evaluate(registered):
            pass
        yield context


def test_what_is_shown_is_closer_to_what_was_sent(listed: Any, address: str) -> None:
    page, asked = listed.new_page(), list[str]()
    listed.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/{CALL}")
    page.wait_for_function("document.title == 'connected'")
    # The first frames of a stream are sent with more bits than it has.
    came, shown = np.array(page.evaluate("measured(12)"))[4:].T
    assert (shown != came).all()
    assert shown.mean() < came.mean()
    assert (shown < came).mean() > 0.8
    # It lies where the video lies, under what the page writes there; the small one is left alone.
    assert page.locator(OVER).bounding_box() == page.locator("#other").bounding_box()
    assert (
        page.locator(f"{OVER} canvas").evaluate("one => getComputedStyle(one).borderRadius")
        == "12px"
    )
    assert page.evaluate("document.elementFromPoint(40, 370).id") == "name"
    assert page.locator("#own + div").count() == 0
    assert not [one for one in asked if not one.startswith((address, "chrome-extension://"))]


def test_a_good_picture_is_left_as_it_came(listed: Any, address: str) -> None:
    page = listed.new_page()
    page.goto(f"{address}/{GOOD}")
    canvas, switch = page.locator(f"{OVER} canvas"), page.locator(f"{OVER} button")
    playwright.expect(switch).to_have_text("sharp: not needed", timeout=SECONDS)
    seen = page.evaluate(
        """async () => {
          const canvas = other.nextElementSibling.shadowRoot.querySelector("canvas");
          const seen = [];
          for (let frame = 0; frame < 40; frame++) {
            await new Promise((done) => other.requestVideoFrameCallback(done));
            seen.push(canvas.hidden);
          }
          return seen;
        }"""
    )
    assert all(seen)
    playwright.expect(canvas).to_be_hidden()
    playwright.expect(switch).to_have_attribute("aria-pressed", "true")


def test_the_switch_and_the_key(listed: Any, address: str) -> None:
    page = listed.new_page()
    page.goto(f"{address}/{CALL}")
    canvas, switch = page.locator(f"{OVER} canvas"), page.locator(f"{OVER} button")
    playwright.expect(canvas).to_be_visible(timeout=SECONDS)
    playwright.expect(switch).to_have_text(re.compile("sharp: on"))
    page.keyboard.down("Alt")
    page.keyboard.down("b")
    playwright.expect(canvas).to_be_hidden()
    page.keyboard.up("b")
    playwright.expect(canvas).to_be_visible()
    page.keyboard.up("Alt")
    switch.click()
    playwright.expect(switch).to_have_text("sharp: off")
    playwright.expect(canvas).to_be_hidden()
    playwright.expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    playwright.expect(canvas).to_be_visible(timeout=SECONDS)


def test_pages_that_are_not_listed_are_left_alone(listed: Any, address: str) -> None:
    page = listed.new_page()
    page.goto(f"{address}/{CALL}".replace("127.0.0.1", "localhost"))
    page.wait_for_function("document.title == 'connected'")
    page.wait_for_timeout(2500)
    assert page.locator(OVER).count() == 0
    page.goto(f"{address}/{CALL}")
    playwright.expect(page.locator(OVER)).to_have_count(1, timeout=SECONDS)
    # What the service worker tells all pages once one is no longer listed.
    listed.service_workers[0].evaluate(
        """async () => {
          for (const { id } of await chrome.tabs.query({})) {
            await chrome.tabs.sendMessage(id, { unlisted: "127.0.0.1" }).catch(() => {});
          }
        }"""
    )
    playwright.expect(page.locator(OVER)).to_have_count(0)


def test_it_may_read_nothing_until_a_page_is_listed(tmp_path: Path, dist: Path) -> None:
    with opened(tmp_path, dist / "extension") as context:
        worker = context.service_workers[0]
        granted = worker.evaluate("chrome.permissions.getAll()")
        assert granted["origins"] == []
        assert sorted(granted["permissions"]) == ["activeTab", "offscreen", "scripting"]
        assert worker.evaluate("chrome.scripting.getRegisteredContentScripts()") == []
        popup = context.new_page()
        popup.add_init_script(
            """
            chrome.tabs.query = async () => [{ url: "https://call.example:8443/room?1" }];
            chrome.permissions.request = async (asked) => ((globalThis.asked = asked), false);
            """
        )
        popup.goto(worker.url.replace("background.js", "popup.html"))
        playwright.expect(popup.locator("#list")).to_have_text("None: nothing is sharpened.")
        popup.get_by_role("button", name="Sharpen the videos here").click()
        assert popup.evaluate("asked") == {"origins": ["https://call.example/*"]}


def test_on_a_graphics_card(tmp_path: Path, dist: Path) -> None:
    extension = shutil.copytree(dist / "extension", tmp_path / "extension")
    engine = extension / "engine.js"
    engine.write_text(REAL + engine.read_text())
    with opened(tmp_path, extension, *SWIFTSHADER) as context:
        popup = context.new_page()
        popup.goto(context.service_workers[0].url.replace("background.js", "popup.html"))
        told = popup.evaluate(
            f"""async (picture) => {{
              const {{ data: pixels, width, height }} = ({GIVEN})(...picture);
              await chrome.runtime.sendMessage({{ engine: "wanted" }});
              const port = chrome.runtime.connect();
              const answered = new Promise((done) => port.onMessage.addListener(done));
              port.postMessage({{ id: 1, video: 1, skipped: 0, size: 1, width, height, pixels }});
              const told = await answered;
              return {{ ...told, pixels: told.pixels?.some((value, at) => value !== pixels[at]) }};
            }}""",
            poor(64, 64),
        )
    assert told.get("error") is None
    assert (told["backend"], told["pixels"]) == ("webgpu", True)
