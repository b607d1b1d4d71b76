"""What a benchmark found out: plain records, and their JSON form with a schema version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ovsharp.measuring.environment import Measured
from ovsharp.records import Record

Role = Literal["own", "rival", "textbook"]


@dataclass(frozen=True)
class PhotoScore:
    """One photo through one row."""

    name: str
    ssim: float
    psnr: float
    input_ssim: float
    input_psnr: float


@dataclass(frozen=True)
class Quality:
    """How good a row's pictures are: means over photos against the ground truth.

    SSIM and PSNR as in `ovsharp.quality`; PSNR is `capped_psnr`. The input's
    figures are of the degraded frame itself or, where the model enlarges, of its bicubic upscale.
    """

    images: int
    ssim: float
    ssim_std: float
    """Sample standard deviation between photos (n - 1); 0 for one photo."""
    psnr: float
    input_ssim: float
    input_ssim_std: float
    input_psnr: float
    improved: float
    """Share of photos whose SSIM is above that of their input."""
    reference_psnr: float | None
    """PSNR of the outputs against those of the same model in FP32, executed in f32; None without
    such a row."""
    flicker: float | None
    """Change from frame to frame of a still scene with fine grain, over the input's
    (`ovsharp.quality.Flicker`): 1 adds none. None where the grain does not show."""
    photos: tuple[PhotoScore, ...]


@dataclass(frozen=True)
class Latency:
    """Time per call in milliseconds."""

    n: int
    p50: float
    p90: float
    p99: float
    low: float
    """95 % confidence interval of the median."""
    high: float


@dataclass(frozen=True)
class Timing:
    """One way to run a row, timed."""

    frames: int
    seconds: float
    fps: float
    """`frames` over `seconds`."""
    latency: Latency | None
    """None where several frames are in flight."""
    warmup_calls: int
    stable: bool
    """Whether the warm-up ended because times had settled; a burst is warm after one."""


@dataclass(frozen=True)
class Startup:
    """What a fresh process pays before its second frame."""

    compile_ms: float
    """Reading the file and compiling for the size."""
    first_frame_ms: float
    memory_mb: float | None
    """Peak resident memory of the process less what it had before it read the model, 10^6 bytes;
    None where the system does not tell."""


@dataclass(frozen=True)
class Speed:
    """A row at one size."""

    size: str
    height: int
    """Of the output, in pixels."""
    width: int
    startup: Startup | None
    model_sync: Timing | None
    """The bare compiled model, one frame at a time, on tensors set beforehand."""
    model_async: Timing | None
    """The same with all its requests in flight, compiled for throughput."""
    frame_sync: Timing | None
    """End to end: numpy frame in, owned numpy frame out, one at a time."""
    frame_stream: Timing | None
    """End to end through `Sharpener.stream`, compiled for throughput."""
    settings: dict[str, Any]
    """By mode: what the compiled model says it runs with."""
    speedup_pytorch: float | None = None
    """Median end-to-end time of PyTorch eager over this row's."""
    speedup_fp32: float | None = None
    """Median end-to-end time of FP32 executed in f32 over this row's."""

    @property
    def fps(self) -> float | None:
        """End-to-end frames per second: one at a time where measured, else streamed."""
        timing = self.frame_sync or self.frame_stream
        return timing.fps if timing else None

    def reaches(self, rate: int) -> str:
        """Tell whether frames keep up with a camera: `yes`, `stream` (only streamed) or `no`."""
        if self.frame_sync and self.frame_sync.fps >= rate:
            return "yes"
        return "stream" if self.frame_stream and self.frame_stream.fps >= rate else "no"


@dataclass(frozen=True)
class Row:
    """One model in one storage with one execution precision."""

    model: str
    storage: str
    execution: str
    """As read back from the compiled model, or `eager f32` for PyTorch."""
    scale: int
    parameters: int
    megabytes: float
    """The model's files on disk, 10^6 bytes."""
    quality: Quality | None
    speeds: tuple[Speed, ...]
    role: Role = "own"
    """`own`; `rival`: of others, to compare with; `textbook`: an own one, converted plainly."""

    @property
    def key(self) -> str:
        """What the row is called, e.g. `sharp-gla int8 int8+bf16`."""
        return f"{self.model} {self.storage} {self.execution}"

    @property
    def is_reference(self) -> bool:
        """Whether this is the row that others are compared with."""
        return (self.storage, self.execution) == ("fp32", "f32")

    @property
    def is_eager(self) -> bool:
        """Whether it is PyTorch's."""
        return self.execution.startswith("eager")

    def speed(self, size: str) -> Speed | None:
        """Give the row's speed at a size, if it was measured."""
        return next((speed for speed in self.speeds if speed.size == size), None)


@dataclass(frozen=True)
class PhotoSet:
    """What quality of a model was measured on."""

    model: str
    source: str
    """Where the photos come from."""
    recipe: str
    """How they were damaged, or `pairs` if they came so."""
    why: str
    """Who chose the recipe."""
    names: tuple[str, ...]
    skipped: tuple[str, ...]
    """Files that could not be read or are too small."""


@dataclass(frozen=True)
class Report(Measured, Record, schema=2, file="report", verb="bench"):
    """Everything that one run of the benchmark found out."""

    device: str
    device_name: str
    options: dict[str, Any]
    photos: tuple[PhotoSet, ...]
    sizes: tuple[str, ...]
    rows: tuple[Row, ...]
    recommendations: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def models(self) -> list[str]:
        """Names of the models in the order of their rows."""
        return list(dict.fromkeys(row.model for row in self.rows))

    def reference(self, model: str) -> Row | None:
        """Give the FP32 row of a model that was executed in f32, if there is one."""
        return next((row for row in self.rows if row.model == model and row.is_reference), None)
