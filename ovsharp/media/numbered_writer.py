"""`NumberedWriter`: frames as images, one file each, for programs that cut and compose."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ovsharp.closing import Ending
from ovsharp.errors import MediaError, UsageError
from ovsharp.files import settle, staged
from ovsharp.media.fitting import resized
from ovsharp.media.formats import format_of
from ovsharp.media.images import write_picture
from ovsharp.media.numbered import Numbered
from ovsharp.media.picture import Picture, to_8_bits
from ovsharp.media.reader import VideoReader
from ovsharp.media.shot import Shot
from ovsharp.media.writer import SEGMENT


class NumberedWriter(Ending):
    """Writes `folder/000001.png` and so on; each file is complete or absent.

    The numbers begin as those of a source of numbered frames, else at 1. An interrupted job leaves
    what it made, and `resume` goes on from there.

    Args:
        frames: where they go.
        like: the reader that they come from.
        size: final (width, height); None leaves it.
        resume: go on with an interrupted job.
        overwrite: replace frames that are there.
        job: a text that identifies what is computed.
        segment: as that of `VideoWriter`: a job goes on from a multiple of it.

    Attributes:
        notes: what is left out, a sentence each.
        done: frames that an interrupted job has finished.
        reached: always None: frames tell no times.
        coding: what they are written as.

    Raises:
        UsageError: frames are there already, or are of another job.
        OSError: the folder cannot be written.
    """

    reached = None

    def __init__(
        self,
        frames: Numbered,
        like: VideoReader,
        *,
        size: tuple[int, int] | None = None,
        resume: bool = False,
        overwrite: bool = False,
        job: str = "",
        segment: int = SEGMENT,
    ) -> None:
        self._frames, self._size, self.segment = frames, size, segment
        source = like.numbered
        self._first = 1 if source is None else source.first
        if source is not None and _files(source) & _files(frames):
            raise UsageError(f"{frames.path} is the input itself; choose another -o")
        self.coding = frames.path.suffix[1:].lower()
        self.work = frames.path.with_name(f".ovsharp-{frames.path.name}.work")
        rate = f"{float(like.rate):.6g} FPS"
        self.notes = [f"numbered frames hold pictures only, without times and sound: {rate}"]
        self._alpha = format_of(frames.path).alpha
        if like.alpha and not self._alpha:
            self.notes.append(f"transparency was left out: {frames.path.suffix} holds none")
        self.done = self._finished(json.dumps([job, size, segment]), resume, overwrite)
        self._count = self.done

    def write(self, shot: Shot) -> None:
        """Write a frame.

        Raises:
            MediaError: too large for the format.
            OSError: the disk is full or cannot be written.
        """
        path = self._frames.named(self._first + self._count)
        frame = resized(shot.frame, self._size)
        alpha = None
        if shot.alpha is not None and self._alpha:
            alpha = to_8_bits(resized(shot.alpha, (frame.shape[1], frame.shape[0])))
        write_picture(path, Picture(frame, alpha))
        self._count += 1

    def finish(self) -> None:
        """Forget that the job could be continued: it is complete."""
        if not self._count:
            raise MediaError(f"{self._frames.path}: there was no frame to write")
        shutil.rmtree(self.work)

    def _leave(self, *, well: bool) -> None:
        if well:
            self.finish()
            return
        self.done = self._whole()
        if not self._count:
            shutil.rmtree(self.work, ignore_errors=True)

    def _whole(self) -> int:
        """Count finished frames, down to where a job can go on."""
        there = self._frames.there()
        count = 0
        while self._first + count in there:
            count += 1
        return count - count % self.segment

    def _finished(self, identity: str, resume: bool, overwrite: bool) -> int:
        note = self.work / "job.json"
        same = note.is_file() and note.read_text(encoding="utf-8") == identity
        if resume and note.is_file() and not same:
            raise UsageError(
                f"the unfinished job of {self._frames.path} had another input or other settings; "
                f"repeat them, or start over without --resume"
            )
        if resume and same:
            return self._whole()
        there = self._frames.there()
        if there and not overwrite:
            first = next(iter(there.values()))
            more = "go on with --resume" if self.work.is_dir() else "choose another -o"
            raise UsageError(f"{first} exists; {more}, or allow it with --overwrite")
        self.work.mkdir(parents=True, exist_ok=True)
        for path in there.values():  # of another job: they could not be told from ours
            path.unlink()
        with staged(self.work) as staging:
            (staging / note.name).write_text(identity, encoding="utf-8")
            settle(staging / note.name)
        return 0


def _files(frames: Numbered) -> set[Path]:
    return {path.resolve() for path in frames.there().values()}
