"""What a bad call does to a frame: one composable, seeded, named pipeline."""

from ovsharp.degrade.recipe import RECIPES, Recipe, parse

__all__ = ["RECIPES", "Recipe", "parse"]
