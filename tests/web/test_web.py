"""The browser package in Chromium: the static page gives the pixels of a `Sharpener`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from ovsharp import Sharpener
from ovsharp.convert import convert
from tests.chromium import IN_CHROMIUM
from tests.convert.drawn_students import coarse_student
from tests.photos import crop

pytestmark = IN_CHROMIUM


@pytest.fixture(scope="module")
def coarse(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An IR of a student with a branch of more reach, whose planar file lies in the demo."""
    folder = tmp_path_factory.mktemp("coarse")
    checkpoint, _ = coarse_student(folder)
    convert(checkpoint, dist / "demo", form="planar")
    convert(checkpoint, folder)
    return folder / "mine-fp32.xml"


@pytest.mark.parametrize(
    ("model", "multiple", "size"),
    [("call-balanced", 2, (96, 128)), ("call-balanced", 2, (75, 101)), ("mine", 8, (75, 101))],
)
def test_pixels_are_those_of_a_sharpener(
    page: Any, coarse: Path, model: str, multiple: int, size: tuple[int, int]
) -> None:
    photo = crop(0, 160, *size)
    rgba = cv2.cvtColor(photo, cv2.COLOR_BGR2RGBA)
    got = page.evaluate(
        """async ([model, multiple, bytes, width, height]) => {
          const { createSharpener } = await import("./ovsharp.js");
          const sharpener = await createSharpener({ model, multiple });
          const given = new ImageData(new Uint8ClampedArray(bytes), width, height);
          const sharp = await sharpener.sharpen(given);
          await sharpener.close();
          return { data: [...sharp.data], isolated: crossOriginIsolated };
        }""",
        [f"{model}-planar.onnx", multiple, rgba.ravel().tolist(), size[1], size[0]],
    )
    assert got["isolated"]
    sharp = np.array(got["data"], np.uint8).reshape(*size, 4)
    with Sharpener(coarse if model == "mine" else model, precision="f32") as sharpener:
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


def test_networks_run_beside_the_page(page: Any) -> None:
    page.evaluate(
        """async () => {
          const { createSharpener } = await import("./ovsharp.js");
          await createSharpener({ model: "call-balanced-planar.onnx" });
        }"""
    )
    assert any(worker.url.endswith("/ort.wasm.min.mjs") for worker in page.workers)
