"""All networks that scripts/train_on_card.py trains, on one device."""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from card_patches import DRAWS, Held, Source, Store, Supply, held_pairs, scored
from train_fleet import Student, fleet

from ovsharp.errors import TrainingError, UsageError
from ovsharp.files import append, staged
from ovsharp.training import Course, MovingFolders, tint
from ovsharp.training.distillation import material_of, precision_of
from ovsharp.training.journal import LOG, Report
from ovsharp.training.losses import Losses
from ovsharp.training.network import apply, build, start_from, unit
from ovsharp.training.schedule import optimizer_of, schedule_of
from ovsharp.training.validation import Score, Validation

FIRST = 48
"""Patches with which a training begins."""
EVERY = 60.0
"""Seconds between two validations."""
FILES, PART = 7, 12 * 2**20
"""Files of weights at most, and bytes of each: with the log eight, below 16 MiB each."""


class Trainee:
    """A network that is trained.

    Args:
        student: which, and with what it begins.
        course: how, in one stage.
        store: its patches.
        device: where.
    """

    def __init__(
        self, student: Student, course: Course, store: Store, device: torch.device
    ) -> None:
        self.student, self.course, self.store, self.device = student, course, store, device
        self.stage = course.stages[0]
        self.network = build(course)
        self.seen = start_from(self.network, student.begins) if student.begins else 0
        # torch's stubs lack this overload of Module.to.
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.losses = Losses(course.loss).to(device)
        self.optimizer = optimizer_of(course, self.stage, self.network.parameters())
        self.schedule = schedule_of(course.schedule, self.stage, self.optimizer)
        self._bf16 = precision_of() == "bf16-mixed"
        self.steps = 0
        self.counted = 0
        """Steps since it was last judged."""
        self.validation: Validation | None = None
        self.best: dict[str, Any] = {}
        """What is saved; empty before the first validation."""
        self._best = -2.0
        self._draws = torch.empty((course.batch, DRAWS + tint.DRAWS), device=device)
        self._sums = torch.zeros(len(self.losses.weights), device=device)
        self._scheduled = 0
        self._waits: tuple[Future[Score], dict[str, Any], Callable[[Score], Report]] | None = None
        self._gradients: Callable[[], object] | None = None

    @property
    def ready(self) -> bool:
        """Whether it can be trained."""
        return self.validation is not None and self.store.filled >= FIRST

    @property
    def waits(self) -> bool:
        """Whether its score is being computed."""
        return self._waits is not None

    @property
    def pixels(self) -> int:
        """How many its weights have seen."""
        return self.seen + self.steps * self.course.batch * self.course.patch**2

    def step(self, share: float) -> None:
        """Learn from one batch, at the rate of a share of the time."""
        if self._gradients is None:
            self._gradients = self._prepared()
        self._draws.uniform_()
        self._gradients()
        self.optimizer.step()
        self.steps += 1
        self.counted += 1
        while self._scheduled < int(share * self.stage.steps):
            self.schedule.step()
            self._scheduled += 1

    def _prepared(self) -> Callable[[], object]:
        if self.device.type != "cuda":
            return self._learn
        try:
            return captured(self._learn)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            print(f"{self.student.name} goes on without a graph: {reason}", flush=True)
            return self._learn
        finally:
            self._sums.zero_()

    def _learn(self) -> None:
        """Compute the gradients of a batch.

        This is what a graph captures. The optimizer is not in it: SOAP counts its steps and
        corrects its means in Python, and each new eigenbasis is a new tensor, so that a graph would
        repeat one step for ever. Its launches overlap with what the card does for other networks.
        """
        self.optimizer.zero_grad()
        batch = self.store.batch(self._draws[:, :DRAWS])
        frames, base, sharp = (unit(part) for part in (batch.damaged, batch.base, batch.sharp))
        if self.course.tint:
            frames, base, sharp = tint.tinted(self._draws[:, DRAWS:], frames, base, sharp)
        # A weight that was cast for one graph belongs to its memory: no other may take it.
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=self._bf16, cache_enabled=False
        ):
            picture = apply(self.network, frames, base)
        terms = torch.stack([*self.losses(picture.float(), sharp).values()])
        terms.sum().backward()  # type: ignore[no-untyped-call]
        if self.course.clip:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.course.clip)
        self._sums += terms.detach()

    def judge(self, pool: Executor, minutes: float) -> None:
        """Have the weights as they are scored, while the training goes on.

        Raises:
            TrainingError: the loss is no longer a number.
        """
        if self.validation is None:
            raise ValueError("a network is judged when its pairs are there")
        sums = self._sums.tolist()
        self._sums.zero_()
        if not all(map(math.isfinite, sums)):
            raise TrainingError(f"the loss of {self.student.name} is no number: take a lower rate")
        names, counted = self.losses.weights, max(1, self.counted)
        self.counted = 0
        self.network.eval()
        run = partial(apply, self.network)
        results = self.validation.results(run, self.device)
        live = self.validation.live_units(self.network, run, self.device)
        self.network.train()
        saved = {
            "recipe": self.student.recipe,
            "size": self.student.size,
            # Copies: on the processor, `cpu` alone would give what training goes on to change.
            "state_dict": {k: v.cpu().clone() for k, v in self.network.state_dict().items()},
            "pixels": self.pixels,
        }
        report = partial(
            Report,
            self.steps,
            1,
            self.optimizer.param_groups[0]["lr"],
            {name: value / counted for name, value in zip(names, sums, strict=True)},
            live=live,
            minutes=minutes,
            pixels=self.pixels,
        )
        future = pool.submit(scored, self.validation, results)
        self._waits = future, saved, lambda score: report(score=score, best=False)

    def settled(self, *, wait: bool = False) -> Report | None:
        """Give the report of the weights that were judged, once it is there; keep the best."""
        if self._waits is None or not (wait or self._waits[0].done()):
            return None
        future, saved, report = self._waits
        score, self._waits = future.result(), None
        better = score.ssim_out > self._best
        if better:
            self._best, self.best = score.ssim_out, saved
        return replace(report(score), best=better)


