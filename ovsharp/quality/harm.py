"""Harm: whether a picture was made worse, by as much as counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

HARM_DB, HARM_SSIM = 0.1, 0.002
"""Losses of PSNR and SSIM; more than either is harm."""


def harms(psnr: ArrayLike, ssim: ArrayLike) -> NDArray[np.bool_]:
    """Tell which changes of PSNR and SSIM are harm: a loss of more than 0.1 dB or .002 SSIM.

    Args:
        psnr: after minus before, in dB, of any shape.
        ssim: likewise, of the same shape.

    Example:
        >>> harms([0.3, -0.2, 0.1], [0.01, 0.01, -0.003]).tolist()
        [False, True, True]
    """
    return np.asarray((np.asarray(psnr) < -HARM_DB) | (np.asarray(ssim) < -HARM_SSIM))
