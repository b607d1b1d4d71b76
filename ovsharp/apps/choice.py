"""`Choice`: a model, and how it runs: what a worker opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2

from ovsharp.apps.upscalers import Upscalers
from ovsharp.runtime import VIDEO_LOOK_EVERY, Quality, Sharpener, given_files


@dataclass(frozen=True)
class Choice:
    """The model, and how it runs: arguments of `Sharpener`."""

    model: str | None = None
    device: str = "CPU"
    precision: str | None = None
    quality: Quality | None = None
    strength: float = 1.0
    unsharp: float = 0.0
    target_fps: float | None = None
    threads: int | None = None
    tile: int | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Of a model that is not shipped."""
        return given_files([self.model], self.precision)

    def moved(self, inputs: Mapping[Path, Path]) -> Choice:
        """Give the same with the files of the model in other places."""
        if self.model is None:
            return self
        return replace(self, model=str(inputs.get(Path(self.model), self.model)))

    def opened(self) -> Sharpener:
        """Make the sharpener of a video, or of a camera."""
        return Sharpener(
            self.model,
            target_fps=self.target_fps,
            look_every=VIDEO_LOOK_EVERY,
            **self._options(),
        )

    def upscalers(self) -> Upscalers:
        """Make the sharpeners of pictures."""
        return Upscalers(self.model, **self._options())

    def bind(self) -> None:
        """Keep OpenCV, in this process, to as many threads as the model."""
        if self.threads is not None:
            cv2.setNumThreads(self.threads)

    def _options(self) -> dict[str, Any]:
        return {
            "device": self.device,
            "precision": self.precision,
            "quality": self.quality,
            "strength": self.strength,
            "unsharp": self.unsharp,
            "threads": self.threads,
            "tile": self.tile,
        }
