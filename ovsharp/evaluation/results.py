"""What an evaluation found: a row per image, degradation and method, and their statistics."""

from __future__ import annotations

from dataclasses import dataclass, field

from ovsharp.records import Record, Skipped
from ovsharp.reports import Stat

INPUT, BICUBIC = "input", "bicubic"
"""The two methods that are always there."""
ALL = "all"
"""The category that holds every image."""
GOOD_SSIM = 0.90
"""Images above it are counted."""


@dataclass(frozen=True)
class Measure:
    """A figure of one image."""

    name: str
    title: str
    digits: int
    better: str
    """`higher`, `lower`, or `one` or `zero`: nearest to it is best."""


MEASURES = (
    Measure("ssim", "SSIM", 4, "higher"),
    Measure("ms_ssim", "MS-SSIM", 4, "higher"),
    Measure("psnr", "PSNR dB", 2, "higher"),
    Measure("psnr_y", "PSNR-Y dB", 2, "higher"),
    Measure("ssim_y", "SSIM-Y", 4, "higher"),
    Measure("edge_truth", "edges / truth", 3, "one"),
    Measure("edge_input", "edges / input", 3, "higher"),
    Measure("overshoot", "overshoot", 2, "lower"),
    Measure("colour_shift", "colour shift", 2, "lower"),
    Measure("blockiness", "blockiness", 2, "one"),
    Measure("text_error", "text errors", 3, "lower"),
    Measure("vmaf", "VMAF", 1, "higher"),
    Measure("vmaf_neg", "VMAF-NEG", 1, "higher"),
    Measure("flicker", "flicker", 2, "lower"),
    Measure("harmed", "harmed %", 1, "lower"),
    Measure("shift_b", "shift B", 2, "zero"),
    Measure("shift_g", "shift G", 2, "zero"),
    Measure("shift_r", "shift R", 2, "zero"),
)
"""In the order of the tables; see `ovsharp.quality` for their definitions."""


@dataclass(frozen=True)
class Row:
    """One image, or one clip, by one method."""

    key: str
    """Digest of all that decides the figures: an equal key needs no second run."""
    image: str
    category: str
    degradation: str
    method: str
    width: int
    height: int
    measures: dict[str, float | None]
    """By the names in `MEASURES`; None, or absent, where a measure has nothing to judge."""
    frames: int = 1
    """Of the clip."""
    made: dict[str, int] = field(default_factory=dict)
    """Which model ran for how many frames of a clip; empty where none did."""

    @property
    def ssim(self) -> float:
        """Of the image against its truth."""
        return self.measures["ssim"] or 0.0


@dataclass(frozen=True)
class Method:
    """A model, the input as it is, or its bicubic upscale."""

    name: str
    scale: int
    storage: str
    execution: str
    parameters: int
    milliseconds: float
    """Median time of one frame of `Evaluation.latency_size`; 0 for the input, and beside clips."""


@dataclass(frozen=True)
class Group:
    """A method on the images of one category and degradation."""

    degradation: str
    category: str
    method: str
    n: int
    measures: dict[str, Stat]
    good: int
    """Images above 0.90 SSIM."""
    better: int
    """Images of higher SSIM than the input."""
    worst_change: float
    """Least SSIM minus the input's; negative where an image got worse."""
    worst_image: str


@dataclass(frozen=True)
class Pair:
    """Two methods on the same images: is the difference in SSIM more than chance?"""

    degradation: str
    first: str
    second: str
    n: int
    difference: float
    """Mean SSIM of the first minus that of the second."""
    wins: int
    """Images on which the first has the higher SSIM."""
    p: float | None
    """Two-sided Wilcoxon signed-rank test; None where all images are equal."""


@dataclass(frozen=True)
class Damage:
    """A degradation: its name and its full recipe."""

    name: str
    recipe: str
    scale: int


@dataclass(frozen=True)
class Evaluation(Record, schema=1, file="results.json", verb="eval"):
    """Everything that was found."""

    date: str
    version: str
    device_name: str
    data: str
    crop: int
    latency_size: str
    methods: tuple[Method, ...]
    degradations: tuple[Damage, ...]
    categories: tuple[str, ...]
    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...]
    groups: tuple[Group, ...]
    pairs: tuple[Pair, ...]
    kind: str = "images"
    """`images` or `clips`: what a row is about."""
    notes: tuple[str, ...] = ()
    """What else has to be known to read the figures, a sentence each."""
    protocol: str = "colour"
    """`luma`: as papers on super-resolution measure; else all pixels and channels."""

    @property
    def models(self) -> tuple[Method, ...]:
        """The methods besides input and bicubic."""
        return tuple(method for method in self.methods if method.name not in (INPUT, BICUBIC))

    def group(self, degradation: str, category: str, method: str) -> Group | None:
        """Find the statistics of a method; None where it was not run."""
        wanted = (degradation, category, method)
        found = (g for g in self.groups if (g.degradation, g.category, g.method) == wanted)
        return next(found, None)

    def damage(self, name: str) -> Damage:
        """Find a degradation by its name."""
        return next(damage for damage in self.degradations if damage.name == name)
