"""Checkpoints of students with drawn weights, which change what they are given."""

from __future__ import annotations

from pathlib import Path

import torch

from ovsharp.models.student import Student


def write_student(folder: Path, network: Student) -> tuple[Path, Student]:
    """Draw a last layer, which begins with zeros, and write mine.pth."""
    torch.manual_seed(0)
    torch.nn.init.normal_(network.tail.weight, std=0.05)
    path = folder / "mine.pth"
    torch.save(network.state_dict(), path)
    return path, network.eval()


def coarse_student(folder: Path) -> tuple[Path, Student]:
    """Write one with a branch of more reach, which adds something."""
    torch.manual_seed(1)
    network = Student(channels=16, depth=4, unshuffle=2, residual=True, coarse=32, bounded=True)
    assert network.coarse is not None
    torch.nn.init.normal_(network.coarse.up.weight, std=0.1)
    return write_student(folder, network)
