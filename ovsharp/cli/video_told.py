"""What is told of a finished video."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovsharp.cli.video_plan import STANDARD
from ovsharp.terminal import by_model, console

if TYPE_CHECKING:
    from ovsharp.apps import Progress
    from ovsharp.media import VideoReader
    from ovsharp.runtime import Session


def summary(
    source: Path,
    target: Path,
    clip: VideoReader,
    encoder: str,
    done: int,
    progress: Progress,
    flicker: Any,
    notes: list[str],
    call: Session,
) -> dict[str, Any]:
    """Tell how a video went, and give its figures.

    Args:
        source: the video.
        target: what it became.
        clip: it, read.
        encoder: name of what coded it.
        done: frames that an earlier run had finished.
        progress: of this run.
        flicker: measured, or None.
        notes: what else is to be told.
        call: the session that sharpened it.
    """
    from ovsharp.media import CONTAINERS

    why = "" if progress.sharpened else call.why
    busy = {"decode": progress.decode, "infer": progress.infer, "encode": progress.encode}
    shares = {stage: round(work / progress.seconds, 3) for stage, work in busy.items()}
    figures: dict[str, Any] = {
        "input": str(source),
        "output": str(target),
        "frames": done + progress.frames,
        "resumed_frames": done,
        "sharpened": progress.sharpened,
        "made_by": dict(call.made),
        "repeated": call.repeated,
        "copied": False,
        "dropped": clip.dropped,
        "seconds": round(progress.seconds, 3),
        "system_fps": round(progress.fps, 2),
        "model_fps": None if progress.model_fps is None else round(progress.model_fps, 2),
        "busy": shares,
        "budget": {stage: round(fps, 2) for stage, fps in progress.budget.items()},
        "slowest": progress.slowest,
        "share_of_slowest": round(progress.share, 3),
        "colour": clip.colour.label,
        "encoder": encoder,
        "notes": notes,
    }
    if flicker is not None:
        figures["flicker"] = {
            "input": flicker.input,
            "output": flicker.output,
            "ratio": flicker.ratio,
        }
    if why and clip.numbered is None and target.suffix.lower() in CONTAINERS:
        why += "; the frames were coded again, --untouched copy keeps the original"
    of = "frames that were left" if done else ""
    who = [by_model(source, call.made, why, of)] if call.made else []
    model = "" if progress.model_fps is None else f"model {progress.model_fps:.1f} FPS, "
    lines = [
        *who,
        f"{target}: {figures['frames']} frames in {progress.seconds:.1f} s, "
        f"{progress.fps:.1f} FPS in all, {model}{clip.dropped} dropped",
        "  busy: "
        + ", ".join(f"{stage} {share:.0%}" for stage, share in shares.items())
        + f"; encoder {encoder}",
        "  budget: "
        + ", ".join(f"{stage} {fps:.1f} FPS" for stage, fps in progress.budget.items())
        + f" alone beside the others; {progress.share:.0%} of the slowest ({progress.slowest}) "
        "is reached",
        *(f"  note: {note}" for note in figures["notes"]),
    ]
    out = console.output(stderr=target == STANDARD)
    out.print("\n".join(lines), markup=False, soft_wrap=True)
    return figures


def copied_summary(source: Path, target: Path, clip: VideoReader, frames: int) -> dict[str, Any]:
    """Tell that a video was copied, and give its figures."""
    lines = [
        f"{source}: nothing was sharpened; {target} is the original, bit for bit",
        *(f"  note: {note}" for note in clip.notes if "left out" in note),
    ]
    console.output().print("\n".join(lines), markup=False, soft_wrap=True)
    return {
        "input": str(source),
        "output": str(target),
        "frames": frames,
        "sharpened": 0,
        "copied": True,
        "notes": clip.notes,
    }


def quality_notes(call: Session) -> list[str]:
    """Say where models changed, and what they did not have to do."""
    if call.repeated:
        once = f"{call.repeated} frames are equal to the one before and were not computed again"
        return [*_choice_notes(call), once]
    return _choice_notes(call)


def _choice_notes(call: Session) -> list[str]:
    switches = [
        f"frame {switch.frame}: {switch.before} -> {switch.after} ({switch.reason})"
        for switch in call.switches
    ]
    if call.choice is None:
        return switches
    return [call.choice.reason, *switches, f"{call.variant} runs at the end"]


def failure(source: Path, error: Exception) -> str:
    """Say what is wrong with a video, by its name."""
    text = str(error)
    return text if str(source) in text else f"{source}: {text}"
