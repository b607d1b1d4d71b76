"""Video files on the demo page: sharpened, their sound copied; a cancelled one leaves nothing."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import skimage.data

from ovsharp import Sharpener
from ovsharp.media import read_video
from tests.chromium import IN_CHROMIUM

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = IN_CHROMIUM

SIZE = (96, 128)
RATE = 10
BT709, LIMITED = 1, 1
"""As H.273 numbers them, and FFmpeg."""


def picture(index: int) -> np.ndarray:
    top = 20 + index % 200
    return np.ascontiguousarray(
        skimage.data.astronaut()[top : top + SIZE[0], 160 : 160 + SIZE[1], ::-1]
    )


def write(path: Path, frames: int, video: str, sound: str) -> None:
    """A poor clip with a tone."""
    with av.open(str(path), "w") as out:
        # Level 1b, which x264 takes for so small a picture, is one that Chromium does not know.
        poor = {
            "libx264": {"qp": "40", "level": "3.0"},
            "libvpx": {"crf": "58", "qmin": "58", "qmax": "60"},
        }
        stream: Any = out.add_stream(video, rate=RATE, options=poor[video])
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuv420p"
        # Players guess the colours of a file that does not name them, each in its own way.
        coded = stream.codec_context
        coded.colorspace = coded.color_primaries = coded.color_trc = BT709
        coded.color_range = LIMITED
        tone: Any = out.add_stream(sound, rate=48_000)
        tone.layout = "mono"
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(index), "bgr24")
            frame = frame.reformat(format="yuv420p", dst_colorspace=BT709, dst_color_range=LIMITED)
            out.mux(stream.encode(frame))
        time = np.arange(48_000 * frames // RATE, dtype=np.float32) / 48_000
        samples = av.AudioFrame.from_ndarray(np.sin(2764 * time)[None], "fltp", "mono")
        samples.sample_rate, samples.pts = 48_000, 0
        samples.time_base = Fraction(1, 48_000)
        resampler = av.AudioResampler(format=tone.format, layout="mono", rate=48_000)
        for part in resampler.resample(samples):
            out.mux(tone.encode(part))
        for ended in (stream, tone):
            out.mux(ended.encode())


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
    # Coding it again costs less than sharpening has changed. By brightness: browsers round colours.
    with Sharpener("call-balanced", precision="f32") as sharpener:
        wanted = [grey(sharpener(frame)) for frame in before]
    near = [cv2.PSNR(grey(sharp), one) for sharp, one in zip(after, wanted, strict=True)]
    far = [cv2.PSNR(grey(poor), one) for poor, one in zip(before, wanted, strict=True)]
    assert np.mean(near) > np.mean(far) + 1
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
