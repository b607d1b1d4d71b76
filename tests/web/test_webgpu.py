"""The browser package on a graphics card, which Chromium plays: right pixels, no times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.chromium import IN_CHROMIUM
from tests.photos import crop
from tests.web.cards import GIVEN, REAL, SWIFTSHADER, poor
from tests.web.showing import shown

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = IN_CHROMIUM

SECONDS = 300_000
"""Milliseconds that such a card may take, on a machine with other work."""


@pytest.fixture
def card(demo: str) -> Iterator[Any]:
    """The demo page beside a card that is played."""
    with shown(demo, *SWIFTSHADER) as page:
        page.set_default_timeout(SECONDS)
        if not page.evaluate("navigator.gpu.requestAdapter().then(Boolean)"):
            pytest.skip("this Chromium has no SwiftShader")
        yield page


def test_pixels_are_those_of_the_processor(card: Any) -> None:
    pictures = [poor(61, 83), poor(64, 48)]
    got = card.evaluate(
        f"""async (pictures) => {{
          const {{ createSharpener }} = await import("./ovsharp.js");
          const given = pictures.map((one) => ({GIVEN})(...one));
          const seen = {{}};
          for (const backend of ["webgpu", "wasm"]) {{
            const model = "call-light-planar.onnx";
            const sharpener = await createSharpener({{ model, multiple: 8, backend }});
            // Two at once, of two sizes.
            const sharp = await Promise.all(given.map((one) => sharpener.sharpen(one)));
            seen[sharpener.backend] = sharp.map(({{ data }}) => [...data]);
            await sharpener.close();
          }}
          return {{ ...seen, given: given.map(({{ data }}) => [...data]) }};
        }}""",
        pictures,
    )
    for here, there, given in zip(got["webgpu"], got["wasm"], got["given"], strict=True):
        assert np.abs(np.subtract(here, there)).max() <= 1
        assert np.abs(np.subtract(here, given)).mean() > 0.3


def test_the_router_chooses_as_on_the_processor(card: Any) -> None:
    got = card.evaluate(
        f"""async (picture) => {{
          const {{ createSharpener }} = await import("./ovsharp.js");
          const given = ({GIVEN})(...picture);
          const seen = [];
          for (const backend of ["webgpu", "wasm"]) {{
            const sharpener = await createSharpener({{ model: "call.json", backend }});
            const session = sharpener.session({{ lookEvery: 1 }});
            await session.sharpen(given);
            seen.push({{ made: session.made, gains: await sharpener.router.gains(given) }});
            await sharpener.close();
          }}
          return seen;
        }}""",
        poor(64, 64),
    )
    on_card, on_processor = got
    assert on_card["made"] == on_processor["made"] != "untouched"
    assert on_card["gains"] == pytest.approx(on_processor["gains"], abs=2e-3)


def test_a_card_that_is_played_is_not_taken_unasked(card: Any, tmp_path: Path) -> None:
    asked = list[str]()
    card.on("request", lambda one: asked.append(one.url))
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), crop(0, 160, 64, 64))
    card.reload()
    card.set_input_files("#file", str(photo))
    playwright.expect(card.locator("#said")).to_contain_text("on the processor", timeout=SECONDS)
    assert any(one.endswith("/ort-wasm-simd-threaded.wasm") for one in asked)
    assert not [one for one in asked if "webgpu" in one or "asyncify" in one]


def test_a_real_card_is_taken_and_named(card: Any, tmp_path: Path) -> None:
    asked = list[str]()
    card.on("request", lambda one: asked.append(one.url))
    photo = tmp_path / "photo.jpg"
    cv2.imwrite(str(photo), crop(0, 160, 64, 64), [cv2.IMWRITE_JPEG_QUALITY, 12])
    card.add_init_script(REAL)
    card.reload()
    card.set_input_files("#file", str(photo))
    said = card.locator("#said")
    playwright.expect(said).to_contain_text("on the graphics card", timeout=SECONDS)
    playwright.expect(said).to_contain_text("dB expected")
    assert any(one.endswith("/ort-wasm-simd-threaded.asyncify.wasm") for one in asked)
    assert not [one for one in asked if one.endswith("/ort-wasm-simd-threaded.wasm")]


def test_a_lost_card_is_told_and_another_one_taken(card: Any) -> None:
    got = card.evaluate(
        f"""async (picture) => {{
          const cards = [];
          const asked = GPUAdapter.prototype.requestDevice;
          GPUAdapter.prototype.requestDevice = async function (...options) {{
            cards.push(await asked.apply(this, options));
            return cards.at(-1);
          }};
          const {{ createSharpener }} = await import("./ovsharp.js");
          const given = ({GIVEN})(...picture);
          const options = {{ model: "call-balanced-planar.onnx", backend: "webgpu" }};
          const [one, other] = [await createSharpener(options), await createSharpener(options)];
          const first = await one.sharpen(given);
          const told = [];
          for (let lost = 0; lost < 2; lost++) {{
            const now = cards.length;
            cards.at(-1).destroy();
            await one.sharpen(given).catch((error) => told.push(error.message));
            for (const sharpener of [one, other]) {{
              const again = await sharpener.sharpen(given);
              told.push(again.data.every((value, at) => value === first.data[at]));
            }}
            told.push(cards.length - now);
          }}
          return told;
        }}""",
        poor(32, 32),
    )
    assert got[1:4] == got[5:] == [True, True, 1]
    assert got[0] == got[4]
    assert got[0].startswith("the graphics card was lost: give the picture once more")


@pytest.mark.parametrize(
    ("backend", "words"),
    [("webgpu", "offers no graphics card (WebGPU)"), ("cuda", 'there is no backend "cuda"')],
)
def test_what_is_not_there_gets_a_sentence(page: Any, backend: str, words: str) -> None:
    told = page.evaluate(
        """async (backend) => {
          const { createSharpener } = await import("./ovsharp.js");
          const options = { model: "call-light-planar.onnx", multiple: 8, backend };
          return createSharpener(options).then(() => "none", ({ message }) => message);
        }""",
        backend,
    )
    assert words in told
    assert 'ask for "' in told
