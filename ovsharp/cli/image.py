"""`ovsharp image`: sharpen image files."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ovsharp.errors import MediaError, UsageError
from ovsharp.terminal import (
    STREAM,
    Streams,
    as_files,
    check_json,
    console,
    crew,
    options,
    write_json,
)

if TYPE_CHECKING:
    from ovsharp.apps import Choice, Outcome, StillsJob
    from ovsharp.cluster import Workers
    from ovsharp.media import Size
    from ovsharp.runtime import Sharpener

_NOTED = 5
"""Images named for each kind of note."""


@click.command()
@click.argument("inputs", metavar="IN...", nargs=-1, required=True)
@options.output(
    "Folder to write to, or a file name with an image ending for a single image; - is standard "
    "output."
)
@options.choice(
    click.option("--tile", type=click.IntRange(min=1), help="Side of the tiles of large images."),
    default="call, which chooses; where pictures grow, the upscaler that is nearest",
)
@click.option(
    "--scale",
    type=click.FloatRange(0, 16, min_open=True),
    help="Enlarge by this factor, e.g. 2 or 1.5.",
)
@click.option("--size", help="Final size: 1080p (the shorter side) or 1280x720.")
@click.option("--side-by-side", is_flag=True, help="Write before | after, in 8-bit colour.")
@click.option(
    "--reduce",
    is_flag=True,
    help="Drop alpha, 16-bit depth, profile and EXIF where the output format cannot hold them.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["png", "jpg", "webp", "tif", "bmp", "avif", "heic"]),
    help="Write this format. [default: that of the input]",
)
@click.option(
    "--encoder-quality",
    type=click.IntRange(1, 100),
    help="Of JPEG, WebP, AVIF and HEIC outputs. [default: that of a JPEG's input file; 95 "
    "from other formats]",
)
@options.long_job(
    figures="what was done to each image",
    split="a folder",
    resume="Leave out what an earlier run has finished.",
)
@click.option("--in-place", is_flag=True, help="Allow an output to replace its own input.")
def image(
    inputs: tuple[str, ...],
    output: Path,
    choice: Choice,
    scale: float | None,
    size: str | None,
    kind: str | None,
    json_file: Path | None,
    workers: int | None,
    cluster: str | None,
    resume: bool,
    overwrite: bool,
    in_place: bool,
    **flags: Any,
) -> None:
    """Sharpen image files, folders of images (with everything below) and globs; - is a stream.

    PNG, JPEG, WebP, TIFF, BMP, AVIF and HEIC. Outputs keep the names of their inputs, a folder's
    below OUT as they lie in the folder. Grey stays grey; alpha, colour
    profiles and EXIF are kept; pictures are turned upright. The model works on 8 bits: a 16-bit
    image gets its correction added to all 16 bits.

    --scale and --size take the shipped model that is nearest above what is asked for, and resample
    its output by Lanczos' filter; each line says so.

    --resume leaves out what is complete, was made with the same settings and from the same file:
    OUT/.ovsharp-image.jsonl records it, and every output is compared with its record.

    A line for each image says which model made it, or why the router left it untouched.

    An image that fails is listed with the reason at the end, the others are written; the exit
    code is then 1.
    """
    wanted = _wanted(scale, size)
    check_json(json_file, output)
    if crew.check_crew(workers, cluster) and STREAM in (*inputs, str(output)):
        raise UsageError("- is one image, and cannot be split; leave --workers and --cluster out")
    ending = None if kind is None else f".{kind}"
    with as_files(inputs, output, ending) as streams:
        output = streams.output
        jobs, failures = _plan(streams.inputs, output, in_place, ending)
        if not (overwrite or resume or streams.writes):
            _check_there(jobs)
        to_file = list(jobs.values()) == [output]
        _check_options(jobs, flags["encoder_quality"], resume and to_file)
        total = len(jobs) + len(failures)
        kept: dict[Path, Path] = {}
        outcomes: list[Outcome] = []
        ran: dict[str, str] = {}
        start = time.perf_counter()
        if jobs:
            from ovsharp.apps import StillsJob
            from ovsharp.media import Finished, identity

            with ExitStack() as stack:
                upscalers = stack.enter_context(choice.upscalers())
                members = crew.opened(stack, workers, cluster)
                progress = stack.enter_context(console.progress())
                factor = 1 if wanted is None or wanted.scale is None else wanted.scale
                names = upscalers.names() if wanted is not None else [upscalers.name(factor)]
                job = StillsJob(choice, tuple(names), wanted, **flags)
                settings = _settings(job, upscalers(factor))
                finished = None if to_file else Finished(output, settings)
                if resume and finished is not None:
                    checked = progress.track(jobs.items(), description="comparing")
                    left = {one: into for one, into in checked if not finished.has(one, into)}
                    kept = {source: jobs[source] for source in jobs if source not in left}
                    jobs = left
                sources = {source: identity(source) for source in jobs}
                working = (
                    job.run(jobs, upscalers)
                    if members is None
                    else _split(members, job, jobs, output.parent if to_file else output)
                )
                for outcome in progress.track(working, total=len(jobs), description="sharpening"):
                    outcomes.append(outcome)
                    if outcome.error is None and finished is not None:
                        finished.add(sources[outcome.source], outcome.target)
                    name = upscalers.name(outcome.factor)
                    if outcome.error is None and name not in ran:
                        ran[name] = _what_ran(upscalers(outcome.factor), outcome.size)
            places = {source: place for place, source in enumerate(jobs)}
            outcomes.sort(key=lambda one: places[one.source])
        if json_file is not None:
            write_json(json_file, _figures(outcomes, kept, failures))
        failures += [_failure(one) for one in outcomes if one.error is not None]
        seconds = time.perf_counter() - start
        _report(streams, list(ran.values()), total, len(kept), failures, outcomes, seconds)


def _wanted(scale: float | None, size: str | None) -> Size | None:
    from ovsharp.media import Size

    if scale is not None and size is not None:
        raise UsageError("--scale and --size both say how large an output is; give one of them")
    if scale is not None:
        return Size(scale=scale)
    return None if size is None else Size.parse(size)


def _check_options(jobs: Mapping[Path, Path], quality: int | None, resume_file: bool) -> None:
    from ovsharp.media import IMAGE_ENDINGS, format_of

    if resume_file:
        raise UsageError("--resume is for a folder of outputs: name one with -o")
    endings = {target.suffix.lower(): target for target in jobs.values()}
    forms = [format_of(target) for end, target in endings.items() if end in IMAGE_ENDINGS]
    lossy = [form for form in forms if form.lossy]
    if quality is not None and not lossy:
        raise UsageError(
            "--encoder-quality is for JPEG, WebP, AVIF and HEIC, and no output here is one"
        )


def _split(
    members: Workers, job: StillsJob, jobs: Mapping[Path, Path], output: Path
) -> Iterator[Outcome]:
    """Let others sharpen pictures; outcomes come in any order."""
    from ovsharp.apps import StillsBatch, sharpen_batch

    threads = job.choice.threads or members.threads
    job = replace(job, choice=replace(job.choice, threads=threads))
    here = job.origin()
    made = crew.in_batches(
        members,
        sharpen_batch,
        list(jobs.items()),
        lambda some: StillsBatch(here, some, threads, job, output),
    )
    for (source, target), outcome in made:
        yield replace(outcome, source=source, target=target)


def _settings(job: StillsJob, sharpener: Sharpener) -> str:
    """Name all that an output depends on besides its input: equal if and only if they are."""
    from hashlib import sha256

    from ovsharp.files import sha256 as hashed
    from ovsharp.runtime import model_files
    from ovsharp.version import __version__

    choice = job.choice
    files = [
        file for name in job.models for file in model_files(name, choice.precision, choice.quality)
    ]
    facts = (
        __version__,
        [hashed(file) for file in files],
        sharpener.execution.label,
        job.size,
        (
            choice.strength,
            choice.unsharp,
            choice.tile,
            job.side_by_side,
            job.reduce,
            job.encoder_quality,
        ),
    )
    return sha256(repr(facts).encode()).hexdigest()


def _plan(
    inputs: Sequence[str], output: Path, in_place: bool, ending: str | None
) -> tuple[dict[Path, Path], list[str]]:
    """Give source -> target of every image, and a line for every input that is none.

    Args:
        inputs: files, folders and globs.
        output: a folder, or a file.
        in_place: outputs may replace inputs.
        ending: of all outputs in a folder; None for that of each input.
    """
    from ovsharp.media import IMAGE_ENDINGS, find_images

    to_file = output.suffix.lower() in IMAGE_ENDINGS and not output.is_dir()
    if not output.is_dir() and output.suffix.lower() in _other_endings():
        raise UsageError(
            f"-o {output}: ovsharp does not write {output.suffix} files; end the name in "
            f"{', '.join(IMAGE_ENDINGS)}, or name a folder"
        )
    if to_file and ending is not None and output.suffix.lower() != ending:
        raise UsageError(f"-o {output} names another format than --format; leave one of them out")
    jobs: dict[Path, Path] = {}
    failures: list[str] = []
    for item in inputs:
        try:
            found = find_images([item])
        except MediaError as error:
            failures.append(str(error))
            continue
        folder = Path(item) if Path(item).is_dir() else None
        for source in found:
            if folder is not None and _is_output(source, folder, output):
                continue
            name = source.relative_to(folder) if folder is not None else Path(source.name)
            name = name if ending is None else name.with_suffix(ending)
            jobs[source] = output if to_file else output / name
    if to_file and len(jobs) > 1:
        raise UsageError(
            f"{len(jobs)} images cannot all become {output}; name a folder with -o to write to"
        )
    if not jobs and not failures:
        raise MediaError(f"the inputs hold no images besides earlier outputs in {output}")
    _check_targets(jobs, in_place)
    return jobs, failures


def _is_output(source: Path, folder: Path, output: Path) -> bool:
    """Whether an image was found in a folder only because earlier outputs lie below it."""
    root, below = folder.resolve(), output.resolve()
    return root in below.parents and below in source.resolve().parents


def _check_targets(jobs: Mapping[Path, Path], in_place: bool) -> None:
    sources = {source.resolve() for source in jobs}
    taken: dict[Path, Path] = {}
    for source, target in jobs.items():
        other = taken.setdefault(target, source)
        if other.resolve() != source.resolve():
            raise UsageError(
                f"{other} and {source} would both become {target}; give their common folder "
                f"instead of the single files, or run ovsharp once for each"
            )
        if target.resolve() in sources and not in_place:
            raise UsageError(
                f"{target} is an input and would be replaced by an output; choose another -o, or "
                f"allow it with --in-place"
            )


def _check_there(jobs: Mapping[Path, Path]) -> None:
    there = [target for source, target in jobs.items() if target.exists() and target != source]
    if there:
        more = f" and {len(there) - 1} more outputs exist" if there[1:] else " exists"
        raise UsageError(
            f"{there[0]}{more}; choose another -o, or allow it with --overwrite, or go on with "
            f"--resume"
        )


def _other_endings() -> frozenset[str]:
    """Endings of files that nobody means as the name of a folder."""
    from PIL import Image

    from ovsharp.media import IMAGE_ENDINGS, VIDEO_ENDINGS

    known = {*Image.registered_extensions(), *VIDEO_ENDINGS, ".heic", ".heif", ".jxl", ".svg"}
    return frozenset(known - set(IMAGE_ENDINGS))


def _what_ran(sharpener: Sharpener, size: tuple[int, int]) -> str:
    from ovsharp.terminal import executed

    spec, settings = sharpener.spec, sharpener.settings_for(*size)
    name = "models of a router" if len(sharpener.variants) > 1 else spec.name
    return (
        f"{name} on {', '.join(settings.execution_devices)} ({settings.device_name}), "
        f"storage {spec.storage}, {executed(spec, settings.execution)}"
    )


def _who_ran(outcomes: Iterable[Outcome]) -> list[str]:
    """Say which models a router has chosen."""
    made = Counter(one.made_by for one in outcomes if one.error is None and one.gains)
    names = ", ".join(f"{name} {count}" for name, count in made.most_common())
    return [f"chosen by what is wrong with each image: {names}"] if made else []


def _figures(
    outcomes: Sequence[Outcome], kept: Mapping[Path, Path], missing: Sequence[str]
) -> dict[str, Any]:
    """Give what was done to each image, for the report."""
    images = [
        {
            "input": str(one.source),
            "output": str(one.target),
            "height": one.size[0],
            "width": one.size[1],
            "made_by": one.made_by,
            "sharpened": one.sharpened,
            "why": one.why,
            "gains": {name: round(gain, 3) for name, gain in one.gains.items()},
            "resampled": one.resampled,
            "notes": list(one.notes),
        }
        for one in outcomes
        if one.error is None
    ]
    failed = [
        {"input": str(one.source), "error": _failure(one)}
        for one in outcomes
        if one.error is not None
    ]
    return {
        "images": images,
        "finished_before": [
            {"input": str(source), "output": str(target)} for source, target in kept.items()
        ],
        "failed": failed + [{"input": None, "error": error} for error in missing],
        "sharpened": sum(one.sharpened for one in outcomes if one.error is None),
        "untouched": sum(not one.sharpened for one in outcomes if one.error is None),
        "made_by": dict(Counter(one.made_by for one in outcomes if one.error is None)),
    }


def _failure(outcome: Outcome) -> str:
    source, error = outcome.source, outcome.error
    reason = str(error)
    if isinstance(error, MemoryError):
        reason = "not enough memory for an image of this size"
    elif isinstance(error, OSError):
        reason = f"{error.filename or source}: {error.strerror or error}"
    return reason if str(source) in reason else f"{source}: {reason}"


def _notes(outcomes: Sequence[Outcome]) -> list[str]:
    """Say what was converted or left out, and where."""
    where: dict[str, list[str]] = {}
    for outcome in outcomes:
        for note in outcome.notes if outcome.error is None else ():
            where.setdefault(note, []).append(outcome.source.name)
    return [
        f"note: {note}: {', '.join(names[:_NOTED])}"
        + (f" and {len(names) - _NOTED} more" if len(names) > _NOTED else "")
        for note, names in where.items()
    ]


def _done(outcome: Outcome) -> str:
    """Say what was done to an image."""
    why = f" ({outcome.why})" if outcome.why else ""
    resampled = f", {outcome.resampled}" if outcome.resampled else ""
    return f"{outcome.source}: {outcome.made_by}{why}{resampled}"


def _report(
    streams: Streams,
    ran: Sequence[str],
    total: int,
    kept: int,
    failures: list[str],
    outcomes: Sequence[Outcome],
    seconds: float,
) -> None:
    done = total - kept - len(failures)
    lines = [f"{kept} of {total} images were finished before"] if kept else []
    if done:
        lines += [
            *(_done(one) for one in outcomes if one.error is None),
            *ran,
            *_who_ran(outcomes),
            f"{done} of {total} images written to {streams.output} in {seconds:.1f} s: "
            f"{done / seconds:.2g} images per second, reading and writing included",
            *_notes(outcomes),
        ]
    if lines:
        text = streams.named("\n".join(lines))
        console.output(stderr=streams.writes).print(text, markup=False, soft_wrap=True)
    if failures:
        raise MediaError(f"{len(failures)} of {total} inputs failed\n  " + "\n  ".join(failures))
