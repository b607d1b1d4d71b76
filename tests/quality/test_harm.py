"""What counts as harm."""

from __future__ import annotations

import pytest

from ovsharp.quality import harms


@pytest.mark.parametrize(
    ("psnr", "ssim", "expected"),
    [
        (0.5, 0.01, False),
        (-0.09, 0.01, False),
        (-0.11, 0.01, True),  # SSIM rose, and it was made worse all the same
        (0.5, -0.0019, False),
        (0.5, -0.0021, True),
    ],
)
def test_either_loss_is_harm(psnr: float, ssim: float, expected: bool) -> None:
    assert bool(harms(psnr, ssim)) is expected
