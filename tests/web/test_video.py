"""Video files on the demo page: sharpened, their sound copied; a cancelled one leaves nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from ovsharp import Sharpener
from ovsharp.media import read_video
from tests.chromium import IN_CHROMIUM
from tests.web.clips import write

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = IN_CHROMIUM


def pictures(path: Path) -> list[np.ndarray]:
    with read_video(path) as clip:
        return [shot.frame for shot in clip]


def grey(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)


def sound(path: Path) -> list[bytes]:
    with av.open(str(path)) as clip:
        return [bytes(packet) for packet in clip.demux(audio=0) if packet.size]


@pytest.mark.parametrize(
    ("name", "video", "audio"),
    [("clip.mp4", "libx264", "aac"), ("clip.webm", "libvpx", "libopus")],
)
def test_a_video_is_sharpened_and_its_sound_copied(
    page: Any, tmp_path: Path, name: str, video: str, audio: str
) -> None:
    clip, made = tmp_path / name, tmp_path / f"made-{name}"
    write(clip, 12, video, audio)
    page.set_input_files("#file", str(clip))
    playwright.expect(page.locator("#download")).to_be_visible(timeout=120_000)
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == f"clip-sharp{clip.suffix}"
    download.value.save_as(made)
    before, after = pictures(clip), pictures(made)
    assert len(after) == len(before) == 12
    assert after[0].shape == before[0].shape
    # It was coded once more; what is changed apart from that is what sharpening changes. By
    # brightness: browsers round colours.
    with Sharpener(precision="f32") as sharpener, sharpener.session() as call:
        wanted = np.array([grey(call(frame)) for frame in before], float)
    came, shown = (np.array([grey(frame) for frame in all_], float) for all_ in (before, after))
    assert np.corrcoef((shown - came).ravel(), (wanted - came).ravel())[0, 1] > 0.5
    assert sound(made) == sound(clip)
    assert page.locator("#compare video").count() == 2


def test_a_cancelled_video_leaves_nothing(page: Any, tmp_path: Path) -> None:
    clip = tmp_path / "long.mp4"
    write(clip, 600, "libx264", "aac")
    page.set_input_files("#file", str(clip))
    said = page.locator("#said")
    playwright.expect(said).to_have_text(re.compile(r"[1-9]\d* %, \d+ s left"), timeout=120_000)
    page.get_by_role("button", name="Cancel").click()
    playwright.expect(said).to_have_text("Cancelled; nothing is kept.")
    kept = page.evaluate(
        "navigator.storage.getDirectory().then((folder) => Array.fromAsync(folder.keys()))"
    )
    assert kept == []
    playwright.expect(page.locator("#download")).to_be_hidden()


def test_what_is_no_video_gets_a_sentence(page: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video at all")
    page.set_input_files("#file", str(tmp_path / "broken.mp4"))
    playwright.expect(page.locator("#said")).to_have_text(
        "broken.mp4: this is no video that a browser can read"
    )
