"""The page in a real browser: Playwright with the Chromium of the system."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data

from tests.chromium import CHROMIUM, DESKTOP, IN_CHROMIUM, phone

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = IN_CHROMIUM

PHONE = phone(height=800)
SECONDS = 60_000
"""Milliseconds that a machine with other work may take for anything."""


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A poor photo, a clip, and one that stands in for a camera."""
    import av

    folder = tmp_path_factory.mktemp("media")
    photo = skimage.data.astronaut()
    cv2.imwrite(
        str(folder / "photo.jpg"), photo[:300, 60:460, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 12]
    )
    cv2.imwrite(str(folder / "deep.tif"), photo[:200, 60:360, ::-1])
    (folder / "broken.jpg").write_bytes(b"no picture")
    for name, codec, frames, options in (
        ("clip.mp4", "libx264", 60, {"crf": "36", "preset": "veryfast"}),
        ("camera.mjpeg", "mjpeg", 60, {"q:v": "12"}),
    ):
        with av.open(str(folder / name), "w") as out:
            stream: Any = out.add_stream(codec, rate=20, options=options)
            stream.width, stream.height = 320, 240
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for index in range(frames):
                part = np.ascontiguousarray(photo[index : index + 240, 100:420])
                picture = av.VideoFrame.from_ndarray(part, "rgb24")
                out.mux(stream.encode(picture.reformat(format=stream.pix_fmt)))
            out.mux(stream.encode())
    return folder


@pytest.fixture(scope="module")
def browser(media: Path) -> Iterator[Any]:
    arguments = [
        "--no-sandbox",  # containers have none of their own to give
        "--disable-background-networking",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={media / 'camera.mjpeg'}",
    ]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


class Tab:
    """A page that has complained of nothing, and asked nobody else."""

    def __init__(self, context: Any, address: str) -> None:
        self.page, self.wrong = context.new_page(), list[str]()
        self.page.set_default_timeout(SECONDS)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._hear)
        self.page.on("request", self._watch)
        self._address = address
        self.page.goto(f"{address}/")

    def _hear(self, message: Any) -> None:
        # Chromium tells of every answer that is no result; what was wrong stands on the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.wrong.append(message.text)

    def _watch(self, request: Any) -> None:
        if not re.match(rf"(blob:)?{self._address}/|data:", request.url):
            self.wrong.append(request.url)

    def add(self, *paths: Path) -> None:
        self.page.set_input_files("#input", [str(path) for path in paths])

    def state(self, place: int, words: str) -> None:
        """Wait until a file of the list says so."""
        found = self.page.locator("#queue .state").nth(place)
        playwright.expect(found).to_have_text(re.compile(words), timeout=SECONDS)

    def downloaded(self) -> bytes:
        with self.page.expect_download() as download:
            self.page.click("#download")
        return Path(download.value.path()).read_bytes()


@pytest.fixture
def tab(browser: Any, address: str) -> Iterator[Tab]:
    context = browser.new_context(**DESKTOP)
    tab = Tab(context, address)
    yield tab
    assert not tab.wrong
    context.close()


def post(address: str, path: Path, query: str) -> bytes:
    request = urllib.request.Request(f"{address}/v1/sharpen?{query}", path.read_bytes())
    answer: bytes = urllib.request.urlopen(request, timeout=60).read()
    return answer


def test_photos_are_sharpened_compared_and_downloaded(tab: Tab, address: str, media: Path) -> None:
    page, photo = tab.page, media / "photo.jpg"
    tab.add(photo, media / "broken.jpg", media / "deep.tif")
    tab.state(0, "sharpened")
    tab.state(1, "no image")
    tab.state(2, "sharpened|left as it is")
    playwright.expect(page.locator("#what")).to_have_text(re.compile("call-.* dB"))
    assert tab.downloaded() == post(address, photo, "quality=95")
    line = page.get_by_role("slider", name="Line between before and after")
    line.focus()
    page.keyboard.press("End")
    playwright.expect(line).to_have_attribute("aria-valuenow", "100")
    page.keyboard.press("Shift+ArrowLeft")
    playwright.expect(line).to_have_attribute("aria-valuenow", "90")
    page.get_by_role("slider", name="Strength").first.fill("60")
    assert tab.downloaded() == post(address, photo, "quality=95&strength=0.6")
    # A TIFF is shown, though browsers cannot, and stays a TIFF.
    page.get_by_role("button", name="deep.tif", exact=True).click()
    assert page.locator("#compare img").count() == 2
    assert tab.downloaded()[:2] in (b"II", b"MM")


