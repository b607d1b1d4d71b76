"""Trains one network through the stages of its course, on Lightning Fabric."""

from __future__ import annotations

import dataclasses
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ovsharp.degrade import parse
from ovsharp.errors import TrainingError, UsageError
from ovsharp.files import kept_if_filled, staged
from ovsharp.models import DEGRADATION, PIXELS, collapse
from ovsharp.progress import Progress, silent
from ovsharp.training.feed import Feed, Material
from ovsharp.training.journal import Journal, Report
from ovsharp.training.losses import Losses
from ovsharp.training.network import apply, build, takes_base, unit
from ovsharp.training.patches import Batch
from ovsharp.training.pruning import Pruning
from ovsharp.training.recipe import Course, Stage
from ovsharp.training.schedule import optimizer_of, schedule_of
from ovsharp.training.teacher import FeatureLoss, Lessons, StoredAnswers, Teacher
from ovsharp.training.tint import DRAWS, tinted
from ovsharp.training.validation import Score

CHECKPOINT = "checkpoint.pth"
"""Everything that a run needs to go on."""
BEST = "best.pth"
"""The weights with the best validation SSIM so far, in their training form."""
WEIGHTS = "student.pth"
"""The finished weights, in their deployed form."""
BAD_BATCH = "bad-batch.pth"
"""The batch at which the loss was no longer a number."""

Deployed = Callable[[nn.Module], dict[str, torch.Tensor]]
"""Gives the weights that are shipped of a trained network."""


def collapsed(network: nn.Module) -> dict[str, torch.Tensor]:
    """Give the weights of a network with its branches collapsed."""
    return {key: value.cpu() for key, value in collapse(network)[0].state_dict().items()}


@dataclass(frozen=True)
class Fitted:
    """A finished course."""

    weights: Path
    score: Score
    """Of the best weights, on the validation images."""
    skipped: dict[Path, str]
    """Images that could not be used, and why."""


@dataclass
class _State:
    """What of a run changes, beside the weights."""

    step: int = 0
    stale: int = 0
    """Validations since the best one of this stage."""
    best: dict[str, float] = field(default_factory=dict)
    """The best score, as a dictionary; empty before the first validation."""
    sums: dict[str, float] = field(default_factory=dict)
    """Of each term since the last report."""
    counted: int = 0
    seen: int = 0
    """Pixels that the weights were trained on before this run."""


def fit(
    course: Course,
    material: Material,
    folder: Path,
    fabric: Fabric,
    *,
    lessons: Lessons | None = None,
    network: nn.Module | None = None,
    seen: int | None = None,
    deployed: Deployed = collapsed,
    resume: bool = False,
    vgg: Path | None = None,
    every: int = 500,
    name: str = "student",
    progress: Progress = silent,
    report: Callable[[Report], None] = silent,
) -> Fitted:
    """Train a network, or go on where an interrupted run stopped.

    Args:
        course: what to train and how.
        material: images.
        folder: for the checkpoint, the log and the weights.
        fabric: launched; says on which devices and in which precision.
        lessons: a teacher; its terms are added to those of the course.
        network: what is trained; what the course builds if left out.
        seen: pixels that it was trained on before, if its weights were: what they are worth on the
            validation images is the first report, of step 0. None if they are drawn.
        deployed: gives the weights to ship from the trained network.
        resume: whether `folder` may hold an unfinished run, which then goes on.
        vgg: weights for perceptual terms.
        every: steps between two validations, each of which writes a checkpoint.
        name: what `progress` is told.
        progress: told of every step.
        report: told of every validation.

    Raises:
        TrainingError: no usable image, or a loss that is no number: the batch is kept in a file.
        UsageError: weights, layers or a checkpoint that do not fit the course.
        MediaError: an image that cannot be read.
    """
    with _one_opencv_thread():
        run = _Run(
            course,
            material,
            folder,
            fabric,
            network=network if network is not None else build(course),
            deployed=deployed,
            lessons=lessons,
            vgg=vgg,
            every=every,
            name=name,
        )
        run.begins, run.state.seen = seen is not None, seen or 0
        if resume and (folder / CHECKPOINT).exists():
            run.load()
        with kept_if_filled(folder):
            run.train(lambda done, total: progress(name, done, total), report)
        return Fitted(folder / WEIGHTS, Score(**run.state.best), run.feed.skipped)


