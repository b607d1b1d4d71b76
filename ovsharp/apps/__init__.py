"""Applications: thin clients of media and runtime."""

from ovsharp.apps.pipeline import Pipeline, Progress, Sink

__all__ = ["Pipeline", "Progress", "Sink"]
