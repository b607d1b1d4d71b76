"""The queue that trains all that ships: rounds, what was seen, and going on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ovsharp.models import load_network
from tests.training.conftest import MovingFolders

SCRIPT = Path(__file__).parents[2] / "scripts" / "train_fleet.py"


def fleet(out: Path, *options: object) -> str:
    line = [sys.executable, SCRIPT, "--out", out, "--only", "call-jpeg", *options]
    done = subprocess.run([*map(str, line)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


@pytest.mark.slow
def test_rounds_follow_each_other_and_say_what_they_saw(
    photos: Path, moving: MovingFolders, tmp_path: Path
) -> None:
    out = tmp_path / "fleet"
    material = ["--data", photos, "--val", photos]
    material += ["--clips", moving.clips, "--screens", moving.screens]
    short = ["--jobs", 1, "--steps", 2, "--rounds", 1]
    assert re.search(r"[1-9],\d{3} steps$", fleet(out, "--status"))
    fleet(out, *material, *short)
    one = load_network(out / "call-jpeg" / "1" / "student.pth")
    last = fleet(out, *material, *short)
    two = load_network(out / "call-jpeg" / "2" / "student.pth")
    per_step = 12 * 96**2
    assert two.pixels - one.pixels == 2 * per_step
    assert last.split()[:2] == ["call-jpeg", "2"]
    assert f"{two.pixels // per_step:,} steps" in last, "a round doubles what was seen"

    # A network that has seen enough and gains no more is fine-tuned for 8 bits.
    for number in ("1", "2"):
        log = out / "call-jpeg" / number / "log.jsonl"
        row = json.loads(log.read_text().splitlines()[-1]) | {"psnr_out": 30.0}
        log.write_text(json.dumps(row) + "\n")
    weights = out / "call-jpeg" / "2" / "best.pth"
    saved = torch.load(weights, weights_only=True)
    torch.save({**saved, "pixels": int(30e9)}, weights)
    assert fleet(out, "--status").endswith("for 8 bits")
