"""What the figures say: speed-ups, what to use, what got worse."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ovsharp.errors import UsageError
from ovsharp.measuring import Report, Row, Speed, Timing
from ovsharp.quality import MAX_DROP

SAME_SPEED = 0.05
"""Times that differ by a smaller share count as equal."""


def with_speedups(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Fill in how much faster each row is than PyTorch and FP32 of the same model and size."""

    def compared(row: Row, speed: Speed) -> Speed:
        peers = [other for other in rows if other.model == row.model]
        eager = next((other for other in peers if other.is_eager), None)
        fp32 = next((other for other in peers if other.is_reference), None)
        return dataclasses.replace(
            speed,
            speedup_pytorch=_speedup(speed, eager.speed(speed.size) if eager else None),
            speedup_fp32=_speedup(speed, fp32.speed(speed.size) if fp32 else None),
        )

    return tuple(
        dataclasses.replace(row, speeds=tuple(compared(row, speed) for speed in row.speeds))
        for row in rows
    )


def _speedup(speed: Speed, other: Speed | None) -> float | None:
    mine, base = _median(speed.frame_sync), _median(other.frame_sync if other else None)
    return None if mine is None or base is None else base / mine


def _median(timing: Timing | None) -> float | None:
    return timing.latency.p50 if timing and timing.latency else None


def best_row(report: Report, model: str, size: str) -> Row | None:
    """Find a model's fastest OpenVINO row that loses nothing and improves its input.

    Nothing lost: SSIM at most `MAX_DROP` below FP32 executed in f32. Fastest: by median end-to-end
    time per frame, or by streamed frames per second where only that was measured. Of rows that
    are slower by less than `SAME_SPEED`, the smallest file wins.
    """
    reference = report.reference(model)
    if reference is None or reference.quality is None:
        return None
    least = reference.quality.ssim - MAX_DROP
    good = [
        (row, milliseconds)
        for row in report.rows
        if row.model == model
        and not row.is_eager
        and row.quality
        and row.quality.ssim >= least
        and row.quality.ssim > row.quality.input_ssim
        and (milliseconds := _milliseconds(row.speed(size)))
    ]
    if not good:
        return None
    limit = min(milliseconds for _, milliseconds in good) * (1 + SAME_SPEED)
    ties = [(row, milliseconds) for row, milliseconds in good if milliseconds <= limit]
    return min(ties, key=lambda pair: (pair[0].megabytes, pair[1]))[0]


def _milliseconds(speed: Speed | None) -> float | None:
    """Time per frame: the median of single frames, or the mean of streamed ones."""
    if speed is None:
        return None
    streamed = 1e3 / speed.frame_stream.fps if speed.frame_stream else None
    return _median(speed.frame_sync) or streamed


def recommend(report: Report) -> tuple[str, ...]:
    """Say in one line per model what to use, judged at the largest size that was measured."""
    lines = []
    for model in report.models:
        sizes = [
            size
            for size in report.sizes
            if any(row.speed(size) for row in report.rows if row.model == model)
        ]
        if not sizes:
            continue
        best, reference = best_row(report, model, sizes[-1]), report.reference(model)
        if reference is None:
            lines.append(f"{model}: no FP32 row executed in f32 to compare with, no advice")
        elif best is None:
            lines.append(
                f"{model}: no row is within {MAX_DROP} SSIM of FP32 and better than its input on "
                f"these photos; use none"
            )
        else:
            lines.append(f"{model}: use {_advice(best, sizes[-1])}")
    return tuple(lines)


def _advice(row: Row, size: str) -> str:
    speed = row.speed(size)
    rates = ", ".join(f"{rate} FPS {speed.reaches(rate)}" for rate in (30, 60)) if speed else ""
    return f"storage {row.storage.upper()}, execution {row.execution} (at {size}: {rates})"


@dataclass(frozen=True)
class Regression:
    """A figure that is worse than it was."""

    row: str
    figure: str
    before: float
    now: float
    change: float
    """Share of `before`, or the difference where the figure is SSIM."""


@dataclass(frozen=True)
class Comparison:
    """This run against an older one."""

    compared: int
    """Figures that both have."""
    regressions: tuple[Regression, ...]
    warnings: tuple[str, ...]
    """Why the comparison may not be fair."""


def compare(old: Report, new: Report, max_regress: float) -> Comparison:
    """Compare rows of equal names and sizes.

    Args:
        old: the baseline.
        new: what was measured now.
        max_regress: share by which a rate may fall or a median time rise, e.g. 0.05.

    Raises:
        UsageError: the two have no row at a common size.
    """
    known = {row.key: row for row in old.rows}
    regressions: list[Regression] = []
    compared = 0
    same_photos = _photo_keys(old) == _photo_keys(new)
    for row in new.rows:
        before = known.get(row.key)
        if before is None:
            continue
        for label, then, now, lower_is_better in _speed_pairs(before, row):
            compared += 1
            change = now / then - 1
            if (change if lower_is_better else -change) > max_regress:
                regressions.append(Regression(row.key, label, then, now, change))
        if same_photos and before.quality and row.quality:
            compared += 1
            change = row.quality.ssim - before.quality.ssim
            if change < -MAX_DROP:
                regressions.append(
                    Regression(row.key, "SSIM", before.quality.ssim, row.quality.ssim, change)
                )
    if not compared:
        raise UsageError(
            f"the baseline has no row in common with this run; it has "
            f"{', '.join(known) or 'none'} at {', '.join(old.sizes) or 'no size'}"
        )
    return Comparison(compared, tuple(regressions), tuple(_warnings(old, new, same_photos)))


def _speed_pairs(before: Row, row: Row) -> list[tuple[str, float, float, bool]]:
    pairs = []
    for speed in row.speeds:
        old = before.speed(speed.size)
        if old is None:
            continue
        for name, then, now in (
            ("model", old.model_sync, speed.model_sync),
            ("end-to-end", old.frame_sync, speed.frame_sync),
        ):
            if then and now and then.latency and now.latency:
                label = f"{speed.size} {name} median ms"
                pairs.append((label, then.latency.p50, now.latency.p50, True))
        for name, then, now in (
            ("model async", old.model_async, speed.model_async),
            ("end-to-end stream", old.frame_stream, speed.frame_stream),
        ):
            if then and now:
                pairs.append((f"{speed.size} {name} FPS", then.fps, now.fps, False))
    return pairs


def _photo_keys(report: Report) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(photos.model, photos.recipe, photos.names) for photos in report.photos}


def _warnings(old: Report, new: Report, same_photos: bool) -> list[str]:
    warnings = []
    pairs = {
        "device": (old.device_name, new.device_name),
        "CPU": (old.environment.cpu, new.environment.cpu),
        "usable cores": (old.environment.usable_cores, new.environment.usable_cores),
        "instruction sets": (old.environment.instructions, new.environment.instructions),
        "instruction set in use": (old.environment.used_isa, new.environment.used_isa),
        "threads": (old.options.get("threads"), new.options.get("threads")),
    }
    different = [
        f"{name} {then or '-'} -> {now or '-'}"
        for name, (then, now) in pairs.items()
        if then != now
    ]
    if different:
        warnings.append(
            f"THE BASELINE IS OF ANOTHER MACHINE OR SETTING ({'; '.join(different)}): "
            f"its times say nothing about this one"
        )
    if not same_photos:
        warnings.append("the baseline was measured on other photos: SSIM was not compared")
    lost = sorted({row.key for row in old.rows} - {row.key for row in new.rows})
    if lost:
        warnings.append(f"in the baseline but not measured now: {', '.join(lost)}")
    return warnings
