"""Applications: thin clients of media and runtime."""

from ovsharp.apps.arrivals import Arrivals
from ovsharp.apps.finishing import Finishing
from ovsharp.apps.live import Figures, Live
from ovsharp.apps.look import stays_untouched
from ovsharp.apps.notebook import BeforeAfter, before_after
from ovsharp.apps.parts import Choice, Part, PartDone, VideoJob, fingerprint, parts_of, sharpen_part
from ovsharp.apps.pipeline import Pipeline, Progress, Sink
from ovsharp.apps.playing import play
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
    "Sink",
    "Upscalers",
    "VideoJob",
    "before_after",
    "fingerprint",
    "parts_of",
    "play",
    "sharpen_files",
    "sharpen_part",
    "stays_untouched",
]
