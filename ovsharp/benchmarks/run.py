"""One run of the benchmark, from models to a report."""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, get_args

from ovsharp.benchmarks.eager import load_eager
from ovsharp.benchmarks.judging import Judged, judge
from ovsharp.benchmarks.rivals import find_rivals
from ovsharp.benchmarks.samples import Sample, choose_samples
from ovsharp.benchmarks.subjects import EagerSubject, OpenVinoSubject, Ready, Subject
from ovsharp.benchmarks.textbook import convert_textbook
from ovsharp.benchmarks.variants import (
    EAGER,
    Candidate,
    find_candidates,
    find_variants,
    usual_variants,
)
from ovsharp.benchmarks.verdict import recommend, with_speedups
from ovsharp.degrade import parse
from ovsharp.engine import Mode, check_device, get_core, max_isa
from ovsharp.errors import InferenceError, UsageError
from ovsharp.files import scratch
from ovsharp.guards import Guard, unguarded
from ovsharp.measuring import (
    MAX_PHOTOS,
    Album,
    PhotoSet,
    ProcessKilledError,
    Quality,
    Report,
    Row,
    Speed,
    Startup,
    Timing,
    Workload,
    check_photos,
    environment,
    frames_of_size,
    measure,
    open_album,
    photos_for,
)
from ovsharp.reports import Size
from ovsharp.runtime import shipped_models
from ovsharp.version import __version__

MODES: tuple[Mode, ...] = get_args(Mode)
CALLS_PER_MODE = 2
"""The model alone, and frames end to end."""


class Progress(Protocol):
    """Where a run says how far it is."""

    def plan(self, total: float) -> None:
        """Announce the units of work, about seconds."""

    def step(self, text: str) -> None:
        """Say what comes next."""

    def advance(self, amount: float) -> None:
        """Count units as done."""


MEGABYTES = 2400
"""Of memory for what is compiled at a time: with all else, below 4 GB."""
ROW_MEGABYTES = 400
"""Of a row at 1080p."""


@dataclass(frozen=True)
class Options:
    """What to measure.

    Raises:
        UsageError: values that make no sense.
    """

    models: tuple[str, ...] = ()
    """See `variants.find_candidates`; empty for the default model."""
    device: str = "CPU"
    data: Path | None = None
    """Folder of photos; None for those that scikit-image brings."""
    degrade: str | None = None
    """Recipe for sharp photos; None for the model's own."""
    images: int = MAX_PHOTOS
    sizes: tuple[str, ...] = ("480p", "720p", "1080p")
    precisions: tuple[str, ...] = ()
    """Executions to keep; empty for all."""
    modes: tuple[Mode, ...] = MODES
    seconds: float = 4.0
    """Timed seconds for each row and size, over all modes."""
    threads: int | None = None
    peers: Path | None = None
    """Folder of rivals to measure beside the models; see `rivals.find_rivals`."""
    textbook: bool = False
    """Whether to measure the textbook conversion of the models, too."""

    @property
    def is_match(self) -> bool:
        """Whether models are measured against others, not their own storages and precisions."""
        return self.peers is not None or self.textbook

    def __post_init__(self) -> None:
        counts = {"seconds": self.seconds, "images": self.images, "threads": self.threads}
        for name, count in counts.items():
            if count is not None and count <= 0:
                raise UsageError(f"{name} must be above 0, got {count:g}")
        if not self.sizes:
            raise UsageError("no size to measure: expected some, such as --sizes 720p,1080p")


def parse_modes(texts: Sequence[str]) -> tuple[Mode, ...]:
    """Check the names of modes.

    Raises:
        UsageError: an unknown one, or none.
    """
    known = [mode for mode in MODES if mode in texts]
    if not known or len(known) < len(set(texts)):
        raise UsageError(f"unknown mode '{','.join(texts)}': expected {' or '.join(MODES)} or both")
    return tuple(known)


