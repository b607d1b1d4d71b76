"""How good a picture is. One documented definition of each measure."""

from ovsharp.quality.blocks import blockiness
from ovsharp.quality.colour import colour_shift
from ovsharp.quality.edges import edge_ratio, overshoot
from ovsharp.quality.flicker import Flicker
from ovsharp.quality.harm import harms
from ovsharp.quality.luma import psnr_y, ssim_y
from ovsharp.quality.multiscale import MS_SSIM_SIDE, ms_ssim
from ovsharp.quality.similarity import MAX_DROP, PSNR_CAP, capped_psnr, psnr, ssim
from ovsharp.quality.text import can_read, character_error_rate, read_text, text_error

__all__ = [
    "MAX_DROP",
    "MS_SSIM_SIDE",
    "PSNR_CAP",
    "Flicker",
    "blockiness",
    "can_read",
    "capped_psnr",
    "character_error_rate",
    "colour_shift",
    "edge_ratio",
    "harms",
    "ms_ssim",
    "overshoot",
    "psnr",
    "psnr_y",
    "read_text",
    "ssim",
    "ssim_y",
    "text_error",
]
