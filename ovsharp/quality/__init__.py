"""How good a picture is. One documented definition of each measure."""

from ovsharp.quality.flicker import Flicker
from ovsharp.quality.similarity import MAX_DROP, PSNR_CAP, capped_psnr, psnr, ssim

__all__ = ["MAX_DROP", "PSNR_CAP", "Flicker", "capped_psnr", "psnr", "ssim"]
