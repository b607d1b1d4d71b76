"""The evaluation itself: every image, degraded every way, by every method."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np

from ovsharp import quality
from ovsharp.degrade import Recipe, Sending, parse
from ovsharp.errors import InferenceError, MediaError, UsageError
from ovsharp.evaluation.cases import Case, find_cases, find_paired_cases
from ovsharp.evaluation.clips import Clip, find_clips
from ovsharp.evaluation.everyday import notes as everyday_notes
from ovsharp.evaluation.options import Options, Subject, open_subjects
from ovsharp.evaluation.results import (
    BICUBIC,
    INPUT,
    Damage,
    Evaluation,
    Method,
    Row,
    Skipped,
)
from ovsharp.evaluation.score_clip import Play, plan_sendings, score_clip
from ovsharp.evaluation.statistics import compare_pairs, group_rows
from ovsharp.evaluation.vmaf import INSTALL, has_vmaf
from ovsharp.records import MALFORMED, decode
from ovsharp.reports import Size
from ovsharp.runtime import Frame, check_origin, upscale
from ovsharp.version import __version__

LATENCY_SIZE = "720p"
"""Output size at which frames are timed."""
ROWS = "rows.jsonl"
"""Finished rows, in the output folder."""
PAIRS = "pairs"
"""What pairs are called in place of a degradation."""
_TIMED = 9
_FORMULAS = 2
"""Counted up when a measure changes, so that old rows are not taken for new ones."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ImageTask:
    """An image, damaged in one way."""

    case: Case
    damage: Damage
    recipe: Recipe | None

    @property
    def name(self) -> str:
        """Of the image."""
        return self.case.name

    def score(
        self,
        options: Options,
        subjects: Sequence[Subject],
        known: Mapping[str, Row],
        play: Play | None,  # noqa: ARG002 - as of a clip
    ) -> list[Row]:
        """Give a row for each method."""
        return _score(options, subjects, self.case, self.damage, self.recipe, known)


@dataclass(frozen=True)
class ClipTask:
    """A clip, sent in one way."""

    clip: Clip
    damage: Damage
    sending: Sending

    @property
    def name(self) -> str:
        """Of the clip."""
        return self.clip.name

    def score(
        self,
        options: Options,
        subjects: Sequence[Subject],
        known: Mapping[str, Row],
        play: Play | None,
    ) -> list[Row]:
        """Give a row for each method."""
        if play is None:
            raise UsageError("to evaluate clips, hand in what plays them: play=ovsharp.apps.play")
        return score_clip(options, subjects, self.clip, self.damage, self.sending, play, known)


Task = ImageTask | ClipTask
"""What is worked on at a time. It can be pickled."""


@dataclass(frozen=True)
class TaskBatch:
    """Some tasks, for any process or machine."""

    options: Options
    origin: str
    """`Options.origin` of where the work is split."""
    threads: int
    known: Mapping[str, Row]
    play: Play | None
    tasks: tuple[tuple[int, Task], ...]
    """Each with its number."""


Share = Callable[
    [
        Callable[[TaskBatch], Sequence[list[Row] | str]],
        Sequence[tuple[int, Task]],
        Callable[[tuple[tuple[int, Task], ...]], TaskBatch],
    ],
    Iterator[tuple[tuple[int, Task], list[Row] | str]],
]
"""Does a function for tasks, in batches that the last argument makes, somewhere else."""


@dataclass(frozen=True)
class Plan:
    """All that there is to do."""

    damages: tuple[Damage, ...]
    tasks: tuple[Task, ...]
    jobs: int
    """How many tasks may run side by side."""
    kind: str = "images"
    notes: tuple[str, ...] = ()


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
    known = _read_rows(folder / ROWS) if resume else {}
    if share is None:
        working = _outcomes(plan, options, subjects, known, play)
    else:
        working = _shared(plan, options, known, play, share, threads)
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
    damages, cases = plan(options, subjects)
    tasks = [ImageTask(case, damage, recipe) for damage, recipe in damages for case in cases]
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
        ClipTask(clip, damage, sending)
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


