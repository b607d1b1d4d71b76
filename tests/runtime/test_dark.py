"""Near black a model could only move levels that are right: the router leaves such frames alone."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ovsharp import Sharpener
from ovsharp.degrade import parse_sending, send_clip
from ovsharp.media import read_video
from ovsharp.quality import capped_psnr
from tests.photos import crop

pytest.importorskip("av")


@pytest.mark.parametrize("sent", ["x264(crf=36)", "vp8(kbps=300)"])
def test_a_film_that_begins_in_the_dark_is_not_made_worse(sent: str, tmp_path: Path) -> None:
    photo = crop(0, 0, 384, 512)
    truth = [np.rint(photo * 0.02 * index).astype(np.uint8) for index in range(6)]
    path = tmp_path / "dark.mkv"
    send_clip(truth, path, parse_sending(sent), Fraction(30))
    with Sharpener() as sharpener, read_video(path) as reader:
        for sharp, shot in zip(truth, reader, strict=True):
            loss = capped_psnr(shot.frame, sharp) - capped_psnr(sharpener(shot.frame), sharp)
            assert loss < 0.1, (sharpener.variant, sharp.mean())
