"""What a run says of itself: one line of JSON per validation, and TensorBoard's events."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovsharp.files import append, kept_if_filled, staged
from ovsharp.training.validation import Score

LOG = "log.jsonl"


@dataclass(frozen=True)
class Report:
    """A run at one of its validations."""

    step: int
    """Of all stages; 0 for the weights of another run that this one begins with."""
    stage: int
    """Counted from 1."""
    rate: float
    losses: dict[str, float]
    """Mean of each weighted term since the last report; empty at step 0."""
    score: Score
    live: float
    """Share of live units; see `Validation.live_units`."""
    best: bool
    """Whether no earlier SSIM was as high."""
    minutes: float
    """Since the run was started or resumed."""
    pixels: int
    """Of sharp patches that the weights were trained on, with repetitions, in this run and in those
    that it started from."""

    def row(self) -> dict[str, Any]:
        """Give flat, rounded fields for a log or a table."""
        score = {key: round(value, 4) for key, value in dataclasses.asdict(self.score).items()}
        losses = {key: round(value, 6) for key, value in self.losses.items()}
        return {
            "step": self.step,
            "stage": self.stage,
            "rate": self.rate,
            **({"loss": round(sum(self.losses.values()), 6)} if losses else {}),
            "losses": losses,
            **score,
            "live": round(self.live, 3),
            "best": self.best,
            "minutes": round(self.minutes, 2),
            "pixels": self.pixels,
        }


def _is_kept(line: str, step: int) -> bool:
    try:
        return bool(json.loads(line)["step"] <= step)
    except ValueError:  # a run that was killed wrote half of it
        return False


class Journal:
    """Appends reports to `log.jsonl` and to TensorBoard's events in a folder.

    Args:
        folder: of the run; exists.
        step: where the run goes on; what an interrupted run wrote beyond it is dropped.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._path = folder / LOG
        if step:
            lines = self._path.read_text(encoding="utf-8").splitlines()
            text = "".join(f"{line}\n" for line in lines if _is_kept(line, step))
            with staged(folder) as staging:
                (staging / LOG).write_text(text, encoding="utf-8")
        else:
            self._path.unlink(missing_ok=True)
        self._events = _Events(folder / "tensorboard", step)

    def write(self, report: Report) -> None:
        """Add a report.

        Raises:
            OSError: the disk is full; it names the file.
        """
        row = report.row()
        append(self._path, f"{json.dumps(row)}\n".encode())
        losses = {f"loss/{name}": value for name, value in report.losses.items()}
        drawn = ("rate", "loss", "ssim_out", "psnr_out", "better")
        values = {key: row[key] for key in drawn if key in row}
        self._events.write({**values, "live units": report.live, **losses}, report.step)


class _Events:
    """Writes scalars as TensorBoard reads them.

    Not by torch's `SummaryWriter`: it writes in a thread, which ends in a traceback of its own
    where the disk is full, and forks badly.

    Args:
        folder: made with the first event.
        step: TensorBoard drops what another file of the folder has beyond it.
    """

    def __init__(self, folder: Path, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        begun = time.time()
        name = f"events.out.tfevents.{begun:.0f}.{platform.node()}.{os.getpid()}"
        self._path = folder / name
        start = SessionLog(status=SessionLog.START)
        self._begin = [
            Event(wall_time=begun, file_version="brain.Event:2"),
            Event(wall_time=begun, step=step + 1, session_log=start),
        ]

    def write(self, values: dict[str, float], step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter

        scalars = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        event = Event(wall_time=time.time(), step=step, summary=Summary(value=scalars))
        records = io.BytesIO()
        for one in (*self._begin, event):
            RecordWriter(records).write(one.SerializeToString())
        with kept_if_filled(self._path.parent):
            append(self._path, records.getvalue())
        self._begin = []