def test_the_line_and_zoom_by_mouse(tab: Tab, media: Path) -> None:
    page = tab.page
    tab.add(media / "photo.jpg")
    tab.state(0, "sharpened")
    line, place = page.locator("#compare .handle"), page.locator("#compare").bounding_box()
    middle = place["y"] + place["height"] / 2
    page.mouse.move(place["x"] + place["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] / 2 + 100, middle)
    page.mouse.up()
    assert line.get_attribute("aria-valuenow") == "75"  # of a picture that is 400 wide
    page.mouse.wheel(0, -900)
    playwright.expect(page.locator("#zoom-shown")).to_have_text("800 %")
    page.keyboard.press("0")
    playwright.expect(page.locator("#zoom-shown")).to_have_text("100 %")
    after = page.locator("#compare img").nth(1)
    page.keyboard.down("b")
    playwright.expect(after).to_have_css("opacity", "0")
    page.keyboard.up("b")
    playwright.expect(after).to_have_css("opacity", "1")


def test_files_are_dropped(tab: Tab, media: Path) -> None:
    data = list((media / "photo.jpg").read_bytes())
    transfer = tab.page.evaluate_handle(
        """(bytes) => {
          const files = new DataTransfer();
          files.items.add(new File([new Uint8Array(bytes)], "dropped.jpg", {type: "image/jpeg"}));
          return files;
        }""",
        data,
    )
    tab.page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    tab.state(0, "sharpened")
    tab.page.get_by_role("button", name="Remove dropped.jpg").click()
    playwright.expect(tab.page.locator("#queue li")).to_have_count(0)
    playwright.expect(tab.page.locator("#empty")).to_be_visible()


def test_a_video_is_followed_through_a_reload_and_played(tab: Tab, media: Path) -> None:
    page = tab.page
    tab.add(media / "clip.mp4")
    tab.state(0, r"frame \d+ of 60|done")
    page.reload()
    tab.state(0, "done")
    assert b"ftyp" in tab.downloaded()[:12]
    tab.add(media / "clip.mp4")
    tab.state(1, "done")
    page.get_by_role("button", name="clip.mp4", exact=True).nth(1).click()
    assert page.locator("#compare video").count() == 2
    page.get_by_role("button", name="Play").click()
    playwright.expect(page.locator("#clock")).to_have_text(re.compile("0:0[1-3] / 0:03"))
    times = page.locator("#compare video").evaluate_all("all => all.map(one => one.currentTime)")
    assert abs(times[0] - times[1]) < 0.5
    page.get_by_role("slider", name="Strength").first.fill("40")
    playwright.expect(page.locator("#download")).to_have_text("Make it with 40 %")
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):  # the old one
        page.click("#download")
    playwright.expect(page.locator("#download")).to_have_text("Download")
    tab.state(1, "done")


def test_a_video_is_cancelled(tab: Tab, address: str, media: Path) -> None:
    tab.add(media / "clip.mp4", media / "clip.mp4")
    with tab.page.expect_response(lambda answer: answer.request.method == "DELETE") as deleted:
        tab.state(0, "frame|done|waiting for")
        tab.page.get_by_role("button", name=re.compile("(Cancel|Remove) clip.mp4")).first.click()
    assert deleted.value.status == 204
    playwright.expect(tab.page.locator("#queue li")).to_have_count(1)
    tab.state(0, "done")


def test_the_camera_live(tab: Tab) -> None:
    page = tab.page
    page.get_by_role("tab", name="Camera").click()
    page.get_by_role("button", name="Start the camera").click()
    playwright.expect(page.locator("#lamp")).to_have_attribute("data-on", "true")
    playwright.expect(page.locator("#live-model")).to_have_text(re.compile("call-|untouched"))
    playwright.expect(page.locator("#delay")).to_have_text(re.compile(r"\d+ ms"))
    sizes = page.locator("#pair canvas").evaluate_all("all => all.map(one => one.width)")
    assert sizes[0] == sizes[1] > 100
    differs = page.evaluate(
        """() => {
          const pixels = (canvas) =>
            canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          const [one, other] = [...document.querySelectorAll("#pair canvas")].map(pixels);
          const sum = one.reduce((sum, value, place) => sum + Math.abs(value - other[place]), 0);
          return sum / one.length;
        }"""
    )
    assert 0 < differs < 12  # the same frame, sharpened
    page.get_by_role("button", name="Sharpening").click()
    playwright.expect(page.locator("#lamp")).to_have_text("Sharpening is off")
    playwright.expect(page.locator("#live-model")).to_have_text("off")
    page.get_by_role("button", name="Stop the camera").click()
    playwright.expect(page.get_by_role("button", name="Start the camera")).to_be_visible()


def test_two_tabs_at_once(browser: Any, address: str, media: Path) -> None:
    context = browser.new_context(**DESKTOP)
    tabs = [Tab(context, address) for _ in range(2)]
    for tab in tabs:
        tab.add(media / "photo.jpg", media / "clip.mp4")
    for tab in tabs:
        tab.state(0, "sharpened")
        tab.state(1, "done")
        assert not tab.wrong
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_by_touch(browser: Any, address: str, media: Path, scheme: str) -> None:
    context = browser.new_context(**PHONE, color_scheme=scheme)
    tab = Tab(context, address)
    tab.add(media / "photo.jpg")
    tab.state(0, "sharpened")
    page = tab.page
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    small = page.locator("button:visible, select:visible, #download").evaluate_all(
        "all => all.filter(one => one.getBoundingClientRect().height < 24).map(one => one.id)"
    )
    assert not [name for name in small if name]
    page.get_by_role("tab", name="Camera").tap()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", dark)[:3])) < 380) == (scheme == "dark")
    assert not tab.wrong
    context.close()


def test_everything_has_a_name_and_is_reached_by_keyboard(tab: Tab, media: Path) -> None:
    page = tab.page
    tab.add(media / "photo.jpg")
    tab.state(0, "sharpened")
    page.locator("body").evaluate("body => body.focus()")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        named = page.evaluate(
            """() => {
              const one = document.activeElement;
              const label = one.labels?.[0]?.textContent ?? "";
              const name = one.ariaLabel || label || one.textContent;
              return [one.id || one.className, String(name)];
            }"""
        )
        reached.append(named[0])
        assert named[1].strip() or named[0] == "", named
    wanted = {"tab-files", "choose", "model", "scale", "handle", "strength", "zoom-in", "download"}
    assert wanted <= set(reached)
    page.locator("#tab-files").focus()
    page.keyboard.press("ArrowRight")
    playwright.expect(page.locator("#camera")).to_be_visible()
    playwright.expect(page.locator("#tab-camera")).to_be_focused()


def test_a_camera_over_webrtc(browser: Any, address: str) -> None:
    pytest.importorskip("aiortc", reason="the extra 'webrtc' is not installed")
    docs = (Path(__file__).parents[2] / "docs" / "SERVE.md").read_text()
    found = re.search(r"```js\n(.*?)```", docs, re.DOTALL)
    assert found is not None
    context = browser.new_context(**DESKTOP)
    tab = Tab(context, address)
    size = tab.page.evaluate(
        f"""async () => {{
          const video = document.createElement("video");
          Object.assign(video, {{ muted: true, autoplay: true }});
          {found[1]}
          await new Promise((done) => video.requestVideoFrameCallback(done));
          return [video.videoWidth, video.videoHeight];
        }}"""
    )
    assert size == [320, 240]  # of the clip that stands in for a camera
    assert not tab.wrong
    context.close()
