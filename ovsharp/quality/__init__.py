"""How good a picture is. One documented definition of each measure."""

from ovsharp.quality.similarity import psnr, ssim

__all__ = ["psnr", "ssim"]
