"""`Jobs`: videos that wait, one that is worked on, and results that wait to be fetched."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ovsharp.apps import Finishing, Pipeline, Progress
from ovsharp.closing import Closing
from ovsharp.errors import MediaError, OvsharpError
from ovsharp.media import Shot, VideoReader, read_video, write_video
from ovsharp.serve.folder import Workroom
from ovsharp.serve.limits import Limits, busy
from ovsharp.serve.models import Models

State = Literal["waiting", "running", "done", "failed", "cancelled"]
ENDED = ("done", "failed", "cancelled")
_GUESS = 30.0
"""Seconds that a video takes, before one tells."""
_TIDY = 10.0
"""Seconds between two looks for results that nobody has fetched."""


@dataclass
class Job:
    """One video on its way."""

    source: Path
    """In a folder of its own, in which all that belongs to the job lies."""
    target: Path
    name: str
    """Of the client's file, for words only."""
    model: str | None = None
    strength: float = 1.0
    crf: int = 18
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: State = "waiting"
    frames: int = 0
    """Written."""
    total: int | None = None
    """Frames to expect; None if the file does not say."""
    fps: float = 0.0
    made: dict[str, int] = field(default_factory=dict)
    """How many frames each model has made."""
    notes: tuple[str, ...] = ()
    error: str = ""
    ended: float = 0.0
    cancelled: threading.Event = field(default_factory=threading.Event)
    pipeline: Pipeline | None = None

    @property
    def seconds_left(self) -> float | None:
        """Time left, if it can be told."""
        if self.state != "running" or self.total is None or not self.fps:
            return None
        return max(0.0, (self.total - self.frames) / self.fps)


