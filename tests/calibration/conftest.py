from __future__ import annotations

import openvino as ov
import pytest

from ovsharp.calibration.candidates import Candidates
from tests.calibration.quantized import candidates


@pytest.fixture(scope="module")
def some(parent: ov.Model) -> Candidates:
    """What the parent of a file of tests becomes."""
    return candidates(parent)
