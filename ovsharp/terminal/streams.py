"""`-` for an image that comes from standard input, or goes to standard output."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ovsharp.errors import MediaError, UsageError
from ovsharp.files import scratch

STREAM = "-"


@dataclass(frozen=True)
class Streams:
    """What stands for the streams: files of a folder that goes away."""

    inputs: Sequence[str]
    output: Path
    folder: Path | None = None
    writes: bool = False
    """Whether standard output holds an image, and no word shall go there."""

    def named(self, text: object) -> str:
        """Leave the folder out of what is said."""
        return str(text) if self.folder is None else str(text).replace(f"{self.folder}/", "")


@contextmanager
def as_files(inputs: Sequence[str], output: Path, ending: str | None) -> Iterator[Streams]:
    """Read standard input into a file, and write one to standard output at the end.

    Args:
        inputs: as they stand in the command line.
        output: likewise.
        ending: what to write to standard output, e.g. `.png`; None for the kind of the input.

    Raises:
        UsageError: a stream together with other inputs, or an output that is no single file.
        MediaError: standard input holds no image.
    """
    reads, writes = STREAM in inputs, str(output) == STREAM
    if not reads and not writes:
        yield Streams(inputs, output)
        return
    if len(inputs) > 1 or (writes and not reads and not Path(inputs[0]).is_file()):
        raise UsageError("- stands for one image: give one input, and one file or - for -o")
    from ovsharp.media import ending_of

    with scratch() as folder:
        source = Path(inputs[0])
        try:
            if reads:
                source = folder / "standard input"
                with source.open("wb") as file:
                    shutil.copyfileobj(sys.stdin.buffer, file)
                source = source.rename(folder / f"standard input{ending_of(source)}")
            if writes:
                output = folder / f"standard output{ending or ending_of(source)}"
            yield Streams([str(source)], output, folder, writes)
        except MediaError as error:
            raise MediaError(str(error).replace(f"{folder}/", "")) from error
        if writes:
            with output.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