class Jobs(Closing):
    """Works on one video after the other, in a thread of its own. Thread-safe.

    One at a time: a video takes all cores, and the pictures and cameras beside it need some.

    Args:
        models: what sharpens.
        limits: how many, how long, how large.
        room: where the files lie.
        made: told of every frame that was made.
    """

    def __init__(
        self,
        models: Models,
        limits: Limits,
        room: Workroom,
        made: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._models, self._limits, self._room, self._made = models, limits, room, made
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._coming = 0
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="ovsharp-jobs", daemon=True)
        self._thread.start()

    def reserve(self) -> None:
        """Take a place in the queue for a video that is being sent; `add` or `release` follows.

        Raises:
            Refused: the queue is full.
        """
        with self._changed:
            open_jobs = [job for job in self._jobs.values() if job.state not in ENDED]
            if len(open_jobs) + self._coming >= self._limits.jobs:
                left = next((job.seconds_left for job in open_jobs if job.seconds_left), _GUESS)
                raise busy(f"{len(open_jobs)} videos are waiting", left)
            self._coming += 1

    def release(self) -> None:
        """Give the place back: the video did not come."""
        with self._changed:
            self._coming -= 1

    def add(self, job: Job) -> None:
        """Put a video into the place that was reserved for it."""
        with self._changed:
            self._coming -= 1
            self._jobs[job.id] = job
            self._changed.notify_all()

    def get(self, identity: str) -> Job | None:
        """Find a job; None if there is none, or no longer."""
        with self._changed:
            return self._jobs.get(identity)

    def counts(self) -> dict[State, int]:
        """Tell how many are in each state."""
        states: tuple[State, ...] = ("waiting", "running", "done", "failed", "cancelled")
        with self._changed:
            all_states = [job.state for job in self._jobs.values()]
        return {state: all_states.count(state) for state in states}

    def remove(self, identity: str) -> bool:
        """Cancel a job if it is not done, and remove its files; False if there is none."""
        with self._changed:
            job = self._jobs.pop(identity, None)
            if job is None:
                return False
            self._cancel(job)
            running = job.state == "running"
        if not running:  # else its thread does it
            shutil.rmtree(job.source.parent, ignore_errors=True)
        return True

    def cancel_all(self) -> None:
        """Take no more, and let what waits or runs end soon: the server stops."""
        with self._changed:
            self._closed = True
            for job in self._jobs.values():
                self._cancel(job)
            self._changed.notify_all()

    def close(self) -> None:
        """Cancel everything and wait for the end. May be called again."""
        self.cancel_all()
        self._thread.join()

    def _cancel(self, job: Job) -> None:
        """Cancel one that is not done; the lock is held."""
        job.cancelled.set()
        if job.pipeline is not None:
            job.pipeline.cancel()
        if job.state == "waiting":
            self._end(job, "cancelled")

    def _end(self, job: Job, state: State, error: str = "") -> None:
        """Note how a job has ended; the lock is held, or only the worker knows the job."""
        job.error, job.ended, job.pipeline = error, time.monotonic(), None
        job.state = state

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._closed and (job := self._next()) is None:
                    self._changed.wait(_TIDY)
                    self._tidy()
                if self._closed:
                    return
                if job is None:
                    continue
                job.state = "running"
            self._run(job)

    def _next(self) -> Job | None:
        return next((job for job in self._jobs.values() if job.state == "waiting"), None)

    def _tidy(self) -> None:
        """Drop results that nobody has fetched in time, and the oldest of too many."""
        ended = sorted((job for job in self._jobs.values() if job.ended), key=lambda job: job.ended)
        old = time.monotonic() - self._limits.keep
        for place, job in enumerate(ended):
            if job.ended < old or place < len(ended) - self._limits.jobs:
                del self._jobs[job.id]
                shutil.rmtree(job.source.parent, ignore_errors=True)

    def _run(self, job: Job) -> None:
        """Make one video; whatever goes wrong with it is told, and the next one follows."""
        state: State = "done"
        error = ""
        try:
            self._make(job)
        except _CancelledError:
            state = "cancelled"
        except (OvsharpError, OSError) as failure:
            state, error = "failed", self._room.named(failure)
        except MemoryError:
            state, error = "failed", "not enough memory for a video of this size"
        except Exception as failure:  # noqa: BLE001 - one video must not end all others
            state, error = "failed", f"an error of ovsharp itself: {failure!r}"
        finally:
            if state == "done":
                job.source.unlink(missing_ok=True)
            else:
                shutil.rmtree(job.source.parent, ignore_errors=True)
            with self._changed:
                self._end(job, state, error)
                removed = job.id not in self._jobs
                self._tidy()
            if removed:
                shutil.rmtree(job.source.parent, ignore_errors=True)

    def _make(self, job: Job) -> None:
        with (
            open_clip(job.source) as clip,
            self._models.session(job.model, strength=job.strength) as session,
        ):
            job.total = clip.frames
            sink = write_video(job.target, like=clip, crf=job.crf)
            counted = 0

            def tell(progress: Progress) -> None:
                nonlocal counted
                job.frames, job.fps, job.made = progress.frames, progress.fps, dict(session.made)
                self._made(progress.frames - counted)
                counted = progress.frames

            with sink:
                pipeline = Pipeline(
                    within(clip, self._limits),
                    session,
                    sink,
                    each=Finishing(steady=True, beside=False, segment=sink.segment).each,
                    interrupt=clip.interrupt,
                    segment=sink.segment,
                )
                job.pipeline = pipeline
                if job.cancelled.is_set():  # before there was a pipeline to tell
                    raise _CancelledError
                pipeline.run(tell)
                tell(pipeline.progress)
                if pipeline.state == "cancelled":
                    raise _CancelledError
            job.notes = (*clip.notes, *sink.notes)


def open_clip(path: Path) -> VideoReader:
    """Open a video as `ovsharp video` does.

    Raises:
        MediaError: it is none, or damaged.
    """
    return read_video(path, deep=True, deinterlace="auto")


def check_clip(path: Path, limits: Limits, scale: int) -> None:
    """Look at the beginning of a video, and refuse what is none, or too large or too long.

    Raises:
        MediaError: it is no video.
        Refused: it is beyond the limits.
    """
    with open_clip(path) as clip:
        limits.check_pixels(clip.width, clip.height, scale)
        if clip.frames is not None and clip.frames / clip.rate > limits.seconds:
            raise _too_long(limits)


def within(clip: VideoReader, limits: Limits) -> Iterator[Shot]:
    """Give the shots of a video, and fail where it goes on for too long, whatever it told.

    Raises:
        MediaError: it does.
    """
    for shot in clip.shots():
        if shot.seconds - clip.origin > limits.seconds:
            raise _too_long(limits)
        yield shot


def _too_long(limits: Limits) -> MediaError:
    return MediaError(
        f"the video is too long: this server takes {limits.seconds:g} s (ovsharp serve "
        f"--max-seconds); take a part of it"
    )


class _CancelledError(Exception):
    """The client, or the end of the server, has cancelled the job."""
