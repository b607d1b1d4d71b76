"""The lines of docs/SERVE.md run as they stand."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import cv2
import pytest

from ovsharp.media import read_frame
from tests.media.clips import clip
from tests.photos import crop

PAGE = Path(__file__).parents[2] / "docs" / "SERVE.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_the_curl_lines_run(address: str, tmp_path: Path) -> None:
    (lines,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert lines.count("curl") >= 8
    cv2.imwrite(str(tmp_path / "photo.jpg"), crop(0, 150, 128, 160))
    clip(tmp_path / "clip.mp4")
    script = lines.replace("http://127.0.0.1:8790", address)
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert read_frame(tmp_path / "sharp.jpg").shape == (128, 160, 3)
    assert read_frame(tmp_path / "large.png").shape == (256, 320, 3)
    assert "ovsharp-made-by" in ran.stdout.lower()
    assert '"state":"done"' in ran.stdout
    assert (tmp_path / "clip-sharp.mp4").stat().st_size > 500
