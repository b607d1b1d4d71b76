"""The kit for a machine with a graphics card, rehearsed on the processor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ovsharp.models import load_network
from tests.scripts import loaded
from tests.training.conftest import MovingFolders

SCRIPTS = Path(__file__).parents[2] / "scripts"
NAMES = ["call-jpeg-fast", "call-codec-fast", "call-codec"]


def run(script: str, *options: object, patch: pytest.MonkeyPatch) -> None:
    patch.syspath_prepend(str(SCRIPTS))
    patch.setattr(sys, "argv", [script, *map(str, options)])
    loaded(script).main()


def test_a_kit_trains_by_itself_and_comes_back(
    photos: Path, moving: MovingFolders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit, out, runs = tmp_path / "kit", tmp_path / "out", tmp_path / "runs"
    material = ["--data", photos, "--val", photos, "--clips", moving.clips]
    run("pack_kit", *material, "--screens", moving.screens, "--out", kit, patch=monkeypatch)
    size = sum(path.stat().st_size for path in kit.rglob("*") if path.is_file())
    assert size < 60 * 2**20
    assert len([*(kit / "photos").iterdir()]) == 3, "the broken one stays behind"

    line = ["sh", kit / "train.sh", "--out", out, "--only", *NAMES, "--steps", 3, "--device", "cpu"]
    environment = {**os.environ, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*map(str, line)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "of 2 damages, 9 steps" in done.stdout, "two sizes of a recipe share their patches"
    assert {path.name for path in out.iterdir()} == {"part-1.pt", "log.jsonl"}

    run("unpack_kit", out, "--runs", runs, patch=monkeypatch)
    assert sorted(path.name for path in runs.iterdir()) == sorted(NAMES)
    for name in NAMES:
        rows = [json.loads(row) for row in (runs / name / "log.jsonl").read_text().splitlines()]
        begun, ended = rows[0], rows[-1]
        shipped = kit / "ovsharp" / "models" / "shipped" / name / "student.pth"
        assert begun["pixels"] == load_network(shipped).pixels
        assert ended["pixels"] - begun["pixels"] == 3 * 12 * 96**2
        assert ended["loss"] > 0
        saved = load_network(runs / name / "student.pth")
        best = max((row for row in rows if row["best"]), key=lambda row: row["ssim_out"])
        assert saved.pixels == best["pixels"]
        assert best["ssim_out"] >= begun["ssim_out"]
        weights = torch.load(runs / name / "best.pth", weights_only=True)["state_dict"]
        assert all(torch.isfinite(tensor).all() for tensor in weights.values())
