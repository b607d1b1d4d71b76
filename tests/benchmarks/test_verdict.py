from __future__ import annotations

import dataclasses

import pytest

from ovsharp.benchmarks.verdict import best_row, compare, recommend, with_speedups
from ovsharp.errors import UsageError
from ovsharp.measuring.results import Report
from tests.benchmarks.reports import report, row


def test_speedups_are_ratios_of_end_to_end_medians() -> None:
    rows = with_speedups(
        (
            row("fp32", "eager f32", ms=100.0),
            row("fp32", "f32", ms=50.0),
            row("int8", "int8+f32", ms=10.0),
            row("fp32", "f32", ms=40.0, model="other"),
        )
    )
    eager, fp32, int8, other = (item.speeds[0] for item in rows)
    assert (eager.speedup_pytorch, eager.speedup_fp32) == (1.0, 0.5)
    assert (fp32.speedup_pytorch, fp32.speedup_fp32) == (2.0, 1.0)
    assert (int8.speedup_pytorch, int8.speedup_fp32) == (10.0, 5.0)
    assert (other.speedup_pytorch, other.speedup_fp32) == (None, 1.0)


def test_the_fastest_row_that_loses_nothing_is_advised() -> None:
    made = report(
        row("fp32", "f32", ms=50.0, ssim=0.850),
        row("fp16", "bf16", ms=12.0, ssim=0.849),
        row("int8", "int8+bf16", ms=9.0, ssim=0.847),
    )
    best = best_row(made, "demo", "720p")
    assert best is not None
    assert best.execution == "bf16", "INT8 is faster, but loses more than .002"
    assert recommend(made)[0].startswith("demo: use storage FP16, execution bf16 (at 720p")


def test_the_smallest_of_equally_fast_rows_is_advised() -> None:
    fp32 = dataclasses.replace(row("fp32", "bf16", ms=10.0), megabytes=0.7)
    fp16 = dataclasses.replace(row("fp16", "bf16", ms=10.4), megabytes=0.4)
    int8 = dataclasses.replace(row("int8", "int8+f32", ms=14.0), megabytes=0.2)
    best = best_row(report(row("fp32", "f32", ms=30.0), fp32, fp16, int8), "demo", "720p")
    assert best is not None
    assert best.key == "demo fp16 bf16"


def test_int8_is_not_assumed_to_win() -> None:
    made = report(row("fp32", "f32", ms=8.0), row("int8", "int8+f32", ms=12.0))
    best = best_row(made, "demo", "720p")
    assert best is not None
    assert best.execution == "f32"


def test_pytorch_is_a_baseline_and_not_an_advice() -> None:
    made = report(row("fp32", "eager f32", ms=1.0), row("fp32", "f32", ms=8.0))
    best = best_row(made, "demo", "720p")
    assert best is not None
    assert not best.is_eager


def test_a_model_that_worsens_its_input_is_not_advised() -> None:
    made = report(row("fp32", "f32", ssim=0.7), row("int8", "int8+f32", ssim=0.7))
    assert best_row(made, "demo", "720p") is None
    assert "use none" in recommend(made)[0]


def test_no_advice_without_a_reference() -> None:
    assert "no advice" in recommend(report(row("int8", "int8+f32")))[0]


def _slower(factor: float, ssim: float = 0.85) -> Report:
    return report(row("fp32", "f32", ms=20.0 * factor, ssim=ssim))


def test_an_equal_run_has_no_regression() -> None:
    comparison = compare(_slower(1.0), _slower(1.0), 0.05)
    assert comparison.compared == 5
    assert comparison.regressions == ()
    assert comparison.warnings == ()


def test_slower_than_the_limit_is_a_regression() -> None:
    assert compare(_slower(1.0), _slower(1.04), 0.05).regressions == ()
    found = compare(_slower(1.0), _slower(1.10), 0.05).regressions
    assert {item.figure: round(item.change, 4) for item in found} == {
        "720p model median ms": 0.1,
        "720p end-to-end median ms": 0.1,
        "720p model async FPS": round(-1 / 11, 4),
        "720p end-to-end stream FPS": round(-1 / 11, 4),
    }


def test_faster_is_no_regression() -> None:
    assert compare(_slower(1.0), _slower(0.5), 0.05).regressions == ()


def test_a_lower_ssim_is_a_regression() -> None:
    (found,) = compare(_slower(1.0), _slower(1.0, ssim=0.847), 0.05).regressions
    assert (found.figure, found.before, found.now) == ("SSIM", 0.85, 0.847)
    assert compare(_slower(1.0), _slower(1.0, ssim=0.8485), 0.05).regressions == ()


def test_other_photos_make_ssim_incomparable() -> None:
    old = _slower(1.0)
    photos = (dataclasses.replace(old.photos[0], recipe="edsr"),)
    comparison = compare(
        dataclasses.replace(old, photos=photos), _slower(1.0, ssim=0.5), max_regress=0.05
    )
    assert comparison.regressions == ()
    assert "other photos" in " ".join(comparison.warnings)


def test_a_baseline_of_another_machine_is_said_loudly() -> None:
    old = _slower(1.0)
    machine = dataclasses.replace(old.environment, cpu="Another processor")
    warnings = compare(dataclasses.replace(old, environment=machine), old, 0.05).warnings
    assert "ANOTHER MACHINE" in warnings[0]
    assert "Another processor" in warnings[0]


def test_rows_that_vanished_are_named() -> None:
    old = report(row("fp32", "f32"), row("int8", "int8+f32"))
    warnings = compare(old, report(row("fp32", "f32")), 0.05).warnings
    assert warnings == ("in the baseline but not measured now: demo int8 int8+f32",)


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(UsageError, match="no row in common"):
        compare(report(row("fp32", "f32", model="other")), report(), 0.05)
