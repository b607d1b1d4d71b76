"""What a validation says of a network, beside its scores."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ovsharp.media import find_images
from ovsharp.models import ARCHITECTURES
from ovsharp.training.validation import Validation


@pytest.mark.parametrize("branches", [False, True])
@torch.no_grad()
def test_dead_units_are_counted_in_every_convolution(photos: Path, branches: bool) -> None:
    student = ARCHITECTURES.build("student", channels=8, depth=1, unshuffle=2, branches=branches)
    parameters = dict(student.named_parameters())
    inner = "square." if branches else ""
    for name, bias in (("head", 100), ("body.0", -1e6)):
        parameters[f"{name}.{inner}bias"].fill_(bias)
    parameters["tail.bias"].fill_(1)

    validation = Validation(find_images([photos])[:1], "clean")
    share = validation.live_units(student, lambda frame, _: student(frame), torch.device("cpu"))

    # Eight in the head, eight in the body, which are dead, twelve in the tail.
    assert share == pytest.approx(20 / 28)
