"""What there is to do: every image or clip, damaged every way."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ovsharp import quality
from ovsharp.degrade import Recipe, Sending, parse
from ovsharp.errors import UsageError
from ovsharp.evaluation.cases import Case, find_cases, find_paired_cases
from ovsharp.evaluation.clips import Clip, find_clips
from ovsharp.evaluation.everyday import notes as everyday_notes
from ovsharp.evaluation.options import Options, Subject
from ovsharp.evaluation.results import Damage, Row
from ovsharp.evaluation.score_clip import plan_sendings, score_clip
from ovsharp.evaluation.score_image import score_image
from ovsharp.evaluation.vmaf import INSTALL, has_vmaf
from ovsharp.evaluation.work import Play, Work

PAIRS = "pairs"
"""What pairs are called in place of a degradation."""


@dataclass(frozen=True)
class _Task:
    name: str
    """Of the image or clip."""
    damage: Damage


@dataclass(frozen=True)
class ImageTask(_Task):
    """An image, damaged in one way."""

    case: Case
    recipe: Recipe | None

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Its files."""
        return tuple(path for path in (self.case.truth, self.case.damaged) if path)

    def moved(self, inputs: Mapping[Path, Path]) -> ImageTask:
        """Give the same with files in other places."""
        truth, damaged = self.case.truth, self.case.damaged
        damaged = inputs.get(damaged, damaged) if damaged else None
        return replace(
            self, case=replace(self.case, truth=inputs.get(truth, truth), damaged=damaged)
        )

    def score(self, work: Work, subjects: Sequence[Subject]) -> list[Row]:
        """Give a row for each method."""
        return score_image(work, subjects, self.case, self.damage, self.recipe)


