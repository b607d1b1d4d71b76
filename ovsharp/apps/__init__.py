"""Applications: thin clients of media and runtime."""

from ovsharp.apps.arrivals import Arrivals
from ovsharp.apps.choice import Choice
from ovsharp.apps.finishing import Finishing
from ovsharp.apps.live import Figures, Live
from ovsharp.apps.look import stays_untouched
from ovsharp.apps.notebook import BeforeAfter, before_after
from ovsharp.apps.parts import Part, PartDone, VideoJob, origin_of, parts_of, sharpen_part
from ovsharp.apps.pipeline import Pipeline, Progress, Sink
from ovsharp.apps.playing import play
from ovsharp.apps.samples import (
    Samples,
    Sampling,
    sample_failure,
    sample_name,
    samples_of,
    samples_there,
    take_samples,
)
from ovsharp.apps.still_batches import StillsBatch, StillsJob, sharpen_batch
from ovsharp.apps.stills import Outcome, sharpen_files
from ovsharp.apps.upscalers import Upscalers

__all__ = [
    "Arrivals",
    "BeforeAfter",
    "Choice",
    "Figures",
    "Finishing",
    "Live",
    "Outcome",
    "Part",
    "PartDone",
    "Pipeline",
    "Progress",
    "Samples",
    "Sampling",
    "Sink",
    "StillsBatch",
    "StillsJob",
    "Upscalers",
    "VideoJob",
    "before_after",
    "origin_of",
    "parts_of",
    "play",
    "sample_failure",
    "sample_name",
    "samples_of",
    "samples_there",
    "sharpen_batch",
    "sharpen_files",
    "sharpen_part",
    "stays_untouched",
    "take_samples",
]
