"""Training recipes: TOML files that say everything that decides the weights.

::

    summary = "a student of a larger network"

    [student]
    architecture = "gla"
    loss = { l1 = 0.7 }
    stages = [{ degrade = "gla", steps = 20_000, rate = 1e-3 }]

    [teacher]                       # optional, with the next table
    architecture = "rrdbnet"
    loss = { l1 = 1.0 }
    stages = [{ degrade = "gla", steps = 40_000, rate = 1e-4 }]

    [distillation]
    loss = { mse = 0.3 }

What each table may hold are the fields of the classes below. Nothing here needs torch.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from ovsharp.errors import UsageError

TERMS = (
    "l1",
    "luma",
    "charbonnier",
    "mse",
    "ssim",
    "contrast",
    "ms_ssim",
    "gradient",
    "fft",
    "colour",
    "vgg16_relu2_2",
    "vgg19_relu3_1",
)
"""The loss terms, all of which are 0 for equal pictures; see `losses`."""

KINDS = ("clips", "screens", "stills")
"""What patches of `moving` are cut from."""

MS_SSIM_SIDE = 176
"""The smallest patch that five scales of an 11x11 window fit into, in pixels."""


@dataclass(frozen=True)
class Stage:
    """A part of a course: one degradation, one run of the schedule. Several are a curriculum."""

    degrade: str
    """A recipe of `ovsharp.degrade`, in its grammar."""
    steps: int
    rate: float
    """Learning rate at its highest. Plain ReLU stacks die at 1e-3 and more."""
    prune: float = 0.0
    """Share of the smallest convolution weights that are zero from the start of this stage on."""


@dataclass(frozen=True)
class Schedule:
    """How the learning rate goes within a stage."""

    name: Literal["constant", "cosine", "step", "plateau", "one-cycle"] = "cosine"
    warmup: int = 0
    """Steps in which the rate rises linearly from a hundredth; not with plateau and one-cycle."""
    factor: float = 0.5
    """What `step` and `plateau` multiply the rate by."""
    every: int = 10_000
    """Steps between two drops of `step`."""
    patience: int = 5
    """Validations without a better SSIM before `plateau` drops."""


@dataclass(frozen=True)
class Course:
    """How one network, student or teacher, is trained on sharp images and damaged ones."""

    architecture: str
    """A registered name; see `ovsharp.models`."""
    stages: tuple[Stage, ...]
    loss: dict[str, float]
    """Weights of the terms against the sharp image; names are those of `TERMS`."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """For the constructor of the network."""
    validate: str = ""
    """Degradation of the validation images; that of the last stage if empty."""
    patch: int = 128
    """Side of the sharp patches, in pixels."""
    batch: int = 8
    """Patches per step, over all devices."""
    optimizer: Literal["adam", "adamw", "soap"] = "adam"
    """`soap` learns the most per step; its rate is about four times that of `adam`."""
    weight_decay: float = 0.0
    clip: float = 0.0
    """Largest norm of the gradient; 0 for any."""
    schedule: Schedule = Schedule()
    ema: float = 0.0
    """Decay per step of the running mean of the weights, which then is what is validated and
    kept; 0 for none."""
    early_stop: int = 0
    """Validations without a better SSIM after which a stage ends; 0 for never."""
    seed: int = 1
    stored: int = 0
    """Number of different patches per stage, damaged once and kept on disk while the stage runs,
    6 bytes per pixel; 0 for new ones all the time. For damages by video codecs, which take longer
    than a step. Also the number of patches of `moving`."""
    moving: dict[str, float] = field(default_factory=dict)
    """Shares of patches from `clips`, `screens` and `stills` that pan, which are coded as clips;
    empty: all from photos. Needs `stored`."""
    tint: bool = False
    """Whether pictures and truth get the same random gain, offset and gamma: so that no tint, which
    every conversion of colours may bring, is learned."""

    @property
    def steps(self) -> int:
        """Of all stages."""
        return sum(stage.steps for stage in self.stages)

    @property
    def shares(self) -> tuple[float, float, float]:
        """Of clips, screens and stills."""
        clips, screens, stills = (self.moving.get(kind, 0.0) for kind in KINDS)
        return clips, screens, stills

    @property
    def validation(self) -> str:
        """The degradation of the validation images."""
        return self.validate or self.stages[-1].degrade

    def shortened(self, steps: int) -> Course:
        """Give the same course with so many steps in all; each stage keeps its share.

        Raises:
            UsageError: fewer steps than stages.
        """
        if steps < len(self.stages):
            raise UsageError(f"{steps} steps are too few for the {len(self.stages)} stages")
        ends = [0]
        for stage in self.stages:
            ends.append(ends[-1] + stage.steps)
        bounds = [round(end * steps / self.steps) for end in ends]
        counts = [max(1, high - low) for low, high in pairwise(bounds)]
        counts[counts.index(max(counts))] -= sum(counts) - steps
        stages = zip(self.stages, counts, strict=True)
        return dataclasses.replace(
            self, stages=tuple(dataclasses.replace(stage, steps=n) for stage, n in stages)
        )


@dataclass(frozen=True)
class FeaturePair:
    """A layer of the student that learns to resemble one of the teacher."""

    student: str
    """Name of the module, as `named_modules` gives it."""
    teacher: str
    weight: float
    loss: Literal["l1", "mse"] = "mse"


@dataclass(frozen=True)
class Distillation:
    """What the student learns from the teacher."""

    loss: dict[str, float]
    """Weights of the terms against the teacher's picture."""
    sees: Literal["input", "base", "half"] = "input"
    """What the teacher is given: the student's input, its bicubic enlargement, or its input at
    half the size (for teachers that double it again)."""
    features: tuple[FeaturePair, ...] = ()
    stored: int = 0
    """Number of different patches whose answers are kept on disk, 3 bytes per pixel; 0 for new
    patches, and a new answer, in every step. Saves time where the teacher is much the slower."""


