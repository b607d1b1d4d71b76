"""The browser package in Chromium: the static page gives the pixels of a `Sharpener`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ovsharp import Sharpener
from tests.chromium import IN_CHROMIUM
from tests.photos import crop

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = IN_CHROMIUM


@pytest.mark.parametrize("size", [(96, 128), (75, 101)])
def test_pixels_are_those_of_a_sharpener(page: Any, size: tuple[int, int]) -> None:
    photo = crop(0, 160, *size)
    rgba = cv2.cvtColor(photo, cv2.COLOR_BGR2RGBA)
    got = page.evaluate(
        """async ([bytes, width, height]) => {
          const { createSharpener } = await import("./ovsharp.js");
          const sharpener = await createSharpener({ model: "call-balanced-planar.onnx" });
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


def test_the_correction_of_half_the_size_keeps_most_of_the_gain(page: Any) -> None:
    truth = crop(0, 140, 160, 240)
    coded = cv2.imencode(".jpg", truth, [cv2.IMWRITE_JPEG_QUALITY, 12])[1]
    poor = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    rgba = cv2.cvtColor(poor, cv2.COLOR_BGR2RGBA)
    got = page.evaluate(
        """async ([bytes, width, height]) => {
          const { createSharpener } = await import("./ovsharp.js");
          const sharpener = await createSharpener({ model: "call-balanced-planar.onnx" });
          const given = new ImageData(new Uint8ClampedArray(bytes), width, height);
          const made = [];
          for (const size of [1, 0.5]) {
            made.push([...(await sharpener.sharpen(given, { size })).data]);
          }
          return made;
        }""",
        [rgba.ravel().tolist(), truth.shape[1], truth.shape[0]],
    )
    whole, half = (np.array(one, np.uint8).reshape(rgba.shape)[..., 2::-1] for one in got)
    before, full, less = (cv2.PSNR(truth, one) for one in (poor, whole.copy(), half.copy()))
    assert full > before
    assert before + 0.5 * (full - before) < less


def test_the_page_sharpens_a_photo_and_the_camera(page: Any, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "photo.png"), crop(0, 160, 120, 160))
    page.set_input_files("#file", str(tmp_path / "photo.png"))
    playwright.expect(page.locator("#said")).to_have_text(re.compile("160x120 in"), timeout=60_000)
    assert page.locator("#compare img").count() == 2
    page.click("#live")
    expect = playwright.expect(page.locator("#said"))
    expect.to_have_text(re.compile("frames a second"), timeout=60_000)
    assert page.locator("#after").evaluate("one => one.width") >= 320
    page.click("#live")
    playwright.expect(page.locator("#compare")).to_be_visible()
