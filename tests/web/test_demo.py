"""The static demo page in Chromium: photos, the camera, tabs beside each other, a phone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.chromium import CHROMIUM, IN_CHROMIUM, phone
from tests.photos import crop
from tests.web.clips import write

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = IN_CHROMIUM

SECONDS = 120_000
"""Milliseconds that a machine with other work may take for anything."""
KEPT = """async () => {
  const names = [];
  const walk = async (folder) => {
    for await (const [name, one] of folder) {
      if (one.kind === "directory") await walk(one);
      else names.push(name);
    }
  };
  await walk(await navigator.storage.getDirectory());
  return names;
}"""
"""Names of all files that the page has on disk."""


def keeps(page: Any, count: int) -> None:
    """Wait until so many files are kept. A folder may vanish while it is read."""
    page.wait_for_function(f"({KEPT})().then((names) => names.length === {count}, () => false)")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A poor JPEG."""
    path = tmp_path / "photo.jpg"
    cv2.imwrite(str(path), crop(0, 160, 120, 160), [cv2.IMWRITE_JPEG_QUALITY, 12])
    return path


def says(page: Any, words: str) -> None:
    playwright.expect(page.locator("#said")).to_have_text(re.compile(words), timeout=SECONDS)


def downloaded(page: Any) -> Any:
    with page.expect_download() as download:
        page.click("#download")
    return download.value


def test_a_photo_is_sharpened_compared_and_downloaded(page: Any, photo: Path) -> None:
    page.set_input_files("#file", str(photo))
    says(page, "160x120 in .*: call-.* dB expected")
    assert page.locator("#compare img").count() == 2
    line = page.get_by_role("slider", name="Line between before and after")
    line.focus()
    page.keyboard.press("End")
    playwright.expect(line).to_have_attribute("aria-valuenow", "100")
    download = downloaded(page)
    assert download.suggested_filename == "photo-sharp.jpg"
    sharp, before = cv2.imread(download.path()), cv2.imread(str(photo))
    assert sharp.shape == before.shape
    assert 0.1 < np.abs(sharp.astype(int) - before).mean() < 12


def test_a_photo_is_dropped_and_what_is_none_gets_a_sentence(page: Any, photo: Path) -> None:
    for content, words in ((photo.read_bytes(), "160x120 in"), (b"no photo", "a.jpg: this is no")):
        transfer = page.evaluate_handle(
            """(bytes) => {
              const files = new DataTransfer();
              files.items.add(new File([new Uint8Array(bytes)], "a.jpg", { type: "image/jpeg" }));
              return files;
            }""",
            list(content),
        )
        page.dispatch_event("body", "drop", {"dataTransfer": transfer})
        says(page, words)


def test_the_camera(page: Any, photo: Path) -> None:
    page.set_input_files("#file", str(photo))
    says(page, "160x120 in")
    page.click("#live")
    says(page, "frames a second")
    playwright.expect(page.locator("#download")).to_be_hidden()
    assert page.locator("#after").evaluate("one => one.width") >= 320
    page.click("#live")
    playwright.expect(page.locator("#compare")).to_be_visible()
    playwright.expect(page.locator("#download")).to_be_visible()


def test_a_reload_in_the_middle_leaves_nothing(page: Any, photo: Path, tmp_path: Path) -> None:
    write(tmp_path / "long.mp4", 600, "libx264", "aac")
    page.set_input_files("#file", str(tmp_path / "long.mp4"))
    says(page, r"[1-9]\d* %")
    assert page.evaluate(KEPT)
    page.reload()
    keeps(page, 0)
    page.set_input_files("#file", str(photo))
    says(page, "160x120 in")


def test_two_tabs_at_once_keep_their_files(page: Any, demo: str, tmp_path: Path) -> None:
    write(tmp_path / "clip.mp4", 6, "libx264", "aac")
    other = page.context.new_page()
    other.goto(f"{demo}/index.html")
    for tab in (page, other):
        tab.set_input_files("#file", str(tmp_path / "clip.mp4"))
    for tab in (page, other):
        says(tab, "clip-sharp.mp4, in")
    other.reload()
    keeps(other, 1)
    assert b"ftyp" in Path(downloaded(page).path()).read_bytes()[:12]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone(demo: str, photo: Path, scheme: str) -> None:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(**phone(height=800), color_scheme=scheme).new_page()
        page.goto(f"{demo}/index.html")
        page.set_input_files("#file", str(photo))
        says(page, "160x120 in")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        heights = page.locator("button:visible, #download").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().height)"
        )
        assert min(heights) >= 24
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", dark)[:3])) < 380) == (scheme == "dark")
        browser.close()
