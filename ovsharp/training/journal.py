"""What a run says of itself: one line of JSON per validation, and TensorBoard's events."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovsharp.files import staged
from ovsharp.training.validation import Score

LOG = "log.jsonl"


@dataclass(frozen=True)
class Report:
    """A run at one of its validations."""

    step: int
    """Of all stages."""
    stage: int
    """Counted from 1."""
    rate: float
    losses: dict[str, float]
    """Mean of each weighted term since the last report."""
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
            "loss": round(sum(self.losses.values()), 6),
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
        from torch.utils.tensorboard import SummaryWriter

        self._path = folder / LOG
        lines = self._path.read_text(encoding="utf-8").splitlines() if step else []
        kept = [line for line in lines if _is_kept(line, step)]
        with staged(folder) as staging:
            text = "".join(f"{line}\n" for line in kept)
            (staging / LOG).write_text(text, encoding="utf-8")
        self._board: Any = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, report: Report) -> None:
        """Add a report."""
        row = report.row()
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        losses = {f"loss/{name}": value for name, value in report.losses.items()}
        values = {key: row[key] for key in ("rate", "loss", "ssim_out", "psnr_out", "better")}
        for name, value in {**values, "live units": report.live, **losses}.items():
            self._board.add_scalar(name, value, report.step)
        self._board.flush()

    def close(self) -> None:
        """Close the files."""
        self._board.close()
