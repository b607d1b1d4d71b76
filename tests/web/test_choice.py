"""The router in the browser: it looks at the same pixels, and chooses what `Sharpener` chooses."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data

from ovsharp import Sharpener
from ovsharp.degrade import parse
from ovsharp.runtime import Router, crops, find_router
from ovsharp.runtime.looks import Looks
from tests.chromium import IN_CHROMIUM
from tests.web.places import NODE

DAMAGES = (
    "",
    "jpeg(quality=12)",
    "jpeg(quality=50)",
    "noise(sigma=12)",
    "gla",
    "blur(kernel=7, sigma=1.6)",
    "h264(crf=36)",
    "vp8(quantizer=50)",
    "h264(crf=26, scale=2)",
    "down_up(scale=2, method=bicubic)",
)
SIZES = ((360, 512), (141, 203), (50, 300), (64, 64), (720, 1280))


def photo(height: int, width: int) -> np.ndarray:
    whole = skimage.data.astronaut()[..., ::-1]
    enlarged = cv2.resize(whole, (max(512, width), max(512, height)))
    return np.ascontiguousarray(enlarged[:height, :width])


def rgba(frame: np.ndarray) -> str:
    return base64.b64encode(cv2.cvtColor(frame, cv2.COLOR_BGR2RGBA).tobytes()).decode()


def replayed(looks: list[Any], pictures: list[Any]) -> Any:
    run = subprocess.run(
        [str(NODE), str(Path(__file__).parent / "replay.js")],
        input=json.dumps({"looks": looks, "pictures": pictures}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(run.stdout)


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_looks_agree_as_they_do_in_python() -> None:
    rng = np.random.default_rng(7)
    names = ("general", "noise", "jpeg", "untouched")
    # Gains that are near each other change places; each row is a stream.
    streams = [
        [
            dict(zip(names, np.round(rng.normal(0, spread, 4), 2).tolist(), strict=True))
            for _ in range(25)
        ]
        for spread in (0.1, 0.3, 1.0)
        for _ in range(8)
    ]
    expected = []
    for stream in streams:
        looks, staying, seen = Looks(), "", []
        for gains in stream:
            looks.add(gains)
            staying = looks.best(staying)
            seen.append([staying, looks.unsettled(staying)])
        expected.append(seen)
    assert replayed(streams, [])["choices"] == expected
    stayed = [len({name for name, _ in seen}) for seen in expected]
    assert max(stayed) > 1  # some change


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_crops_are_the_same_bytes() -> None:
    frames = [photo(*size) for size in SIZES]
    given = [
        {"rgba": rgba(one), "height": one.shape[0], "width": one.shape[1], "side": 64, "count": 36}
        for one in frames
    ]
    for frame, got in zip(frames, replayed([], given)["crops"], strict=True):
        assert base64.b64decode(got) == crops(frame, 64, 36).tobytes()


ASK = """async ([frames, height, width, every]) => {
  const { createSharpener } = await import("./ovsharp.js");
  const sharpener = await createSharpener({ model: "call.json" });
  const session = sharpener.session({ lookEvery: every });
  const seen = [];
  for (const frame of frames) {
    const bytes = Uint8ClampedArray.from(atob(frame), (one) => one.charCodeAt(0));
    const picture = new ImageData(bytes, width, height);
    const sharp = await session.sharpen(picture);
    const same = sharp.data.every((value, at) => value === bytes[at]);
    const told = await sharpener.router.gains(picture);
    seen.push({ made: session.made, same, told });
  }
  await sharpener.close();
  return seen;
}"""


class TestInChromium:
    """Slow."""

    pytestmark = IN_CHROMIUM

    def test_each_frame_gets_the_model_that_python_gives_it(self, page: Any) -> None:
        frames = [parse(damage)(photo(270, 400), seed=3) for damage in DAMAGES]
        got = page.evaluate(ASK, [[rgba(one) for one in frames], 270, 400, 1])
        router = Router(find_router("call"))
        chosen = []
        with Sharpener(precision="f32", look_every=1) as sharpener:
            for frame, told in zip(frames, got, strict=True):
                sharpener(frame)
                assert told["made"] == sharpener.variant
                assert told["same"] == (sharpener.variant == "untouched")
                gains = [told["told"][name] for name in router.models]
                assert gains == pytest.approx([*router.gains(frame).values()], abs=2e-3)
                chosen.append(sharpener.variant)
        assert chosen[0] == "untouched"
        assert len(set(chosen)) >= 4, chosen

    def test_a_stream_changes_its_model_where_python_does(self, page: Any) -> None:
        truth = photo(128, 192)
        damages = ["jpeg(quality=12)"] * 30 + ["noise(sigma=14)"] * 40
        damages += ["blur(kernel=7, sigma=1.6)"] * 50
        frames = [parse(damage)(truth, seed=at) for at, damage in enumerate(damages)]
        got = page.evaluate(ASK, [[rgba(one) for one in frames], 128, 192, 29])
        expected = []
        with Sharpener(precision="f32") as sharpener, sharpener.session() as call:
            for frame in frames:
                call(frame)
                expected.append(call.variant)
        assert [one["made"] for one in got] == expected
        assert len(set(expected)) >= 3