@dataclass(frozen=True)
class Size:
    """What another size of a student changes in its course."""

    arguments: dict[str, Any] = field(default_factory=dict)
    """For the constructor of the network, in place of those of the same names."""
    rate: float = 0.0
    """Learning rate of all stages; 0 for their own."""
    loss: dict[str, float] = field(default_factory=dict)
    """Weights of the terms, in place of all of the course's; empty for its own."""


@dataclass(frozen=True)
class TrainingRecipe:
    """A student's course, and where it comes with a teacher, the teacher's.

    Example:
        >>> from ovsharp.training import load_recipe
        >>> recipe = load_recipe("gla")
        >>> recipe.student.architecture, recipe.teacher.architecture
        ('gla', 'rrdbnet')
        >>> recipe.student.loss, recipe.distillation.loss
        ({'l1': 0.7}, {'mse': 0.3})
    """

    name: str
    summary: str
    student: Course
    teacher: Course | None = None
    distillation: Distillation | None = None
    sizes: dict[str, Size] = field(default_factory=dict)
    """Other sizes of the student."""

    def sized(self, size: str) -> TrainingRecipe:
        """Give the recipe of another size.

        Raises:
            UsageError: it has no such size.
        """
        if size not in self.sizes:
            known = ", ".join(self.sizes) or "one size only"
            raise UsageError(f"recipe '{self.name}' has no size '{size}': expected {known}")
        changes = self.sizes[size]
        student = dataclasses.replace(
            self.student,
            arguments={**self.student.arguments, **changes.arguments},
            loss=changes.loss or self.student.loss,
            stages=tuple(
                dataclasses.replace(stage, rate=changes.rate or stage.rate)
                for stage in self.student.stages
            ),
        )
        return dataclasses.replace(self, name=f"{self.name}-{size}", student=student)

    def without(self, *terms: str) -> TrainingRecipe:
        """Give the recipe without some loss terms, of all its losses.

        Raises:
            UsageError: no loss has such a term, or one would be left empty.
        """
        losses = [part.loss for part in (self.student, self.teacher, self.distillation) if part]
        for term in terms:
            if not any(term in loss for loss in losses):
                raise UsageError(f"recipe '{self.name}' has no loss term '{term}'")
            for loss in losses:
                if set(loss) == {term}:
                    raise UsageError(f"'{term}' is the only term of a loss of '{self.name}'")

        def rest(part: Any) -> Any:
            loss = {key: value for key, value in part.loss.items() if key not in terms}
            return dataclasses.replace(part, loss=loss)

        return dataclasses.replace(
            self,
            student=rest(self.student),
            teacher=self.teacher and rest(self.teacher),
            distillation=self.distillation and rest(self.distillation),
        )

    @property
    def perceptual(self) -> list[str]:
        """The terms that need weights of VGG."""
        parts = (self.student, self.teacher, self.distillation)
        names = {name for part in parts if part for name, weight in part.loss.items() if weight}
        return sorted(name for name in names if name.startswith("vgg"))

    def alone(self) -> TrainingRecipe:
        """Give the recipe without its teacher."""
        return dataclasses.replace(self, teacher=None, distillation=None)
