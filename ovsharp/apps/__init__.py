"""Applications: thin clients of media and runtime."""

from ovsharp.apps.live import Figures, Live
from ovsharp.apps.pipeline import Pipeline, Progress, Sink

__all__ = ["Figures", "Live", "Pipeline", "Progress", "Sink"]