@dataclass(frozen=True)
class ClipTask(_Task):
    """A clip, sent in one way."""

    clip: Clip
    sending: Sending

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Its file."""
        return (self.clip.path,)

    def moved(self, inputs: Mapping[Path, Path]) -> ClipTask:
        """Give the same with files in other places."""
        path = inputs.get(self.clip.path, self.clip.path)
        return replace(self, clip=replace(self.clip, path=path))

    def score(self, work: Work, subjects: Sequence[Subject]) -> list[Row]:
        """Give a row for each method."""
        return score_clip(work, subjects, self.clip, self.damage, self.sending)


Task = ImageTask | ClipTask
"""What is worked on at a time. It can be pickled."""


@dataclass(frozen=True)
class Plan:
    """All that there is to do."""

    damages: tuple[Damage, ...]
    tasks: tuple[Task, ...]
    jobs: int
    """How many tasks may run side by side."""
    kind: str = "images"
    notes: tuple[str, ...] = ()


def make_plan(options: Options, subjects: Sequence[Subject], play: Play | None = None) -> Plan:
    """Find what there is to do.

    Raises:
        UsageError: none or several of data, pairs and clips, or options that do not fit them.
        MediaError: no image or clip is there.
    """
    if sum(map(bool, (options.data, options.pairs, options.clips))) != 1:
        raise UsageError(
            "give either --data, a folder of sharp images, or --pairs, two folders, or --clips, "
            "sharp videos"
        )
    if options.clips:
        return _plan_clips(options, subjects, play)
    for name in ("sent", "rivals"):
        if getattr(options, name):
            raise UsageError(f"--{name} is for --clips; images are damaged by --degrade")
    damages, cases = plan_images(options, subjects)
    tasks = [
        ImageTask(case.name, damage, case, recipe) for damage, recipe in damages for case in cases
    ]
    return Plan(tuple(damage for damage, _ in damages), tuple(tasks), options.jobs)


def _plan_clips(options: Options, subjects: Sequence[Subject], play: Play | None) -> Plan:
    for given, name in (
        (options.degrade, "degrade"),
        (options.crop, "crop"),
        (options.text, "text"),
        (options.protocol != "colour", "protocol"),
    ):
        if given:
            raise UsageError(f"--{name} is for images; leave it out with --clips")
    if play is None:
        raise UsageError("to evaluate clips, hand in what plays them: play=ovsharp.apps.play")
    sendings = plan_sendings(options, subjects)
    tasks = [
        ClipTask(clip.name, damage, clip, sending)
        for damage, sending in sendings
        for clip in find_clips(options.clips, options.images)
    ]
    every = options.measure_every
    notes: tuple[str, ...] = (
        f"truth: {options.taken.text}; bitrates are those at 1280x720, and follow the pixels",
        "each clip was coded, decoded and sharpened as 'ovsharp video' does it; what was sent "
        "smaller is enlarged by bicubic first, but for models that enlarge",
        f"one frame out of {every} is measured; of flicker all{_vmaf_note(options.vmaf_every)}",
    )
    if options.rivals:
        notes = (*notes, *everyday_notes())
    # One at a time: a stream keeps its state in the sharpener, and the stages of one overlap.
    return Plan(tuple(damage for damage, _ in sendings), tuple(tasks), 1, "clips", notes)


def _vmaf_note(every: int) -> str:
    if not every:
        return ""
    if not has_vmaf():
        return f"; VMAF is left out: {INSTALL} brings it"
    return f"; of VMAF (v0.6.1) one out of {every}"


def plan_images(
    options: Options, subjects: Sequence[Subject]
) -> tuple[list[tuple[Damage, Recipe | None]], list[Case]]:
    """Find the images and the degradations.

    Raises:
        UsageError: pairs that are to be degraded or cropped, or a model or a degradation that
            nothing fits.
        MediaError: no image.
    """
    if options.text and not quality.can_read():
        raise UsageError(
            "--text needs the program 'tesseract', which is not installed; install it (Debian: "
            "tesseract-ocr) or leave --text out"
        )
    if options.pairs:
        if options.crop:
            raise UsageError("--crop makes no sense with --pairs: they are compared whole")
        if options.degrade:
            raise UsageError("--degrade makes no sense with --pairs: they are damaged already")
        cases = find_paired_cases(*options.pairs, options.images)
        return [(Damage(PAIRS, PAIRS, subjects[0].spec.scale), None)], cases
    texts = options.degrade or tuple(
        subject.spec.degradation
        or ("gla" if subject.spec.scale == 1 else f"down(scale={subject.spec.scale}, method=area)")
        for subject in subjects
    )
    named = [name_recipe(text) for text in dict.fromkeys(texts)]
    recipes = [recipe for _, recipe in named]
    names = [name for name, _ in named]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two degradations are called '{name}'; give each a name of its own")
    scales = {subject.spec.scale for subject in subjects}
    for recipe in recipes:
        if recipe.scale not in scales:
            raise UsageError(
                f"the degradation '{recipe.name}' shrinks frames by {recipe.scale}, and no model "
                f"enlarges them by that"
            )
    for subject in subjects:
        if subject.spec.scale not in {recipe.scale for recipe in recipes}:
            raise UsageError(
                f"{subject.name} enlarges frames by {subject.spec.scale}, and no degradation "
                f"shrinks them by that"
            )
    if options.data is None:
        raise UsageError("there is no folder of images")
    return [
        (Damage(name, recipe.text or "clean", recipe.scale), recipe) for name, recipe in named
    ], find_cases(options.data, options.images)


def name_recipe(text: str) -> tuple[str, Recipe]:
    """Read `NAME=RECIPE`, or a recipe that is its own name.

    Raises:
        UsageError: no such recipe.

    Example:
        >>> name, recipe = name_recipe("old jpeg=jpeg(quality=15)")
        >>> name, recipe.text
        ('old jpeg', 'jpeg(quality=15)')
        >>> name_recipe("jpeg(quality=15)")[0]
        'jpeg(quality=15)'
    """
    # In a recipe, the first = stands inside parentheses.
    match = re.fullmatch(r"([^=()\[\]+|]+)=(.*)", text.strip())
    recipe = parse(match[2] if match else text)
    return (match[1].strip() if match else recipe.name) or "clean", recipe