def run_benchmark(
    options: Options, progress: Progress, guard: Guard = unguarded
) -> tuple[Report, list[Sample]]:
    """Measure everything that the options name.

    Args:
        options: what to measure.
        progress: told of every step.
        guard: how files of models are read and converted.

    Returns:
        The report, and crops of some photos to look at.

    Raises:
        UsageError, DeviceError: options that make no sense here.
        ModelLoadError, UnsupportedModelError, ConversionError: a model that cannot be run.
        InferenceError: a model that cannot be compiled for a size.
        MediaError: no usable photo.
    """
    options = dataclasses.replace(options, device=_concrete_device(options.device))
    sizes = sorted(
        {Size.parse(text) for text in options.sizes}, key=lambda size: size.height * size.width
    )
    load_before = environment.load()
    with scratch() as folder:
        album = open_album(options.data, limit=options.images)
        candidates, left_out = _candidates(options, album, folder, progress, guard)
        subjects, notes = _subjects(candidates, options)
        notes += left_out
        if max_isa():
            subjects, crashed = _without_crashes(subjects, sizes[0], progress)
            notes += crashed
        progress.plan(len(subjects) * (1 + len(sizes) * (1 + options.seconds)))
        judged, chosen = _judge(candidates, subjects, album, options, progress)
        speeds: dict[str, list[Speed]] = {subject.key: [] for subject in subjects}
        for size in sizes:
            fitting = [subject for subject in subjects if size.fits(subject.candidate.spec)]
            others = [subject.candidate.name for subject in subjects if subject not in fitting]
            notes += [
                f"{name} is not measured at {size.name}: it takes frames of one size only"
                for name in dict.fromkeys(others)
            ]
            if (count := len(groups_of(fitting, size))) > 1:
                notes.append(
                    f"the rows of {size.name} were measured in {count} groups, for want of memory: "
                    f"ratios are in turns within a group only"
                )
            for key, speed in _measure_size(fitting, size, album, options, progress).items():
                speeds[key].append(speed)
    rows = tuple(
        _row(
            subject,
            judged[subject.candidate.name].qualities[subject.key],
            speeds[subject.key],
        )
        for subject in subjects
    )
    report = Report(
        version=__version__,
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        device=options.device,
        device_name=str(get_core().get_property(options.device, "FULL_DEVICE_NAME")).strip(),
        options={
            **dataclasses.asdict(options),
            "data": str(options.data or ""),
            "peers": str(options.peers or ""),
        },
        environment=environment.describe(load_before),
        photos=tuple(chosen),
        sizes=tuple(size.name for size in sizes),
        rows=with_speedups(rows),
        recommendations=(),
        notes=tuple(notes),
    )
    if not options.is_match:
        report = dataclasses.replace(report, recommendations=recommend(report))
    # Through JSON once: what is printed is what is written, and lists are lists.
    report = Report.from_json(report.to_json())
    return report, choose_samples(report, {name: one.cuts for name, one in judged.items()})


def _candidates(
    options: Options, album: Album, scratch: Path, progress: Progress, guard: Guard
) -> tuple[list[Candidate], list[str]]:
    """Give one's own models, their textbook conversions and the rivals, and who was left out."""
    # Against rivals the whole family steps up, unless some are named.
    models = options.models or (tuple(shipped_models()) if options.peers else ())
    candidates = find_candidates(models, scratch, guard)
    own, notes = list(candidates), []
    if options.textbook:
        for candidate in own:
            progress.step(f"{candidate.name}: textbook conversion")
            photos, _ = photos_for(candidate.spec, album, options.degrade)
            made = convert_textbook(candidate, photos, scratch / "textbook" / candidate.name)
            if isinstance(made, str):
                notes.append(made)
            else:
                candidates.append(made)
    if options.peers is not None:
        progress.step("converting rivals")
        scale = None if options.degrade is None else parse(options.degrade).scale
        rivals, left_out = find_rivals(options.peers, own, scratch / "rivals", scale, guard)
        candidates += rivals
        notes += left_out
    return candidates, notes


def _concrete_device(device: str) -> str:
    name = check_device(device)
    if name.startswith("AUTO"):
        raise UsageError(
            "AUTO may change the device while it runs; name the one to measure, such as CPU"
        )
    return name


def _subjects(candidates: Sequence[Candidate], options: Options) -> tuple[list[Subject], list[str]]:
    """Give the rows of the matrix, PyTorch's first, and why some are not there."""
    usual = options.is_match and not options.precisions
    variants = (
        usual_variants(candidates, options.device)
        if usual
        else find_variants(candidates, options.device, options.precisions)
    )
    subjects: list[Subject] = []
    missing: dict[str, list[str]] = {}
    for candidate in candidates:
        wants_eager = candidate.role == "own" and not usual and not options.precisions
        if wants_eager or EAGER in options.precisions:
            eager = load_eager(candidate, options.threads)
            if isinstance(eager, str):
                missing.setdefault(eager, []).append(candidate.name)
            else:
                subjects.append(EagerSubject(candidate, eager))
        subjects += [
            OpenVinoSubject(variant, options.device, options.threads)
            for variant in variants
            if variant.candidate is candidate
        ]
    notes = [f"no PyTorch row of {', '.join(names)}: {why}" for why, names in missing.items()]
    if not subjects:
        raise UsageError(f"nothing to measure: {'; '.join(notes)}")
    return subjects, notes


