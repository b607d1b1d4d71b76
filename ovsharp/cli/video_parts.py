"""`ovsharp video --workers` and `--cluster`: the parts of a video, made by many."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovsharp.errors import UsageError
from ovsharp.terminal import by_model, check_crew, console

if TYPE_CHECKING:
    from ovsharp.apps import PartDone, VideoJob
    from ovsharp.cluster import Workers
    from ovsharp.media import VideoReader, VideoWriter


def check_split(output: Path, standard: Path, target_fps: float | None, flags: Any) -> None:
    """Refuse what only a single process can do.

    Raises:
        UsageError: the first of these.
    """
    if not check_crew(flags["workers"], flags["cluster"]):
        return
    reasons = {
        "--target-fps, which chooses the model by the time of the frames before": target_fps,
        "--skip-damaged, as only a whole pass tells which frames there are": flags["skip_damaged"],
        "-o -, which is written from the beginning to the end": output == standard,
        "--input-fps, for what has no index": flags["input_fps"],
    }
    for what, given in reasons.items():
        if given:
            raise UsageError(f"work cannot be split with {what}; leave --workers and --cluster out")


def run_parts(
    job: VideoJob, clip: VideoReader, sink: VideoWriter, workers: Workers
) -> dict[str, Any]:
    """Make what is missing of a video, join it, and say what was done.

    Returns:
        Figures for a report.

    Raises:
        UsageError, MediaError, OSError: as `ovsharp video`.
    """
    from ovsharp.apps import parts_of, sharpen_part
    from ovsharp.media import SEGMENT, frame_times

    with sink, console.progress() as bar:
        times = frame_times(clip)
        missing = sink.missing(-(-len(times) // SEGMENT))
        parts = parts_of(job, times, missing)
        frames = sum(len(part.times) for part in parts)
        task = bar.add_task(job.source.name, total=len(times), completed=len(times) - frames)
        began, done = time.perf_counter(), []
        for _, part in workers.results(sharpen_part, parts):
            sink.add(part.index, part.content)
            done.append(part)
            bar.advance(task, part.frames)
        seconds = time.perf_counter() - began
    done.sort(key=lambda part: part.index)
    notes = [*clip.notes, *sink.notes]
    notes += [note for note in dict.fromkeys(_all_notes(done)) if note not in notes]
    made: Counter[str] = Counter()
    for part in done:
        made.update(part.made)
    notes += _switches(done)
    if repeated := sum(part.repeated for part in done):
        notes.append(f"{repeated} frames are equal to the one before and were not computed again")
    sharpened = any(not part.why for part in done)
    why = "" if sharpened else next((part.why for part in done), "")
    of = "frames that were left" if frames < len(times) else ""
    who = [by_model(job.source, dict(made.most_common()), why, of)] if made else []
    return _told(job, len(times), frames, seconds, workers.label, made, who, notes)


def _all_notes(done: list[PartDone]) -> list[str]:
    return [note for part in done for note in part.notes]


def _switches(done: list[PartDone]) -> list[str]:
    """Say where models changed, at the borders of parts too."""
    told: list[str] = []
    last = ""
    for part in done:
        first = part.switches[0].before if part.switches else part.last
        if last and first != last:
            told.append(f"frame {part.first}: {last} -> {first}")
        told += [
            f"frame {one.frame}: {one.before} -> {one.after} ({one.reason})"
            for one in part.switches
        ]
        last = part.last
    return told


def _told(
    job: VideoJob,
    total: int,
    frames: int,
    seconds: float,
    label: str,
    made: Counter[str],
    who: list[str],
    notes: list[str],
) -> dict[str, Any]:
    fps = frames / seconds if seconds else 0.0
    sharpened = sum(count for name, count in made.items() if name not in ("untouched", "bicubic"))
    lines = [
        *who,
        f"{job.target}: {total} frames in {seconds:.1f} s, {fps:.1f} FPS in all, by {label}",
        *(f"  note: {note}" for note in notes),
    ]
    console.output().print("\n".join(lines), markup=False, soft_wrap=True)
    return {
        "input": str(job.source),
        "output": str(job.target),
        "frames": total,
        "resumed_frames": total - frames,
        "sharpened": sharpened,
        "made_by": dict(made.most_common()),
        "copied": False,
        "seconds": round(seconds, 3),
        "system_fps": round(fps, 2),
        "workers": label,
        "notes": notes,
    }
