"""Makes folders of what scripts/train_on_card.py left, as `ovsharp train` leaves them.

    python scripts/unpack_kit.py OUT --runs runs/card

Each network gets runs/card/NAME with `student.pth`, `best.pth` and `log.jsonl`, as
scripts/ship_family.py takes them.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from train_fleet import Student

from ovsharp.errors import OvsharpError, UsageError
from ovsharp.files import staged
from ovsharp.models import DEGRADATION, PIXELS
from ovsharp.training.fit import BEST, WEIGHTS, collapsed
from ovsharp.training.journal import LOG
from ovsharp.training.network import build


def unpack(out: Path, runs: Path) -> list[str]:
    """Write a folder for each network.

    Returns:
        Their names.

    Raises:
        UsageError: there is nothing to unpack, or a folder holds a run already.
    """
    parts = sorted(out.glob("part-*.pt"))
    networks = {
        name: saved
        for part in parts
        for name, saved in torch.load(part, map_location="cpu", weights_only=True).items()
    }
    if not networks:
        raise UsageError(f"{out} holds no part-N.pt: expected what train_on_card.py left")
    taken = [name for name in networks if (runs / name / WEIGHTS).exists()]
    if taken:
        raise UsageError(f"{runs} holds {', '.join(taken)} already: name another folder")
    rows = [json.loads(line) for line in (out / LOG).read_text(encoding="utf-8").splitlines()]
    for name, saved in networks.items():
        course = Student(name, saved["recipe"], saved["size"], runs / name).course
        network = build(course)
        network.load_state_dict(saved["state_dict"])
        weights = {
            "state_dict": collapsed(network.eval()),
            DEGRADATION: course.stages[-1].degrade,
            PIXELS: saved["pixels"],
        }
        log = [{k: v for k, v in row.items() if k != "name"} for row in rows if row["name"] == name]
        with staged(runs / name) as staging:
            torch.save({"state_dict": saved["state_dict"], PIXELS: saved["pixels"]}, staging / BEST)
            torch.save(weights, staging / WEIGHTS)
            (staging / LOG).write_text("".join(f"{json.dumps(row)}\n" for row in log))
    return [*networks]


def main() -> None:
    """Unpack, and say what."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder that train_on_card.py wrote")
    parser.add_argument("--runs", type=Path, required=True, help="folder for the folders")
    options = parser.parse_args()
    try:
        print("\n".join(unpack(options.out, options.runs)))
    except OvsharpError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
