"""The same random colours on a picture and its truth, so that nobody learns a mean."""

from __future__ import annotations

import torch

DRAWS = 5
"""Random numbers that a patch needs."""


def tinted(draws: torch.Tensor, *pictures: torch.Tensor) -> list[torch.Tensor]:
    """Give all pictures of a patch the same gamma, gain and offset, and the same means.

    Codecs shift the mean of a channel by half a level on average. Who undoes that tints every
    frame that was not shifted: so the truth, the last picture, takes the means of its base.

    Args:
        draws: N x `DRAWS` numbers of 0..1.
        pictures: N x 3 x H x W float in 0..1: inputs of any size, their base, and the truth.

    Returns:
        The pictures in their order; they may leave 0..1.

    Example:
        >>> picture = torch.full((1, 3, 8, 8), 0.5)
        >>> frame, base, truth = tinted(torch.rand(1, DRAWS), picture, picture, picture - 0.1)
        >>> torch.equal(frame, base), torch.allclose(base, truth)
        (True, True)
    """
    draws = draws[:, :, None, None]
    gamma = ((draws[:, 0:1] - 0.5) * 0.4).exp()
    gain, offset = 0.75 + draws[:, 1:2] * 0.35, draws[:, 2:] * 0.1 - 0.04
    *inputs, base, truth = (picture.pow(gamma) * gain + offset for picture in pictures)
    shift = (base - truth).mean((2, 3), keepdim=True)
    return [*inputs, base, truth + shift]
