"""VMAF: how good a frame of a video looks, as Netflix's model of viewers says."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np

from ovsharp.engine import Frame
from ovsharp.extras import need

INSTALL = "pip install vmaf-torch"
"""The line that brings VMAF (so does the extra `dev`)."""
_SMALLEST = 24
_WEIGHTS = np.array([[0.0722, 0.7152, 0.2126]]) * (219 / 255)
"""Of B, G and R in the luma of BT.709, limited range."""


def has_vmaf() -> bool:
    """Tell whether `vmaf-torch` is installed."""
    return find_spec("vmaf_torch") is not None


class Vmaf:
    """VMAF and VMAF-NEG of single frames of a video.

    Z. Li et al., "Toward a practical perceptual video quality metric" (2016), model v0.6.1 as
    `vmaf-torch` computes it, in floating point, of the luma of BT.709 in limited range, clipped
    to 0..100. NEG (Z. Li et al., 2020) gives no credit for contrast that the truth has not: an
    unsharp mask raises VMAF more than NEG. Slow: about a second per frame of 1280x720.

    Raises:
        MissingExtraError: `vmaf-torch` is not installed.

    Example:
        >>> truth = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        >>> Vmaf().score(truth, truth)["vmaf"] > 90
        True
    """

    def __init__(self) -> None:
        need("torch", "vmaf_torch", extra="dev")
        from vmaf_torch import VMAF

        self._models = {"vmaf": VMAF(clip_score=True), "vmaf_neg": VMAF(NEG=True, clip_score=True)}

    def score(
        self, image: Frame, truth: Frame, before: Frame | None = None, after: Frame | None = None
    ) -> dict[str, float | None]:
        """Score a frame.

        Args:
            image: uint8, H x W x 3, BGR.
            truth: of the same shape.
            before: the truth before it; None for the first frame of a video, which counts as
                still.
            after: the truth after it; None for the last frame.

        Returns:
            `vmaf` and `vmaf_neg`, 0..100; None where a side has fewer than 24 pixels.
        """
        import torch

        if min(truth.shape[:2]) < _SMALLEST:
            return dict.fromkeys(self._models)
        with torch.inference_mode():
            shown, true = _luma(image), _luma(truth)
            if before is None:
                motion = torch.zeros(1, 1)
            else:
                following = [] if after is None else [_luma(after)]
                clip = torch.cat([_luma(before), true, *following])
                motion = self._models["vmaf"].compute_motion2(clip)[1:2]
            return {
                name: self._predict(model, true, shown, motion)
                for name, model in self._models.items()
            }

    @staticmethod
    def _predict(model: Any, true: Any, shown: Any, motion: Any) -> float:
        edges = model.compute_adm_score(true, shown)
        return float(model.predict(edges, motion, model.compute_vif_features(true, shown)))


def _luma(frame: Frame) -> Any:
    import torch

    luma = cv2.transform(frame.astype(np.float32), _WEIGHTS) + 16
    return torch.from_numpy(np.asarray(luma, np.float32)[None, None])
