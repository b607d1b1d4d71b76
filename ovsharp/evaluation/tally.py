"""The measures of a clip, taken frame by frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from ovsharp import quality
from ovsharp.engine import Frame
from ovsharp.evaluation.vmaf import Vmaf


class Tally:
    """Takes the frames of a clip in order and gives the means of its measures.

    Args:
        every: SSIM, PSNR, harm, edges and colours are measured of one frame out of this many, the
            first one included; flicker of all.
        vmaf: what scores VMAF, of one frame out of `vmaf_every`, from the middle of these; None
            leaves it out.
        vmaf_every: see `vmaf`.
        inputs: SSIM and PSNR of the input, by number of the frame, as far as they are known: all
            tallies of a clip share them, and none measures again what another did.
    """

    def __init__(
        self,
        every: int,
        vmaf: Vmaf | None = None,
        vmaf_every: int = 1,
        inputs: dict[int, tuple[float, float]] | None = None,
    ) -> None:
        self._every, self._vmaf, self._vmaf_every = every, vmaf, vmaf_every
        self._inputs = {} if inputs is None else inputs
        self._last: Frame | None = None
        self._waiting: tuple[Frame, Frame, Frame | None] | None = None
        self._flicker = quality.Flicker()
        self._values: defaultdict[str, list[float]] = defaultdict(list)
        self.frames = 0

    def add(self, before: Frame, after: Frame, truth: Frame) -> None:
        """Take the next frame: the input as it is shown, the result, and the truth.

        All of one shape, uint8 H x W x 3 BGR.
        """
        self._flicker.add(before, after)
        if self.frames % self._every == 0:
            self._measure(before, after, truth)
        # How much moves is told by the truth before and after a frame.
        self._score(truth)
        if self._vmaf is not None and self.frames % self._vmaf_every == self._vmaf_every // 2:
            self._waiting = after, truth, self._last
        self._last = truth
        self.frames += 1

    def measures(self) -> dict[str, float | None]:
        """Give the means, by the names in `MEASURES`; None where there was nothing to judge."""
        self._score(None)
        means: dict[str, float | None] = {
            name: float(np.mean(values)) for name, values in self._values.items()
        }
        shifts = [means[f"shift_{channel}"] or 0.0 for channel in "bgr"]
        return {
            **means,
            "colour_shift": float(np.mean(np.abs(shifts))),
            "flicker": self._flicker.ratio,
        }

    def _measure(self, before: Frame, after: Frame, truth: Frame) -> None:
        ssim, psnr = _likeness(after, truth)
        if np.array_equal(before, after):
            self._inputs[self.frames] = ssim, psnr
        elif self.frames not in self._inputs:
            self._inputs[self.frames] = _likeness(before, truth)
        old_ssim, old_psnr = self._inputs[self.frames]
        found = {
            "ssim": ssim,
            "psnr": psnr,
            "edge_truth": quality.edge_ratio(after, truth),
            "harmed": 100.0 * bool(quality.harms(psnr - old_psnr, ssim - old_ssim)),
        }
        shift = after.mean(axis=(0, 1), dtype=np.float64) - truth.mean(
            axis=(0, 1), dtype=np.float64
        )
        found |= {f"shift_{c}": float(one) for c, one in zip("bgr", shift, strict=True)}
        self._note(found)

    def _score(self, following: Frame | None) -> None:
        if self._vmaf is not None and self._waiting is not None:
            image, truth, before = self._waiting
            self._note(self._vmaf.score(image, truth, before, following))
        self._waiting = None

    def _note(self, found: Mapping[str, float | None]) -> None:
        for name, value in found.items():
            if value is not None:
                self._values[name].append(value)


def _likeness(image: Frame, truth: Frame) -> tuple[float, float]:
    """SSIM and PSNR."""
    return quality.ssim(image, truth), quality.capped_psnr(image, truth)
