"""Rows of the matrix as things that can be run: OpenVINO's and PyTorch's."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from ovsharp.benchmarks.eager import Eager
from ovsharp.benchmarks.variants import Candidate, Variant
from ovsharp.engine import CompiledFrames, Frame, Mode, compile_frames, get_core, read_ir
from ovsharp.measuring import (
    BURST_SECONDS,
    Photo,
    Startup,
    measure_startup,
    one_frame,
    one_infer,
    prepare_request,
    ring_burst,
    stream_burst,
)
from ovsharp.reports import Size
from ovsharp.runtime import Sharpener


@dataclass(frozen=True)
class Ready:
    """A row that is compiled for a size and a mode."""

    calls: Mapping[str, Callable[[], int]]
    """What to time, as `Workload.run`, by the field of `Speed` that the timing belongs into."""
    burst: bool
    """As `Workload.burst`."""
    settings: Mapping[str, Any]
    """What the compiled model says it runs with."""


class Subject(ABC):
    """One row of the matrix."""

    candidate: Candidate
    storage: str
    execution: str
    megabytes: float

    @property
    def key(self) -> str:
        """What the row is called."""
        return f"{self.candidate.name} {self.storage} {self.execution}"

    @abstractmethod
    def sharpen(self, photos: Sequence[Photo]) -> list[Frame]:
        """Run it on photos."""

    @abstractmethod
    def startup(self, size: Size) -> Startup | None:
        """Measure what a fresh process pays; None where that is not measured."""

    @abstractmethod
    def ready(
        self, size: Size, mode: Mode, frames: Sequence[Frame], seconds: float
    ) -> AbstractContextManager[Ready | None]:
        """Give a context manager of `Ready`, or of None where it has no such mode.

        Args:
            size: of the output.
            mode: one frame at a time, or several in flight.
            frames: to run end to end, over and over.
            seconds: that each workload will be timed for.
        """


class OpenVinoSubject(Subject):
    """A variant on an OpenVINO device.

    Args:
        variant: what to run.
        device: where.
        threads: inference threads; None for the device's choice.
    """

    def __init__(self, variant: Variant, device: str, threads: int | None) -> None:
        self.candidate, self.storage = variant.candidate, variant.storage
        self.execution = variant.execution.label
        self.megabytes = variant.candidate.megabytes(variant.storage)
        self._variant, self._device, self._threads = variant, device, threads

    def sharpen(self, photos: Sequence[Photo]) -> list[Frame]:
        """Run it on photos, through `Sharpener`."""
        with self._sharpener("latency") as sharpener:
            return [sharpener(photo.frame) for photo in photos]

    def startup(self, size: Size) -> Startup:
        """Measure what a fresh process pays."""
        return measure_startup(
            self._variant.path,
            *size.padded(self.candidate.spec),
            device=self._device,
            precision=self.execution,
            threads=self._threads,
        )

    @contextmanager
    def ready(
        self, size: Size, mode: Mode, frames: Sequence[Frame], seconds: float
    ) -> Iterator[Ready]:
        """Compile it for a size and a mode."""
        with self._sharpener(mode) as sharpener:
            compiled = self._compile(size, mode)
            settings = dataclasses.asdict(compiled.settings)
            if mode == "latency":
                model = one_infer(prepare_request(compiled))
                calls = {"model_sync": model, "frame_sync": one_frame(sharpener, frames)}
            else:
                count, burst = compiled.settings.requests, min(BURST_SECONDS, seconds)
                ring = ring_burst([prepare_request(compiled, n) for n in range(count)], burst)
                stream = stream_burst(sharpener, frames, count, burst)
                calls = {"model_async": ring, "frame_stream": stream}
            yield Ready(calls, mode == "throughput", settings)

    def _sharpener(self, mode: Mode) -> Sharpener:
        return Sharpener(
            self._variant.path,
            device=self._device,
            precision=self.execution,
            mode=mode,
            threads=self._threads,
        )

    def _compile(self, size: Size, mode: Mode) -> CompiledFrames:
        model, spec = read_ir(self._variant.path, get_core())
        return compile_frames(
            model,
            spec,
            *size.padded(spec),
            device=self._device,
            execution=self._variant.execution,
            mode=mode,
            threads=self._threads,
        )


class EagerSubject(Subject):
    """A network in eager PyTorch: the baseline, one frame at a time only.

    Args:
        candidate: the model.
        eager: its network.
    """

    storage = "fp32"
    execution = "eager f32"

    def __init__(self, candidate: Candidate, eager: Eager) -> None:
        self.candidate, self._eager = candidate, eager
        checkpoint = candidate.checkpoint
        self.megabytes = checkpoint.stat().st_size / 1e6 if checkpoint else 0.0

    def sharpen(self, photos: Sequence[Photo]) -> list[Frame]:
        """Run it on photos."""
        return [self._eager(photo.frame) for photo in photos]

    def startup(self, size: Size) -> None:  # noqa: ARG002 - as every subject
        """Not measured."""
        return

    @contextmanager
    def ready(
        self,
        size: Size,
        mode: Mode,
        frames: Sequence[Frame],
        seconds: float,  # noqa: ARG002 - as every subject
    ) -> Iterator[Ready | None]:
        """Give its workloads in latency mode."""
        if mode != "latency":
            yield None
            return
        model = self._eager.bare(*size.padded(self.candidate.spec))
        calls = {"model_sync": model, "frame_sync": one_frame(self._eager, frames)}
        yield Ready(calls, False, {"threads": self._eager.threads})
