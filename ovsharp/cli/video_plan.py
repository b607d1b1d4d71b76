"""Which videos become which files, and which options do not go together."""

from __future__ import annotations

import glob
import sys
from pathlib import Path
from typing import Any

import click

from ovsharp.errors import MediaError, UsageError

STANDARD = Path("-")
"""Standard input as a source, standard output as a target."""
_NAMED = 10
"""Files that are named one by one, where they are passed over."""


def plan(inputs: tuple[str, ...], output: Path, codec: str | None) -> dict[Path, Path]:
    """Give source -> target.

    Raises:
        UsageError: targets that cannot be, or a source that would be overwritten.
        MediaError: there is no such file, no video in a folder, or a URL.
    """
    from ovsharp.media import CONTAINERS, VIDEO_ENDINGS, Numbered, numbered_in, refuse_url

    found: dict[Path, Path] = {}
    others: list[Path] = []
    for item in inputs:
        if item == str(STANDARD):
            found[_standard_input()] = Path("stdin.mp4")
            continue
        refuse_url(item)
        path, matches = Path(item), [Path(item)]
        if Numbered.of(path):
            found[path] = Path(f"{path.absolute().parent.name or 'frames'}.mp4")
            continue
        if path.is_dir():
            matches = sorted(file for file in path.rglob("*") if file.is_file())
        elif not path.exists() and glob.has_magic(item):
            matches = sorted(Path(match) for match in glob.glob(item, recursive=True))  # noqa: PTH207
        elif not path.exists():
            raise MediaError(f"there is no file or folder {item}")
        if matches != [path]:
            matches = [m for m in matches if not any(p.startswith(".") for p in m.parts[1:])]
            files = [match for match in matches if match.is_file()]
            matches = [match for match in files if match.suffix.lower() in VIDEO_ENDINGS]
            others += [file for file in files if file not in matches]
            if not matches:
                frames = numbered_in(path)
                hint = f"; its images are numbered: give {frames.path}" if frames else ""
                raise MediaError(
                    f"{item} holds no video: expected {', '.join(VIDEO_ENDINGS)}{hint}"
                )
        for match in matches:
            found[match] = match.relative_to(path) if path.is_dir() else Path(match.name)
    if others:
        names = ", ".join(map(str, others[:_NAMED])) + ", ..." * (len(others) > _NAMED)
        click.echo(f"passed over, no videos by their endings: {names}", err=True)
    if output == STANDARD:
        if len(found) > 1:
            raise UsageError(f"{len(found)} videos cannot all go to standard output; name a folder")
        return dict.fromkeys(found, STANDARD)
    one = Numbered.of(output) is not None or output.suffix.lower() in CONTAINERS
    if one and not output.is_dir():
        if len(found) > 1:
            raise UsageError(f"{len(found)} videos cannot all become {output}; name a folder")
        jobs = dict.fromkeys(found, output)
    elif output.suffix and not output.is_dir():
        raise UsageError(
            f"{output} is no folder, and videos cannot be written as {output.suffix}: expected "
            f"{', '.join(CONTAINERS)}, or numbered frames such as %06d.png"
        )
    else:
        jobs = {source: output / named(name, codec) for source, name in found.items()}
    if len(set(jobs.values())) < len(jobs) and len(jobs) > 1:
        raise UsageError("two inputs would become one output; run ovsharp once for each")
    for source, target in jobs.items():
        if target.resolve() == source.resolve():
            raise UsageError(f"{target} is the input itself; choose another -o")
    return jobs


def _standard_input() -> Path:
    path = Path("/dev/stdin")
    if not path.exists():
        raise UsageError("this system has no /dev/stdin to read '-' from; save the video to a file")
    if sys.stdin.isatty():
        raise UsageError("'-' reads a video from another program: ffmpeg ... | ovsharp video - ...")
    return path


def named(name: Path, codec: str | None) -> Path:
    """Give an output the ending of its input, if that is a container for the codec."""
    from ovsharp.media import CONTAINERS, holder

    ending = name.suffix.lower()
    ending = ending if ending in CONTAINERS else ".mp4"
    fitting = holder(codec, ending)
    return name if fitting == name.suffix.lower() else name.with_suffix(fitting)


def check_untouched(flags: dict[str, Any]) -> None:
    """Refuse what would change a video that is to be kept bit for bit."""
    changing = ("size", "start", "end", "side_by_side", "skip_damaged", "input_fps")
    found = [name for name in changing if flags[name]] + ["keep_every"] * (flags["every"] > 1)
    found += ["deinterlace"] * (flags["deinterlace"] == "on")
    found += ["audio"] * (flags["audio"] not in (None, "copy"))
    if flags["untouched"] == "copy" and found:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in found)
        raise UsageError(
            f"--untouched copy keeps a video as it is, and {names} would change it; leave one of "
            f"them out"
        )


def check_frames(output: Path, flags: dict[str, Any]) -> None:
    """Refuse what numbered frames have not."""
    from ovsharp.media import Numbered

    names = ("codec", "preset", "bitrate", "encoder_options", "audio")
    found = [f"--{name.replace('_', '-')}" for name in names if flags[name] is not None]
    found += ["--untouched copy"] * (flags["untouched"] == "copy")
    if found and Numbered.of(output) is not None:
        raise UsageError(f"{', '.join(found)} is for videos, and {output} are images; leave it out")
