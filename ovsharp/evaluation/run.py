"""The evaluation itself: every image, degraded every way, by every method."""

from __future__ import annotations

import datetime
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from ovsharp.engine import upscale
from ovsharp.errors import MediaError
from ovsharp.evaluation.options import Options, Subject
from ovsharp.evaluation.plan import Plan, make_plan
from ovsharp.evaluation.results import BICUBIC, INPUT, Evaluation, Method, Row
from ovsharp.evaluation.rows import ROWS, line_of, read_rows
from ovsharp.evaluation.sharing import Share, outcomes, shared
from ovsharp.evaluation.statistics import compare_pairs, group_rows
from ovsharp.evaluation.work import Play, Work
from ovsharp.files import append
from ovsharp.records import Skipped
from ovsharp.reports import Size
from ovsharp.version import __version__

LATENCY_SIZE = "720p"
"""Output size at which frames are timed."""
_TIMED = 9

Progress = Callable[[int, int], None]


def evaluate(
    options: Options,
    subjects: Sequence[Subject],
    folder: Path,
    *,
    resume: bool,
    progress: Progress,
    play: Play | None = None,
    share: Share | None = None,
    threads: int = 1,
) -> Evaluation:
    """Score every image or clip by every method.

    Finished rows are appended to `rows.jsonl` in the folder as they come.

    Args:
        options: what to do.
        subjects: the models, open.
        folder: exists.
        resume: take rows from `rows.jsonl` whose image, degradation, model and options are
            unchanged; otherwise start anew.
        progress: told how many images are done, and how many there are, by degradation.
        play: what runs clips; needed for them alone, and a function of a module where work is
            shared.
        share: who does the work; None for this process.
        threads: for each of those.

    Raises:
        UsageError: options that make no sense together.
        MediaError: no image is there, or none can be used.
    """
    plan = make_plan(options, subjects, play)
    known = read_rows(folder / ROWS) if resume else {}
    work = Work(options, known, play)
    if share is None:
        working = outcomes(plan, work, subjects)
    else:
        working = shared(plan, work, share, threads)
    rows, skipped = _run(plan, known, working, folder / ROWS, progress)
    if not rows:
        count = len({task.name for task in plan.tasks})
        raise MediaError(
            f"none of the {count} {plan.kind} can be used; the first one: {skipped[0].reason}"
        )
    names = {INPUT, *(subject.name for subject in subjects)}
    return Evaluation(
        date=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        version=__version__,
        device_name=subjects[0].sharpener.settings_for(64, 64).device_name
        if subjects[0].spec.size is None
        else options.device,
        data=" and ".join(
            map(str, [options.data] if options.data else options.pairs or options.clips)
        ),
        crop=options.crop,
        latency_size=LATENCY_SIZE,
        methods=_methods(subjects, timed=plan.kind == "images"),
        degradations=plan.damages,
        categories=tuple(sorted({row.category for row in rows})),
        rows=tuple(rows),
        skipped=tuple(skipped),
        groups=group_rows(rows),
        pairs=compare_pairs([row for row in rows if row.method in names]),
        kind=plan.kind,
        notes=plan.notes,
        protocol=options.protocol,
    )


def _run(
    plan: Plan,
    known: Mapping[str, Row],
    working: Iterator[tuple[int, list[Row] | str]],
    file: Path,
    progress: Progress,
) -> tuple[list[Row], list[Skipped]]:
    done: dict[int, list[Row]] = {}
    skipped: dict[int, Skipped] = {}
    if not known:
        file.unlink(missing_ok=True)
    for count, (number, outcome) in enumerate(working, 1):
        if isinstance(outcome, str):
            skipped[number] = Skipped(plan.tasks[number].name, outcome)
        else:
            done[number] = outcome
        fresh = [row for row in done.get(number, []) if row.key not in known]
        if fresh:
            append(file, "".join(map(line_of, fresh)).encode())
        progress(count, len(plan.tasks))
    return [row for number in sorted(done) for row in done[number]], [
        skipped[number] for number in sorted(skipped)
    ]


def _methods(subjects: Sequence[Subject], *, timed: bool) -> tuple[Method, ...]:
    times = _time(subjects) if timed else {}
    scale = max(subject.spec.scale for subject in subjects)
    return (
        Method(INPUT, 1, "-", "-", 0, 0.0),
        Method(BICUBIC, scale, "-", "-", 0, times.get(BICUBIC, 0.0)),
        *(
            Method(
                subject.name,
                subject.spec.scale,
                subject.spec.storage,
                subject.sharpener.execution.label,
                subject.spec.parameters,
                times.get(subject.name, 0.0),
            )
            for subject in subjects
        ),
    )


def _time(subjects: Sequence[Subject]) -> dict[str, float]:
    """Time single frames, the methods in turns, with nothing else running."""
    size = Size.parse(LATENCY_SIZE)
    rng = np.random.default_rng(0)
    calls: dict[str, Callable[[], object]] = {}
    scale = max(subject.spec.scale for subject in subjects)
    small = rng.integers(0, 256, (size.height // scale, size.width // scale, 3), np.uint8)
    if scale > 1:
        calls[BICUBIC] = lambda: upscale(small, scale)
    for subject in subjects:
        shape = subject.spec.size or size.frame(subject.spec)
        frame = rng.integers(0, 256, (*shape, 3), np.uint8)
        calls[subject.name] = partial(subject.sharpener, frame)
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(_TIMED + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if turn:  # the first one compiles
                times[name].append((time.perf_counter() - start) * 1e3)
    return {name: statistics.median(each) for name, each in times.items()}