def captured(compute: Callable[[], object]) -> Callable[[], object]:
    """Record what is launched on the card, to be launched again all at once.

    Raises:
        RuntimeError: it cannot be recorded.
    """
    # Libraries choose and allocate on their first runs, which a graph cannot hold.
    # https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            compute()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        compute()
    return graph.replay


def plain_course(student: Student, batch: int) -> Course:
    """Give the course of a student, with so many times its patches a step.

    Raises:
        UsageError: it has what is for `ovsharp train` only.
    """
    course = student.course
    if (
        len(course.stages) > 1
        or course.stages[0].prune
        or course.ema
        or course.early_stop
        or course.schedule.name == "plateau"
    ):
        raise UsageError(
            f"{student.name} has several stages, prune, ema, early_stop or the schedule 'plateau': "
            f"train it with ovsharp train, or leave it out of --only"
        )
    return replace(course, batch=course.batch * batch)


class Card:
    """All trainings on one device.

    Args:
        kit: folder with photos, val, clips and screens.
        out: folder for weights and the log.
        only: names of networks; all that ship if empty.
        device: name of the device.
        minutes: until all end.
        limit: steps of each network at most; 0 for any.
        batch: times the recipe's patches a step.
        pool: of processes.
        workers: how many these are.

    Raises:
        UsageError: there is no such network, or its course is not for this.
        MediaError: a folder of the kit is missing or empty.
    """

    def __init__(
        self,
        kit: Path,
        out: Path,
        *,
        only: list[str],
        device: str,
        minutes: float,
        limit: int,
        batch: int,
        pool: Executor,
        workers: int,
    ) -> None:
        self.out, self.minutes, self.limit = out, minutes, limit
        self.pool, self.began = pool, time.monotonic()
        self.failed: dict[str, str] = {}
        """Networks that are no longer trained, and why."""
        # Of ten bits, SSIM's variances, which are differences of two squares, keep next to none.
        torch.backends.cudnn.allow_tf32 = False
        place = torch.device(device)
        folders = MovingFolders(kit / "clips", kit / "screens")
        stores: dict[Source, Store] = {}
        self.held: dict[Held, Future[Validation]] = {}
        self.trainees: list[tuple[Trainee, Held]] = []
        students = fleet(self.out, only)
        strange = {*only} - {student.name for student in students}
        if strange:
            raise UsageError(
                f"there is no network {', '.join(sorted(strange))}: expected some of "
                f"{', '.join(student.name for student in fleet(self.out, []))}"
            )
        for student in students:
            course = plain_course(student, batch)
            material = material_of(course, kit / "photos", kit / "val", folders)
            source, held = Source.of(course, material), Held.of(course, material)
            if held not in self.held:
                self.held[held] = pool.submit(held_pairs, held)
            if source not in stores:
                stores[source] = Store(source, place)
            trainee = Trainee(student, course, stores[source], place)
            self.trainees.append((trainee, held))
        self.supply = Supply(pool, stores.values(), 4 * workers)
        self.stores = [*stores.values()]
        self.parts = self._parts()

    def _parts(self) -> list[list[Trainee]]:
        """Say which networks share a file."""
        parts: list[list[Trainee]] = [[]]
        room = PART
        for trainee, _ in self.trainees:
            state = trainee.network.state_dict().values()
            size = sum(tensor.numel() * tensor.element_size() for tensor in state)
            if size > room and parts[-1]:
                parts.append([])
                room = PART
            parts[-1].append(trainee)
            room -= size
        if len(parts) > FILES:
            raise UsageError(f"so many networks need {len(parts)} files of {FILES}: name fewer")
        return parts

    @property
    def spent(self) -> float:
        """Minutes since the start."""
        return (time.monotonic() - self.began) / 60

    def train(self) -> None:
        """Train all until the time is over."""
        due = EVERY
        while (share := self.spent / self.minutes) < 1:
            self.supply.pump()
            busy = False
            for trainee, held in self.trainees:
                if trainee.validation is None and self.held[held].done():
                    trainee.validation = self.held[held].result()
                if not trainee.ready or self._ended(trainee):
                    continue
                busy = True
                if not trainee.steps:
                    trainee.judge(self.pool, self.spent)
                at = max(share, trainee.steps / self.limit) if self.limit else share
                trainee.step(at)
            if not busy:
                if all(self._ended(trainee) for trainee, _ in self.trainees):
                    break
                time.sleep(0.01)
            if self.spent * 60 >= due:
                due += EVERY
                self._judge()
            self._settle()
        self._settle(wait=True)
        self._judge()
        self._settle(wait=True)
        for trainee, _ in self.trainees:
            if not trainee.steps:
                name = trainee.student.name
                self.failed[name] = f"{name} had no patches before the time was over"

    def _ended(self, trainee: Trainee) -> bool:
        full = bool(self.limit) and trainee.steps >= self.limit
        return full or trainee.student.name in self.failed

    def _judge(self) -> None:
        for trainee, _ in self.trainees:
            name = trainee.student.name
            if name in self.failed or not trainee.counted or trainee.waits:
                continue
            try:
                trainee.judge(self.pool, self.spent)
            except TrainingError as error:  # the others go on
                self.failed[name] = str(error)

    def _settle(self, *, wait: bool = False) -> None:
        """Log what is scored; save when nothing is being scored any more."""
        rows = []
        for trainee, _ in self.trainees:
            report = trainee.settled(wait=wait)
            if report is None:
                continue
            row = {"name": trainee.student.name, **report.row()}
            rows.append(json.dumps(row))
            print(
                f"{row['name']:20} {row['minutes']:5.1f} min {row['step']:8,} steps "
                f"{row['pixels'] / 1e9:6.2f} Gpx {row['psnr_out']:6.3f} dB {row['ssim_out']:.4f}",
                flush=True,
            )
        if rows:
            append(self.out / LOG, "".join(f"{row}\n" for row in rows).encode())
        if rows and not any(trainee.waits for trainee, _ in self.trainees):
            self.save()

    def save(self) -> None:
        """Replace the files of weights, each whole."""
        for number, part in enumerate(self.parts, 1):
            content = io.BytesIO()
            torch.save({one.student.name: one.best for one in part if one.best}, content)
            with staged(self.out) as staging:
                (staging / f"part-{number}.pt").write_bytes(content.getbuffer())

    def summary(self) -> str:
        """Say what was done in all."""
        seconds = self.spent * 60
        steps = sum(trainee.steps for trainee, _ in self.trainees)
        pixels = sum(trainee.pixels - trainee.seen for trainee, _ in self.trainees)
        patches = sum(store.filled for store in self.stores)
        return (
            f"{len(self.trainees)} networks, {patches:,} patches of {len(self.stores)} damages, "
            f"{steps:,} steps, {pixels / 1e6 / seconds:.1f} million pixels a second"
        )
