"""VMAF: of known order, and one frame at a time as the whole clip at once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ovsharp.engine import Frame
from ovsharp.evaluation.vmaf import Vmaf
from tests.photos import crop

pytest.importorskip("vmaf_torch")

PHOTO = crop(100, 100, 160, 192)


def blurred(frame: Frame, sigma: float) -> Frame:
    return np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma), np.uint8)


def test_more_damage_scores_less() -> None:
    vmaf = Vmaf()
    scores = [vmaf.score(blurred(PHOTO, sigma), PHOTO)["vmaf"] for sigma in (0.5, 1, 2)]
    assert 100 >= scores[0] > scores[1] + 5 > scores[2] + 10
    assert vmaf.score(PHOTO, PHOTO)["vmaf"] > 95


def test_neg_gives_no_credit_for_contrast() -> None:
    soft = blurred(PHOTO, 0.8)
    sharp = np.asarray(cv2.addWeighted(soft, 3, blurred(soft, 1.5), -2, 0), np.uint8)
    before, after = Vmaf().score(soft, PHOTO), Vmaf().score(sharp, PHOTO)
    assert after["vmaf"] - before["vmaf"] > after["vmaf_neg"] - before["vmaf_neg"] + 1


def test_frames_by_themselves_score_as_the_whole_clip_does() -> None:
    import torch
    from vmaf_torch import VMAF

    truths = [np.ascontiguousarray(np.roll(PHOTO, 4 * index, axis=1)) for index in range(4)]
    images = [blurred(truth, 1) for truth in truths]
    weights = np.array([0.0722, 0.7152, 0.2126]) * 219 / 255

    def stacked(frames: list[Frame]) -> torch.Tensor:
        return torch.tensor(np.array([frame @ weights + 16 for frame in frames]))[:, None].float()

    whole = VMAF()(stacked(truths), stacked(images)).flatten().tolist()
    vmaf, ends = Vmaf(), [None, *truths, None]
    single = [
        vmaf.score(images[i], truths[i], ends[i], ends[i + 2])["vmaf"] for i in range(len(truths))
    ]
    assert single == pytest.approx(whole, abs=0.01)


def test_tiny_frames_have_none() -> None:
    assert Vmaf().score(PHOTO[:20], PHOTO[:20]) == {"vmaf": None, "vmaf_neg": None}
