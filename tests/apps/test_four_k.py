"""Frames of 3840x2160 fit into the memory of a small machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does"),
]

MEGABYTES = 1500
SIZE = (3840, 2160)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture and a clip, coded so badly that a model runs on them."""
    av = pytest.importorskip("av")
    folder = tmp_path_factory.mktemp("inputs")
    noise = np.random.default_rng(0).integers(0, 256, (135, 240, 3), np.uint8)
    frame = cv2.GaussianBlur(cv2.resize(noise, SIZE, interpolation=cv2.INTER_CUBIC), (0, 0), 2)
    cv2.imwrite(str(folder / "in.jpg"), frame, [cv2.IMWRITE_JPEG_QUALITY, 30])
    with av.open(str(folder / "in.mp4"), "w") as out:
        options = {"crf": "34", "preset": "ultrafast"}
        stream: Any = out.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for index in range(16):
            moved = np.roll(frame, 4 * index, 1)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(moved, "bgr24")))
        out.mux(stream.encode(None))
    return folder


@pytest.mark.parametrize(
    "call",
    [
        ["image", "in.jpg", "-o", "out.jpg"],
        ["video", "in.mp4", "-o", "out.mp4"],
        ["camera", "--camera", "in.mp4", "--no-preview", "-o", "seen.mp4"],
    ],
    ids=lambda call: call[0],
)
def test_4k_stays_below_a_gigabyte_and_a_half(call: list[str], inputs: Path) -> None:
    command = [sys.executable, "-m", "ovsharp", *call]
    process = subprocess.Popen(command, cwd=inputs, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert "call-" in said  # a model ran
    assert used.ru_maxrss / 1024 < MEGABYTES
