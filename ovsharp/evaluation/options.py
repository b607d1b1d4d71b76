"""What to evaluate, and the models that are open for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal

from ovsharp.errors import UsageError
from ovsharp.evaluation.clips import Taken
from ovsharp.evaluation.results import BICUBIC, INPUT
from ovsharp.files import sha256
from ovsharp.runtime import VIDEO_LOOK_EVERY, Quality, Sharpener, model_files, origin
from ovsharp.spec import ModelSpec

Protocol = Literal["colour", "luma"]


@dataclass(frozen=True)
class Options:
    """What to evaluate: one of `data`, `pairs` and `clips`."""

    models: tuple[str, ...]
    data: Path | None = None
    pairs: tuple[Path, Path] | None = None
    """Folders of damaged and of true images, in place of `data`."""
    degrade: tuple[str, ...] = ()
    """Recipes; empty: what the models were trained to undo."""
    images: int | None = None
    crop: int = 0
    jobs: int = 1
    device: str = "CPU"
    precision: str | None = None
    qualities: tuple[Quality, ...] = ()
    """Sizes of the models, each a row of its own; empty for the models as they are named."""
    unsharp: float = 0.0
    """Amount of the unsharp mask behind all models."""
    protocol: Protocol = "colour"
    """`luma` measures as papers on super-resolution do: without a border of as many pixels as the
    scale on each side, and Y is what is shown."""
    text: bool = False
    """Measure the legibility of text, with Tesseract."""
    clips: tuple[Path, ...] = ()
    """Videos and folders of videos, in place of `data`."""
    sent: tuple[str, ...] = ()
    """How clips are sent; empty: as `SENDINGS` names it."""
    taken: Taken = field(default_factory=Taken)
    """How much of a clip is its truth."""
    measure_every: int = 3
    """Frames of a clip of which one is measured."""
    vmaf_every: int = 30
    """Frames of a clip of which one gets a VMAF, which is slow; 0 for none."""
    rivals: bool = False
    """Measure what people use today on clips, too: see `everyday`."""

    def origin(self) -> str:
        """Name everything on this machine that figures depend on, besides the options."""
        return "; ".join(
            origin(self.models, self.device, self.precision, quality, coding=bool(self.clips))
            for quality in self.qualities or (None,)
        )


@dataclass(frozen=True)
class Subject:
    """A model that is open."""

    name: str
    digest: str
    sharpener: Sharpener

    @property
    def spec(self) -> ModelSpec:
        """Of the model."""
        return self.sharpener.spec


@contextmanager
def open_subjects(options: Options, threads: int | None = None) -> Iterator[list[Subject]]:
    """Open the models, and close them in the end.

    Args:
        options: which, and how they run.
        threads: see `Sharpener`.

    Raises:
        UsageError: two models of the same name, or none.
        ModelLoadError: there is no such model.
    """
    if not options.models:
        raise UsageError("there is no model to evaluate; name one or more with --model")
    with ExitStack() as stack:
        subjects: list[Subject] = []
        for model, quality in product(options.models, options.qualities or (None,)):
            sharpener = stack.enter_context(
                Sharpener(
                    model,
                    device=options.device,
                    precision=options.precision,
                    quality=quality,
                    unsharp=options.unsharp,
                    threads=threads,
                    # Each photo is judged by itself, a clip as `ovsharp video` judges it.
                    look_every=VIDEO_LOOK_EVERY if options.clips else 1,
                )
            )
            name = Path(model).stem if model.endswith(".xml") else model
            name = name if quality is None else f"{name} {quality}"
            if name in [INPUT, BICUBIC, *(subject.name for subject in subjects)]:
                raise UsageError(f"the name {name} is taken; give every model a name of its own")
            digest = "".join(map(sha256, model_files(model, options.precision, quality)))
            way = f"{sharpener.execution.label} {options.unsharp:g}"
            subjects.append(Subject(name, digest + way, sharpener))
        yield subjects
