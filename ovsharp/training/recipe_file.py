"""Reads recipes from TOML files; what is wrong is named with its key and its line."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ovsharp.degrade import parse
from ovsharp.errors import UsageError
from ovsharp.records import decode
from ovsharp.training.recipe import KINDS, MS_SSIM_SIDE, TERMS, Course, TrainingRecipe

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_FOLDER = Path(__file__).parent / "recipes"


def recipe_names() -> list[str]:
    """Give the names of the recipes that come with ovsharp."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def load_recipe(recipe: str | Path) -> TrainingRecipe:
    """Read a recipe by its name or from a TOML file.

    Raises:
        UsageError: there is no such recipe, or it has an unknown key, a missing one or a value
            of a wrong type; the message names the key and its line.
    """
    path = Path(recipe)
    if path.suffix != ".toml":
        if str(recipe) not in recipe_names():
            raise UsageError(
                f"there is no recipe '{recipe}': expected one of {', '.join(recipe_names())}, "
                f"or a file that ends in .toml"
            )
        path = _FOLDER / f"{recipe}.toml"
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except FileNotFoundError as error:
        raise UsageError(f"there is no recipe file {path}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is no TOML file: {error}") from error
    reader = _Reader(path, text)
    result: TrainingRecipe = reader.build(TrainingRecipe, {"name": path.stem, **content}, ())
    reader.check(result)
    return result


_Keys = tuple[str | int, ...]


