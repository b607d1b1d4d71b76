"""`ovsharp image`: sharpen image files."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ovsharp.cli import console
from ovsharp.errors import InferenceError, MediaError, UsageError

if TYPE_CHECKING:
    from ovsharp.media import Frame
    from ovsharp.runtime import Sharpener


@click.command()
@click.argument("inputs", metavar="IN...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder to write to, or a file name with an image ending for a single image.",
)
@click.option("--model", metavar="NAME|FILE", help="Shipped model or .xml file.")
@click.option("--device", default="CPU", show_default=True, help="As `ovsharp devices` lists them.")
@click.option("--precision", help="Execution precision, e.g. f32 or bf16. [default: the fastest]")
@click.option(
    "--strength",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="0 leaves the picture as it is, 1 is the model's full effect.",
)
@click.option("--tile", type=click.IntRange(min=1), help="Side of the tiles of large images.")
@click.option("--side-by-side", is_flag=True, help="Write before | after, in 8-bit colour.")
@click.option(
    "--reduce",
    is_flag=True,
    help="Drop alpha and 16-bit depth where the output format cannot hold them.",
)
@click.option("--in-place", is_flag=True, help="Allow an output to replace its own input.")
def image(
    inputs: tuple[str, ...],
    output: Path,
    model: str | None,
    device: str,
    precision: str | None,
    strength: float,
    tile: int | None,
    side_by_side: bool,
    reduce: bool,
    in_place: bool,
) -> None:
    """Sharpen image files, folders of images (with everything below) and globs.

    PNG, JPEG, WebP, TIFF and BMP. Outputs keep the names of their inputs, a folder's below OUT as
    they lie in the folder, and replace existing files. Grey stays grey, alpha is kept, 16-bit
    images get the 8-bit correction of the model added to all of their bits. Pictures are turned
    upright; metadata and colour profiles are not copied.

    An image that fails is listed with the reason at the end, the others are written; the exit
    code is then 1.
    """
    jobs, failures = _plan(inputs, output, in_place)
    total, ran = len(jobs) + len(failures), ""
    start = time.perf_counter()
    if jobs:
        from ovsharp import media
        from ovsharp.runtime import Sharpener

        sharpener = Sharpener(
            model, device=device, precision=precision, strength=strength, tile=tile
        )
        with sharpener, console.progress() as progress:
            for source, target in progress.track(jobs.items(), description="sharpening"):
                try:
                    picture = media.read_picture(source)
                    sharp = sharpener(picture.frame)
                    if side_by_side:
                        media.write_picture(target, media.side_by_side(picture.frame, sharp))
                    else:
                        media.write_picture(target, sharp, picture, reduce=reduce)
                    ran = _what_ran(sharpener, picture.frame)
                except (MediaError, InferenceError, OSError) as error:
                    failures.append(_failure(source, error))
                except MemoryError:
                    failures.append(f"{source}: not enough memory for an image of this size")
    _report(ran, output, total, failures, time.perf_counter() - start)


def _plan(
    inputs: Sequence[str], output: Path, in_place: bool
) -> tuple[dict[Path, Path], list[str]]:
    """Give source -> target of every image, and a line for every input that is none."""
    from ovsharp.media import IMAGE_ENDINGS, find_images

    to_file = output.suffix.lower() in IMAGE_ENDINGS and not output.is_dir()
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


def _what_ran(sharpener: Sharpener, frame: Frame) -> str:
    spec, settings = sharpener.spec, sharpener.settings_for(*frame.shape[:2])
    return (
        f"{spec.name} on {', '.join(settings.execution_devices)} ({settings.device_name}), "
        f"storage {spec.storage}, execution {settings.execution}"
    )


def _failure(source: Path, error: MediaError | InferenceError | OSError) -> str:
    reason = str(error)
    if isinstance(error, OSError):
        reason = f"{error.filename or source}: {error.strerror or error}"
    return reason if str(source) in reason else f"{source}: {reason}"


def _report(ran: str, output: Path, total: int, failures: list[str], seconds: float) -> None:
    done = total - len(failures)
    if done:
        out = console.output()
        lines = (
            ran,
            f"{done} of {total} images written to {output} in {seconds:.1f} s: "
            f"{done / seconds:.2g} images per second, reading and writing included",
        )
        out.print("\n".join(lines), markup=False, soft_wrap=True)
    if failures:
        raise MediaError(f"{len(failures)} of {total} inputs failed\n  " + "\n  ".join(failures))
