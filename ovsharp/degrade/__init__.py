"""What a bad call does to a frame: one composable, seeded, named pipeline."""

from ovsharp.degrade.pairs import INPUT, TARGET, TEACHER, Pair, write_pair
from ovsharp.degrade.recipe import RECIPES, Recipe, parse

__all__ = ["INPUT", "RECIPES", "TARGET", "TEACHER", "Pair", "Recipe", "parse", "write_pair"]