@dataclass(frozen=True)
class _Reader:
    """Builds dataclasses from what a TOML file holds; knows where each key stands."""

    path: Path
    text: str

    def build(self, kind: Any, table: Any, keys: _Keys) -> Any:
        if not isinstance(table, dict):
            raise self.problem(keys, f"expected a table, got {table!r:.40}")
        hints = get_type_hints(kind)
        fields = {entry.name: entry for entry in dataclasses.fields(kind)}
        for key in table:
            if key not in fields:
                expected = ", ".join(name for name in fields if keys or name != "name")
                raise self.problem((*keys, key), f"is unknown here: expected {expected}")
        for name, entry in fields.items():
            if name not in table and entry.default is entry.default_factory is dataclasses.MISSING:
                raise self.problem((*keys, name), "is missing")
        return kind(**{key: self.value(hints[key], table[key], (*keys, key)) for key in table})

    def value(self, kind: Any, value: Any, keys: _Keys) -> Any:
        kinds = [part for part in get_args(kind) if dataclasses.is_dataclass(part)]
        if get_origin(kind) is tuple and kinds:
            if not isinstance(value, list):
                raise self.problem(keys, f"expected a list of tables, got {value!r:.40}")
            return tuple(self.build(kinds[0], item, (*keys, n)) for n, item in enumerate(value))
        if get_origin(kind) is dict and kinds:
            if not isinstance(value, dict):
                raise self.problem(keys, f"expected a table of tables, got {value!r:.40}")
            return {key: self.build(kinds[0], item, (*keys, key)) for key, item in value.items()}
        if dataclasses.is_dataclass(kind) or kinds:
            return self.build(kinds[0] if kinds else kind, value, keys)
        try:
            return decode(value, kind)
        except (TypeError, ValueError, KeyError) as error:
            raise self.problem(keys, f"expected {_spoken(kind)}, got {value!r:.60}") from error

    def check(self, recipe: TrainingRecipe) -> None:
        """Check what types do not tell."""
        if (recipe.teacher is None) != (recipe.distillation is None):
            raise self.problem(("teacher",), "and [distillation] belong together: one is missing")
        courses = {"student": recipe.student, "teacher": recipe.teacher}
        for name, course in courses.items():
            if course is not None:
                self.check_course(course, (name,))
        for name, size in recipe.sizes.items():
            if size.rate < 0:
                raise self.problem(("sizes", name, "rate"), "must not be negative")
            if size.loss:
                self.check_terms(size.loss, recipe.student.patch, ("sizes", name))
        if recipe.distillation is not None:
            keys: _Keys = ("distillation",)
            self.check_terms(recipe.distillation.loss, recipe.student.patch, keys)
            if recipe.distillation.features and recipe.distillation.stored:
                raise self.problem(
                    (*keys, "stored"), "keeps pictures only: leave it out, or the features"
                )

    def check_course(self, course: Course, keys: _Keys) -> None:
        self.check_terms(course.loss, course.patch, keys)
        if not course.stages:
            raise self.problem((*keys, "stages"), "is empty")
        scales = set()
        for n, stage in enumerate(course.stages):
            here = (*keys, "stages", n)
            scales.add(self.scale(stage.degrade, (*here, "degrade")))
            if stage.steps < 1 or stage.rate < 0 or not 0 <= stage.prune < 1:
                raise self.problem(here, "expected steps above 0, rate >= 0 and prune in 0..1")
        if course.validate:
            scales.add(self.scale(course.validate, (*keys, "validate")))
        if len(scales) > 1:
            raise self.problem((*keys, "stages"), "all degradations must have the same scale")
        if course.patch < 16 or course.patch % (4 * max(scales)):
            raise self.problem((*keys, "patch"), f"expected a multiple of {4 * max(scales)}")
        if course.batch < 1:
            raise self.problem((*keys, "batch"), "expected 1 or more")
        for kind, share in course.moving.items():
            if kind not in KINDS or share < 0:
                raise self.problem(
                    (*keys, "moving", kind), f"expected shares, 0 or more, of {', '.join(KINDS)}"
                )
        if course.moving and not (sum(course.moving.values()) and course.stored):
            raise self.problem((*keys, "moving"), "needs a share above 0, and `stored` above 0")
        if not 0 <= course.ema < 1:
            raise self.problem((*keys, "ema"), "expected 0 <= ema < 1")
        if course.schedule.warmup and course.schedule.name in ("plateau", "one-cycle"):
            raise self.problem(
                (*keys, "schedule", "warmup"), f"is not for the schedule {course.schedule.name}"
            )

    def check_terms(self, loss: dict[str, float], patch: int, keys: _Keys) -> None:
        for name, weight in loss.items():
            if name not in TERMS:
                raise self.problem(
                    (*keys, "loss", name), f"is no loss: expected {', '.join(TERMS)}"
                )
            if weight < 0:
                raise self.problem((*keys, "loss", name), "must not be negative")
            if name == "ms_ssim" and patch < MS_SSIM_SIDE:
                raise self.problem(
                    (*keys, "loss", name), f"needs patches of {MS_SSIM_SIDE} pixels or more"
                )
        if not sum(loss.values()):
            raise self.problem((*keys, "loss"), "has no weight above 0")

    def scale(self, text: str, keys: _Keys) -> int:
        try:
            return parse(text).scale
        except UsageError as error:
            raise self.problem(keys, f"is no degradation: {error}") from error

    def problem(self, keys: _Keys, what: str) -> UsageError:
        name = ".".join(str(key) for key in keys if isinstance(key, str))
        return UsageError(f"{self.path.name}, line {self.line(keys)}: '{name}' {what}")

    def line(self, keys: _Keys) -> int:
        """Give the line of a key, or of the table that should hold it; 1 if there is none."""
        names = [key for key in keys if isinstance(key, str)]
        position = next((key for key in keys if isinstance(key, int)), None)
        table: list[str] = []
        seen: Counter[str] = Counter()
        best, depth = 1, 0
        for number, line in enumerate(self.text.splitlines(), 1):
            header = re.match(r"\s*\[\[?([\w.\-]+)\]", line)
            entry = re.match(r"\s*([\w\-]+)\s*=", line)
            if header:
                table = header[1].split(".")
                seen[header[1]] += 1
                if line.lstrip().startswith("[[") and position not in (None, seen[header[1]] - 1):
                    table = [""]  # one of the same name, but not the one in question
            here = table if header else [*table, entry[1]] if entry else []
            if here and here == names[: len(here)] and len(here) > depth:
                best, depth = number, len(here)
            inner = re.findall(r"[{,]\s*([\w\-]+)\s*=", line)  # of inline tables
            if depth == len(names) - 1 and names[-1] in inner:
                return number
        return best


@cache
def _spoken(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    names = {int: "a whole number", float: "a number", str: "a text"}
    if get_origin(kind) is dict:
        return "a table" if get_args(kind)[1] is Any else "a table of numbers"
    return names.get(kind, str(kind))
