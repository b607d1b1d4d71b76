"""What a bad call does to a frame: one composable, seeded, named pipeline."""

from ovsharp.degrade.batches import PairsBatch, PairsJob, write_pairs
from ovsharp.degrade.codec_damage import pan
from ovsharp.degrade.pairs import INPUT, TARGET, TEACHER, Pair, write_pair
from ovsharp.degrade.recipe import RECIPES, Recipe, parse
from ovsharp.degrade.sending import SENDINGS, Sending, parse_sending, send_clip

__all__ = [
    "INPUT",
    "RECIPES",
    "SENDINGS",
    "TARGET",
    "TEACHER",
    "Pair",
    "PairsBatch",
    "PairsJob",
    "Recipe",
    "Sending",
    "pan",
    "parse",
    "parse_sending",
    "send_clip",
    "write_pair",
    "write_pairs",
]
