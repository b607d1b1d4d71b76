"""Applications: thin clients of media and runtime."""

from ovsharp.apps.arrivals import Arrivals
from ovsharp.apps.live import Figures, Live
from ovsharp.apps.look import stays_untouched
from ovsharp.apps.pipeline import Pipeline, Progress, Sink
from ovsharp.apps.playing import play
from ovsharp.apps.stills import Outcome, sharpen_files
from ovsharp.apps.upscalers import Upscalers

__all__ = [
    "Arrivals",
    "Figures",
    "Live",
    "Outcome",
    "Pipeline",
    "Progress",
    "Sink",
    "Upscalers",
    "play",
    "sharpen_files",
    "stays_untouched",
]
