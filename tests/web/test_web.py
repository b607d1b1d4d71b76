"""The browser package in Chromium: the static page gives the pixels of a `Sharpener`."""

from __future__ import annotations

import functools
import http.server
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data

from ovsharp import Sharpener
from ovsharp.convert import convert
from tests.chromium import CHROMIUM, IN_CHROMIUM

WEB = Path(__file__).parents[2] / "web"
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    *IN_CHROMIUM,
    pytest.mark.skipif(
        not (WEB / "node_modules" / "onnxruntime-web").is_dir(),
        reason="web/node_modules is missing: npm install, in web/",
    ),
]


class _Isolated(http.server.SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012 - as its base has it
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("model")
    convert(Path("call-balanced"), folder, form="planar")
    build = ["node", str(WEB / "build.js"), str(folder / "call-balanced-planar.onnx")]
    subprocess.run(build, check=True, timeout=60)
    handler = functools.partial(_Isolated, directory=str(WEB / "dist"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    arguments = ["--no-sandbox", "--use-fake-ui-for-media-stream"]
    arguments += ["--use-fake-device-for-media-stream", "--disable-background-networking"]
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page, wrong = browser.new_page(), []
        page.set_default_timeout(120_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request", lambda one: one.url.startswith((address, "blob:")) or wrong.append(one.url)
        )
        page.goto(f"{address}/index.html")
        yield page
        assert not wrong
        browser.close()


@pytest.mark.parametrize("size", [(96, 128), (75, 101)])
def test_pixels_are_those_of_a_sharpener(page: Any, size: tuple[int, int]) -> None:
    photo = np.ascontiguousarray(skimage.data.astronaut()[: size[0], 160 : 160 + size[1], ::-1])
    rgba = cv2.cvtColor(photo, cv2.COLOR_BGR2RGBA)
    got = page.evaluate(
        """async ([bytes, width, height]) => {
          const { createSharpener } = await import("./ovsharp.js");
          const sharpener = await createSharpener({ model: "model.onnx" });
          const given = new ImageData(new Uint8ClampedArray(bytes), width, height);
          const sharp = await sharpener.sharpen(given);
          await sharpener.close();
          return { data: [...sharp.data], isolated: crossOriginIsolated };
        }""",
        [rgba.ravel().tolist(), size[1], size[0]],
    )
    assert got["isolated"]
    sharp = np.array(got["data"], np.uint8).reshape(*size, 4)
    with Sharpener("call-balanced", precision="f32") as sharpener:
        expected = sharpener(photo)
    assert (expected != photo).any()
    differs = np.abs(sharp[..., 2::-1].astype(int) - expected)
    assert differs.max() <= 1
    assert (differs > 0).mean() < 0.001
    assert (sharp[..., 3] == 255).all()


def test_the_page_sharpens_a_photo_and_the_camera(page: Any, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "photo.png"), skimage.data.astronaut()[:120, 160:320, ::-1])
    page.set_input_files("#file", str(tmp_path / "photo.png"))
    playwright.expect(page.locator("#said")).to_have_text(re.compile("160x120 in"), timeout=60_000)
    assert page.locator("#compare img").count() == 2
    page.click("#live")
    expect = playwright.expect(page.locator("#said"))
    expect.to_have_text(re.compile("frames a second"), timeout=60_000)
    assert page.locator("#after").evaluate("one => one.width") >= 320
    page.click("#live")
    playwright.expect(page.locator("#compare")).to_be_visible()