def plan(
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


def shown(frame: Frame, scale: int) -> dict[str, Frame]:
    """Give the input at the size of the truth: pixels repeated, and enlarged by bicubic.

    At scale 1 both are the frame itself.
    """
    if scale == 1:
        return {INPUT: frame, BICUBIC: frame}
    return {
        INPUT: frame.repeat(scale, axis=0).repeat(scale, axis=1),
        BICUBIC: upscale(frame, scale),
    }


def _run(
    plan: Plan,
    known: Mapping[str, Row],
    working: Iterator[tuple[int, list[Row] | str]],
    file: Path,
    progress: Progress,
) -> tuple[list[Row], list[Skipped]]:
    done: dict[int, list[Row]] = {}
    skipped: dict[int, Skipped] = {}
    with _filled(file), file.open("a" if known else "w", encoding="utf-8") as log:
        for count, (number, outcome) in enumerate(working, 1):
            if isinstance(outcome, str):
                skipped[number] = Skipped(plan.tasks[number].name, outcome)
            else:
                done[number] = outcome
            for row in done.get(number, []):
                if row.key not in known:
                    log.write(json.dumps(dataclasses.asdict(row)) + "\n")
            log.flush()
            progress(count, len(plan.tasks))
    return [row for number in sorted(done) for row in done[number]], [
        skipped[number] for number in sorted(skipped)
    ]


@contextmanager
def _filled(file: Path) -> Iterator[None]:
    """Take the file away again if nothing was written to it."""
    try:
        yield
    finally:
        if file.exists() and not file.stat().st_size:
            file.unlink()


def _outcome(
    task: Task,
    options: Options,
    subjects: Sequence[Subject],
    known: Mapping[str, Row],
    play: Play | None,
) -> list[Row] | str:
    """Give a task's rows, or why it was left out."""
    try:
        return task.score(options, subjects, known, play)
    except (MediaError, InferenceError, OSError) as error:
        return str(error)


def _outcomes(
    plan: Plan,
    options: Options,
    subjects: Sequence[Subject],
    known: Mapping[str, Row],
    play: Play | None,
) -> Iterator[tuple[int, list[Row] | str]]:
    """Give each task's number and outcome as they come."""
    work = partial(_outcome, options=options, subjects=subjects, known=known, play=play)
    if plan.jobs == 1:  # in this thread, where Ctrl-C arrives
        yield from ((number, work(task)) for number, task in enumerate(plan.tasks))
        return
    pool = ThreadPoolExecutor(plan.jobs, thread_name_prefix="eval")
    try:
        futures = {pool.submit(work, task): number for number, task in enumerate(plan.tasks)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _shared(
    plan: Plan,
    options: Options,
    known: Mapping[str, Row],
    play: Play | None,
    share: Share,
    threads: int,
) -> Iterator[tuple[int, list[Row] | str]]:
    """Let others work on the tasks."""
    here = options.origin()

    def batch_of(tasks: tuple[tuple[int, Task], ...]) -> TaskBatch:
        names = {task.name for _, task in tasks}
        rows = {key: row for key, row in known.items() if row.image in names}
        return TaskBatch(options, here, threads, rows, play, tasks)

    for (number, _), outcome in share(score_batch, list(enumerate(plan.tasks)), batch_of):
        yield number, outcome


def score_batch(batch: TaskBatch) -> tuple[list[Row] | str, ...]:
    """Give the outcome of each task of a batch, in order; the same wherever it is done.

    Raises:
        UsageError: on this machine, the pixels would not be those of where the work is split.
        OvsharpError: a model cannot run at all.
    """
    options = batch.options
    check_origin(batch.origin, options.origin())
    cv2.setNumThreads(batch.threads)
    subjects = _subjects(options, batch.threads)
    return tuple(
        _outcome(task, options, subjects, batch.known, batch.play) for _, task in batch.tasks
    )


_open = ExitStack()


@lru_cache(maxsize=1)
def _subjects(options: Options, threads: int) -> list[Subject]:
    """Give the models of this process: open from batch to batch."""
    _open.close()
    return _open.enter_context(open_subjects(options, threads))


def _score(
    options: Options,
    subjects: Sequence[Subject],
    case: Case,
    damage: Damage,
    recipe: Recipe | None,
    known: Mapping[str, Row],
) -> list[Row]:
    chosen = (options.crop, options.text, options.protocol)
    about = (_FORMULAS, case.digest(), case.name, damage.recipe, *chosen)

    def key(method: str) -> str:
        return hashlib.sha256(repr((*about, method)).encode()).hexdigest()[:24]

    fitting = [subject for subject in subjects if subject.spec.scale == damage.scale]
    if recipe is None:
        fitting = list(subjects)
    keys = {INPUT: key(INPUT), BICUBIC: key(BICUBIC)}
    keys.update((subject.name, key(subject.digest)) for subject in fitting)
    if all(each in known for each in keys.values()):
        return [
            dataclasses.replace(
                known[each], method=name, category=case.category, degradation=damage.name
            )
            for name, each in keys.items()
        ]
    frame, truth = case.load(recipe, options.crop)
    scale = truth.shape[0] // frame.shape[0]
    wrong = [subject.name for subject in fitting if subject.spec.scale != scale]
    if wrong:
        raise MediaError(f"{case.name} asks for scale {scale}, which {', '.join(wrong)} has not")
    outputs = shown(frame, scale)
    before = outputs[BICUBIC]
    words = quality.read_text(truth) if options.text else ""
    rows: list[Row] = []
    for name, each in keys.items():
        if each in known:
            measures = known[each].measures
        elif name == BICUBIC and scale == 1:
            measures = rows[0].measures
        else:
            subject = next((subject for subject in fitting if subject.name == name), None)
            output = subject.sharpener(frame) if subject else outputs[name]
            border = scale if options.protocol == "luma" else 0
            measures = measure(output, truth, before, words, border)
        height, width = truth.shape[:2]
        rows.append(Row(each, case.name, case.category, damage.name, name, width, height, measures))
    return rows


def measure(
    image: Frame, truth: Frame, before: Frame, words: str = "", border: int = 0
) -> dict[str, float | None]:
    """Take all measures of one image.

    Args:
        image: uint8 H x W x 3 BGR.
        truth: of the same shape.
        before: the bicubic input, of the same shape.
        words: what Tesseract reads in the truth; empty leaves the legibility out.
        border: pixels on each side that are not looked at.
    """
    image, truth, before = (inside(picture, border) for picture in (image, truth, before))
    cap = quality.PSNR_CAP
    large = min(image.shape[:2]) >= quality.MS_SSIM_SIDE
    return {
        "ssim": quality.ssim(image, truth),
        "ms_ssim": quality.ms_ssim(image, truth) if large else None,
        "psnr": quality.capped_psnr(image, truth),
        "psnr_y": min(cap, quality.psnr_y(image, truth)),
        "ssim_y": quality.ssim_y(image, truth),
        "edge_truth": quality.edge_ratio(image, truth),
        "edge_input": quality.edge_ratio(image, before),
        "overshoot": quality.overshoot(image, truth),
        "colour_shift": quality.colour_shift(image, truth),
        "blockiness": quality.blockiness(image),
        "text_error": quality.text_error(image, words) if words else None,
    }


def inside(picture: Frame, border: int) -> Frame:
    """Give a picture without so many pixels on each side."""
    height, width = picture.shape[:2]
    return np.ascontiguousarray(picture[border : height - border, border : width - border])


def _read_rows(file: Path) -> dict[str, Row]:
    """Read finished rows; the last line may have been cut off where a run was interrupted."""
    rows: dict[str, Row] = {}
    if not file.is_file():
        return rows
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            row: Row = decode(json.loads(line), Row)
        except MALFORMED as error:
            if number == len(lines):
                break
            raise UsageError(
                f"line {number} of {file} is no finished row; run without --resume"
            ) from error
        rows[row.key] = row
    # Whole lines only, so that new ones can be appended.
    text = "".join(json.dumps(dataclasses.asdict(row)) + "\n" for row in rows.values())
    file.write_text(text, encoding="utf-8")
    return rows


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