@contextmanager
def _one_opencv_thread() -> Iterator[None]:
    # Workers are forked: one that is born without OpenCV's threads would wait for them forever.
    # https://github.com/opencv/opencv/issues/5150
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


class _Run:
    def __init__(
        self,
        course: Course,
        material: Material,
        folder: Path,
        fabric: Fabric,
        *,
        network: nn.Module,
        deployed: Deployed,
        lessons: Lessons | None,
        vgg: Path | None,
        every: int,
        name: str,
    ) -> None:
        self.name, self.begins = name, False
        self.network, self.deployed = network, deployed
        self.course, self.folder, self.fabric, self.every = course, folder, fabric, every
        if course.batch % fabric.world_size:
            raise UsageError(
                f"a batch of {course.batch} cannot be shared by {fabric.world_size} devices"
            )
        # torch's stubs lack this overload of Module.to.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.feed = Feed(course, material, folder, fabric, lessons.plan.stored if lessons else 0)
        self.losses = Losses(course.loss, vgg=vgg).to(fabric.device)
        self.lessons = lessons
        self.features: Any = None
        self.answers: StoredAnswers | None = None
        self.teacher_losses: Losses | None = None
        self.network.to(fabric.device)
        if lessons is None:
            self._try(self.network, name)
        else:
            self._listen(lessons, vgg)
        self.module: Any = fabric.setup_module(self.network)
        self.average = None
        if course.ema:
            average = get_ema_multi_avg_fn(course.ema)  # type: ignore[no-untyped-call]
            self.average = AveragedModel(self.network, multi_avg_fn=average, use_buffers=True)
        identity = [dataclasses.asdict(course), lessons and dataclasses.asdict(lessons.plan)]
        self.identity = json.dumps([identity, material.digest], sort_keys=True)
        self.state = _State()
        self.optimizer: Any = None
        self.schedule: Any = None
        self._saved: dict[str, Any] = {}
        self._journal: Journal | None = None
        self._started = time.monotonic()

    def _listen(self, lessons: Lessons, vgg: Path | None) -> None:
        plan, teacher = lessons.plan, lessons.teacher.to(self.fabric.device)
        self.teacher_losses = Losses(plan.loss, vgg=vgg).to(self.fabric.device)
        if plan.stored:
            path = self.folder / "answers.npy"
            self.answers = StoredAnswers(path, plan.stored, self.course.patch)

        def run() -> None:
            self._try(self.network, self.name)
            self._try(teacher, "teacher")

        if plan.features:
            features = FeatureLoss(plan.features, self.network, teacher.network, run)
            self.features = self.fabric.setup_module(features)
        else:
            run()

    @torch.no_grad()
    def _try(self, network: nn.Module, name: str) -> None:
        """Show whether sizes fit, before anything is trained."""
        side = self.course.patch
        small = side // parse(self.course.validation).scale
        frame, base = (torch.zeros(1, 3, n, n, device=self.fabric.device) for n in (small, side))
        picture = apply(network, frame, base)
        if picture.shape != base.shape:
            raise UsageError(
                f"the {name} turns patches of {small}x{small} pixels into "
                f"{picture.shape[3]}x{picture.shape[2]}, expected {side}x{side}: check its scale "
                f"against that of the degradation"
            )

    def train(self, progress: Callable[[int, int], None], report: Callable[[Report], None]) -> None:
        """Go through the stages that are left."""
        if self.fabric.is_global_zero:
            self._journal = Journal(self.folder, self.state.step)
        total, end = self.course.steps, 0
        for number, stage in enumerate(self.course.stages, 1):
            start, end = end, end + stage.steps
            if self.state.step >= end:
                continue
            pruning = self._enter(stage)
            if self.begins and not self.state.step:
                self._tell(self._report(number, *self._score(), best=False), report)
            for batch in self.feed.batches(stage, first=self.state.step - start, number=number):
                self._learn(batch, pruning)
                progress(self.state.step, total)
                if self.state.step % self.every and self.state.step != end:
                    continue
                self._tell(self._validate(number), report)
                if self.course.early_stop and self.state.stale >= self.course.early_stop:
                    self.state.step = end
                if self.state.step == end:
                    self.state.stale = 0
                    self.optimizer = self.schedule = None
                self.save()
                if self.state.step == end:
                    break
        self._finish()

    def _tell(self, latest: Report, report: Callable[[Report], None]) -> None:
        if self._journal is not None:  # in the first process only
            self._journal.write(latest)
            report(latest)

    def _enter(self, stage: Stage) -> Pruning:
        parameters = [*self.network.parameters()]
        if self.features is not None:
            parameters += self.features.parameters()
        self.optimizer = self.fabric.setup_optimizers(optimizer_of(self.course, stage, parameters))
        self.schedule = schedule_of(self.course.schedule, stage, self.optimizer.optimizer)
        if self._saved:
            self.optimizer.load_state_dict(self._saved["optimizer"])
            self.schedule.load_state_dict(self._saved["schedule"])
            self._saved = {}
        return Pruning(self.network, stage.prune)

    def _learn(self, batch: Batch, pruning: Pruning) -> None:
        self.module.train()
        frames, base, sharp = (unit(part) for part in (batch.damaged, batch.base, batch.sharp))
        if self.course.tint:
            drawn = torch.Generator().manual_seed(self.course.seed * 1_000_003 + self.state.step)
            draws = torch.rand(len(frames), DRAWS, generator=drawn).to(self.fabric.device)
            frames, base, sharp = tinted(draws, frames, base, sharp)
        pictures = (frames, base) if takes_base(self.network) else (frames,)
        picture = self.module(*pictures).float()
        terms = self.losses(picture, sharp)
        if self.lessons is not None and self.teacher_losses is not None:
            answer = self._answer(self.lessons.teacher, batch, frames, base)
            taught = self.teacher_losses(picture, answer)
            terms |= {f"teacher {name}": term for name, term in taught.items()}
        if self.features is not None:
            terms |= self.features()
        loss = torch.stack([*terms.values()]).sum()
        if not torch.isfinite(loss):
            raise self._broken(batch, terms)
        self.fabric.backward(loss)
        if self.course.clip:
            self.fabric.clip_gradients(self.module, self.optimizer, max_norm=self.course.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        pruning.apply()
        if self.average is not None:
            self.average.update_parameters(self.network)
        if not isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step()
        for name, term in terms.items():
            self.state.sums[name] = self.state.sums.get(name, 0.0) + term.item()
        self.state.counted += 1
        self.state.step += 1

    def _answer(
        self, teacher: Teacher, batch: Batch, frames: torch.Tensor, base: torch.Tensor
    ) -> torch.Tensor:
        def ask() -> torch.Tensor:
            with self.fabric.autocast():
                answer: torch.Tensor = teacher(frames, base)
            return answer.float()

        return self.answers(batch, ask) if self.answers is not None else ask()

    def _broken(self, batch: Batch, terms: dict[str, torch.Tensor]) -> TrainingError:
        with staged(self.folder) as staging:
            torch.save(batch._asdict(), staging / BAD_BATCH)
        values = ", ".join(f"{name} {term.item():.3g}" for name, term in terms.items())
        return TrainingError(
            f"the loss is no number at step {self.state.step + 1} ({values}); the batch is kept in "
            f"{self.folder / BAD_BATCH}; take a lower rate, or clip the gradient"
        )

    def _score(self) -> tuple[Score, float]:
        """Score the weights that are kept, and give their share of live units."""
        network = self.kept
        was_training = network.training
        network.eval()
        device = self.fabric.device
        run = partial(apply, network)
        score = self.feed.validation(run, device)
        live = self.feed.validation.live_units(network, run, device)
        network.train(was_training)
        return score, live

    def _validate(self, stage: int) -> Report:
        score, live = self._score()
        best = score.ssim_out > self.state.best.get("ssim_out", -2.0)
        self.state.stale = 0 if best else self.state.stale + 1
        if best:
            self.state.best = dataclasses.asdict(score)
            self._write(BEST, {"state_dict": self.kept.state_dict(), PIXELS: self.pixels})
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(score.ssim_out)
        return self._report(stage, score, live, best=best)

    def _report(self, stage: int, score: Score, live: float, *, best: bool) -> Report:
        losses = {}
        for name, value in self.state.sums.items():
            mean: Any = self.fabric.all_reduce(torch.tensor(value / self.state.counted))
            losses[name] = float(mean)
        self.state.sums, self.state.counted = {}, 0
        return Report(
            step=self.state.step,
            stage=stage,
            rate=self.optimizer.param_groups[0]["lr"],
            losses=losses,
            score=score,
            live=live,
            best=best,
            minutes=(time.monotonic() - self._started) / 60,
            pixels=self.pixels,
        )

    @property
    def pixels(self) -> int:
        """On how many the weights were trained, of sharp patches, with repetitions."""
        return self.state.seen + self.state.step * self.course.batch * self.course.patch**2

    @property
    def kept(self) -> nn.Module:
        """The network whose weights are validated and kept: the running mean if there is one."""
        return self.network if self.average is None else self.average.module

    def save(self) -> None:
        """Replace the checkpoint; the old one survives a full disk or a kill."""
        within = self.optimizer is not None
        state = {
            "identity": self.identity,
            "state": dataclasses.asdict(self.state),
            "network": self.network.state_dict(),
            "average": self.average.state_dict() if self.average is not None else None,
            "features": self.features.state_dict() if self.features is not None else None,
            "optimizer": self.optimizer.state_dict() if within else None,
            "schedule": self.schedule.state_dict() if within else None,
        }
        self._write(CHECKPOINT, state)

    def load(self) -> None:
        """Go back to what `save` wrote.

        Raises:
            UsageError: it is of another recipe or other images.
        """
        path = self.folder / CHECKPOINT
        saved = torch.load(path, map_location=self.fabric.device, weights_only=True)
        if saved.get("identity") != self.identity:
            raise UsageError(
                f"{path} was written by another recipe, with other steps or for other images; "
                f"resume it with what it was started with, or choose another folder"
            )
        self.state = _State(**saved["state"])
        self.network.load_state_dict(saved["network"])
        if self.average is not None:
            self.average.load_state_dict(saved["average"])
        if self.features is not None:
            self.features.load_state_dict(saved["features"])
        self._saved = saved if saved["optimizer"] is not None else {}

    def _finish(self) -> None:
        best = torch.load(self.folder / BEST, map_location=self.fabric.device, weights_only=True)
        self.network.load_state_dict(best["state_dict"])
        weights = self.deployed(self.network.eval())
        # What it undoes travels with it: `convert` and `quantize` need not be told.
        degrade = self.course.stages[-1].degrade
        self._write(WEIGHTS, {"state_dict": weights, DEGRADATION: degrade, PIXELS: self.pixels})
        self.feed.forget()

    def _write(self, name: str, state: dict[str, Any]) -> None:
        if self.fabric.is_global_zero:
            # Given a path, torch's own writer says of a full disk that it crashed.
            content = io.BytesIO()
            torch.save(state, content)
            with staged(self.folder) as staging:
                (staging / name).write_bytes(content.getbuffer())
        self.fabric.barrier()