def _without_crashes(
    subjects: Sequence[Subject], size: Size, progress: Progress
) -> tuple[list[Subject], list[str]]:
    """Leave out rows that end their process; oneDNN has instruction sets that it is rarely run on.

    A segmentation fault cannot be caught: each row is tried in a process of its own first.

    Raises:
        InferenceError: no row is left.
    """
    kept, notes = [], []
    for subject in subjects:
        progress.step(f"{subject.key}: tried in a process of its own")
        try:
            if size.fits(subject.candidate.spec):
                subject.startup(size)
        except ProcessKilledError as error:
            notes.append(f"no row {subject.key}: {error}")
        else:
            kept.append(subject)
    if all(isinstance(subject, EagerSubject) for subject in kept):
        raise InferenceError(f"nothing to measure: {'; '.join(notes)}")
    return kept, notes


def _judge(
    candidates: Sequence[Candidate],
    subjects: Sequence[Subject],
    album: Album,
    options: Options,
    progress: Progress,
) -> tuple[dict[str, Judged], list[PhotoSet]]:
    """Judge one model after the other on its photos, which go before the next one's are made."""
    for candidate in candidates:  # a mistake is told before the minutes of running
        check_photos(candidate.spec, album, options.degrade)
    judged, chosen = {}, []
    for candidate in candidates:
        photos, described = photos_for(candidate.spec, album, options.degrade)
        rows = [subject for subject in subjects if subject.candidate is candidate]

        def done(key: str) -> None:
            progress.step(f"{key}: photos")
            progress.advance(1)

        judged[candidate.name] = judge(rows, photos, done)
        chosen.append(described)
    return judged, chosen


def _measure_size(
    subjects: Sequence[Subject], size: Size, album: Album, options: Options, progress: Progress
) -> dict[str, Speed]:
    startups = {}
    for subject in subjects:
        progress.step(f"{subject.key}: fresh start at {size.name}")
        startups[subject.key] = subject.startup(size)
        progress.advance(1)
    timings: dict[str, dict[str, Timing]] = {subject.key: {} for subject in subjects}
    settings: dict[str, dict[str, Any]] = {subject.key: {} for subject in subjects}
    for mode in options.modes:
        progress.step(f"{size.name}, {mode}: {len(subjects)} rows in turns")
        for group in groups_of(subjects, size):
            measured = _measure_mode(group, size, mode, album, options, progress)
            for key, (own, ran) in measured.items():
                timings[key] |= own
                settings[key][mode] = ran
    return {
        subject.key: _speed(
            size, subject, startups[subject.key], timings[subject.key], settings[subject.key]
        )
        for subject in subjects
    }


def groups_of(subjects: Sequence[Subject], size: Size) -> list[list[Subject]]:
    """Split rows so that those of a group are compiled side by side within `MEGABYTES`."""
    row = ROW_MEGABYTES * size.height * size.width / (1080 * 1920)
    count = max(1, min(len(subjects), math.ceil(len(subjects) * row / MEGABYTES)))
    return [list(subjects[at::count]) for at in range(count)]


def _measure_mode(
    subjects: Sequence[Subject],
    size: Size,
    mode: Mode,
    album: Album,
    options: Options,
    progress: Progress,
) -> dict[str, tuple[dict[str, Timing], Mapping[str, Any]]]:
    """Time all rows in one mode side by side; what was compiled is gone when this returns.

    Returns:
        By row: timings by their field of `Speed`, and the settings that were read back.
    """
    seconds = options.seconds / len(options.modes) / CALLS_PER_MODE
    with ExitStack() as stack:
        ready: dict[str, Ready] = {}
        for subject in subjects:
            frames = frames_of_size(album, *size.frame(subject.candidate.spec))
            own = stack.enter_context(subject.ready(size, mode, frames, seconds))
            if own is not None:
                ready[subject.key] = own
        timings = measure(
            [
                Workload(f"{key}/{field}", call, own.burst)
                for key, own in ready.items()
                for field, call in own.calls.items()
            ],
            seconds=seconds,
            advance=progress.advance,
        )
    return {
        key: ({field: timings[f"{key}/{field}"] for field in own.calls}, own.settings)
        for key, own in ready.items()
    }


def _speed(
    size: Size,
    subject: Subject,
    startup: Startup | None,
    timings: Mapping[str, Timing],
    settings: dict[str, Any],
) -> Speed:
    spec = subject.candidate.spec
    height, width = size.frame(spec)
    return Speed(
        size=size.name,
        height=height * spec.scale,
        width=width * spec.scale,
        startup=startup,
        model_sync=timings.get("model_sync"),
        model_async=timings.get("model_async"),
        frame_sync=timings.get("frame_sync"),
        frame_stream=timings.get("frame_stream"),
        settings=settings,
    )


def _row(subject: Subject, quality: Quality, speeds: Sequence[Speed]) -> Row:
    spec = subject.candidate.spec
    return Row(
        model=subject.candidate.name,
        storage=subject.storage,
        execution=subject.execution,
        scale=spec.scale,
        parameters=spec.parameters,
        megabytes=subject.megabytes,
        quality=quality,
        speeds=tuple(speeds),
        role=subject.candidate.role,
    )
