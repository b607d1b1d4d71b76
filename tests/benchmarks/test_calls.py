"""How many calls a machine holds: the search, the load, the figures; not how fast it is here."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from ovsharp import Sharpener
from ovsharp.benchmarks import calls, calls_lines, calls_table, forecast_table, measure_calls
from ovsharp.benchmarks.calls import Capacity, Trial, search
from ovsharp.errors import UsageError
from ovsharp.lab.bench import bench
from ovsharp.runtime import VIDEO_LOOK_EVERY
from tests.networks import write_frame_model


@pytest.mark.parametrize("first", [1, 7, 12, 13, 40, 300])
@pytest.mark.parametrize("limit", [0, 1, 2, 12, 37])
def test_the_search_finds_the_limit_and_asks_once_for_each(first: int, limit: int) -> None:
    tried: list[int] = []

    def holds(count: int) -> bool:
        tried.append(count)
        return count <= limit

    assert search(holds, first) == limit
    assert len(tried) == len(set(tried)) < 25
    assert {limit, limit + 1} - {0} <= set(tried)


def trial(count: int, late: float, others: float = 0.05) -> Trial:
    return Trial(count, 5.0, 16.0, 21.0, late, 100, 0.9, others, 300.0)


def test_what_is_held_is_the_most_that_was_seldom_late() -> None:
    capacity = Capacity(
        "360p",
        "",
        "throughput",
        (trial(8, 0.0), trial(16, 0.3), trial(12, 0.01), trial(14, 0.02)),
        5.0,
    )
    assert (capacity.held, capacity.best.calls) == (12, 12)
    # 85 % of 1000 ms of each core, 30 frames of 5 ms for each call
    assert {cores: capacity.forecast(30)[cores] for cores in (1, 2, 64)} == {1: 5, 2: 11, 64: 362}
    nothing = Capacity("720p", "", "latency", (trial(2, 0.5), trial(1, 0.2)), 20.0)
    assert (nothing.held, nothing.best.calls) == (0, 1)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "WARM_UP", 0.1)
    monkeypatch.setattr(calls, "SPREAD", 1)
    monkeypatch.setattr(calls, "search", lambda holds, first: [holds(1), holds(3)])


def test_every_frame_of_every_call_counts_after_the_warm_up(
    quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(calls, "DISTURBED", 1e9)  # other work here repeats no trial
    steps: list[str] = []
    report = measure_calls(
        write_frame_model(tmp_path),
        sizes=["48x64"],
        fps=20,
        seconds=0.4,
        threads=1,
        step=steps.append,
    )
    (capacity,) = report.capacities
    assert steps == ["48x64, throughput: 1 call", "48x64, throughput: 3 calls"]
    assert [one.calls for one in capacity.trials] == [1, 3]
    for one in capacity.trials:
        # All that are due in the 0.4 s that count.
        assert one.frames == 8 * one.calls
        assert 0 <= one.late <= 1
        assert 0 < one.p50 <= one.p95 <= one.p99
    assert capacity.cpu_ms > 0


def test_whatever_a_router_may_choose_is_compiled_before_the_first_trial(
    quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = []

    def look(sharpener: Sharpener, *_: object) -> Trial:
        compiled.append(sharpener._shelf.count)
        return trial(1, 0.0)

    monkeypatch.setattr(calls, "_trial", look)
    measure_calls("call", sizes=["48x64"], threads=1)
    with Sharpener("call", threads=1) as sharpener:
        models = set(sharpener.variants) - {"untouched"}
    assert compiled == [len(models) + 1] * 2  # a gate asks for the usual size, too


def test_a_number_that_others_disturbed_is_tried_once_more(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of one call: disturbed, then quiet. Of three: disturbed twice, which is what there is.
    coming = iter([trial(1, 0.5, 0.3), trial(1, 0.0), trial(3, 0.5, 0.3), trial(3, 0.4, 0.2)])
    monkeypatch.setattr(calls, "_trial", lambda *_: next(coming))
    monkeypatch.setattr(calls, "_cost", lambda *_: 5.0)
    report = measure_calls(write_frame_model(tmp_path), sizes=["48x64"], threads=1)
    (capacity,) = report.capacities
    assert [one.late for one in capacity.trials] == [0.5, 0.0, 0.5, 0.4]
    assert (capacity.held, capacity.best.others) == (1, 0.05)
    assert "others used" not in " ".join(calls_lines(report))


@pytest.mark.parametrize("late", [0.0, 0.5])
def test_nothing_is_tried_again_where_that_tells_nothing(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: float
) -> None:
    # It was held, whatever others did; or it was not, and nobody disturbed it.
    others = 0.05 if late else 0.3
    monkeypatch.setattr(calls, "_trial", lambda _, __, count, *___: trial(count, late, others))
    monkeypatch.setattr(calls, "_cost", lambda *_: 5.0)
    report = measure_calls(write_frame_model(tmp_path), sizes=["48x64"], threads=1)
    assert [one.calls for one in report.capacities[0].trials] == [1, 3]
    told = "others used up to 30% of the cores: alone, this machine holds more"
    assert (told in calls_lines(report)) is not bool(late)


def test_the_least_of_several_turns_is_what_a_frame_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = [0.9, 0.3, 0.6]  # seconds of cores, for a second of frames
    ticks = [at for turn in turns * 5 for at in (10.0, 10.0 + turn)]
    monkeypatch.setattr("time.process_time", iter(ticks).__next__)
    with Sharpener(write_frame_model(tmp_path), threads=1) as sharpener:
        cost = calls._cost(sharpener, calls.damaged_clips(48, 64))
    assert cost == pytest.approx(1000 * 0.3 / VIDEO_LOOK_EVERY)


def test_the_command_prints_80_columns_and_writes_json(quick: None, tmp_path: Path) -> None:
    arguments = ["--calls", "20", "--model", str(write_frame_model(tmp_path)), "--seconds", "0.3"]
    arguments += ["--sizes", "48x64,64x96", "--mode", "latency,throughput", "--threads", "1"]
    result = CliRunner().invoke(bench, [*arguments, "--json", str(tmp_path / "calls.json")])
    assert result.exit_code == 0, result.exception
    for text in ("Calls at 20 FPS", "48x64", "Forecast: calls by cores", "p99"):
        assert text in result.output
    told = json.loads((tmp_path / "calls.json").read_text())
    assert [(one["size"], one["mode"]) for one in told["capacities"]] == [
        (size, mode) for size in ("48x64", "64x96") for mode in ("latency", "throughput")
    ]
    assert set(told["capacities"][0]["forecast"]) == {str(cores) for cores in calls.CORES}


def test_tables_fit_80_columns(quick: None, tmp_path: Path) -> None:
    report = measure_calls(write_frame_model(tmp_path), sizes=["48x64"], fps=20, seconds=0.1)
    tried = (trial(124, 0.001), trial(139, 0.999))
    wide = Capacity("1440p", "balanced", "throughput", tried, 123.4)
    other = dataclasses.replace(wide, quality="fast", mode="latency")
    report = dataclasses.replace(report, capacities=(wide, other))
    console = Console(width=80, record=True)
    console.print(calls_table(report), forecast_table(report), *calls_lines(report))
    text = console.export_text()
    assert "…" not in text
    assert "124" in text
    assert "99.9%" in text


def test_qualities_stand_side_by_side(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def look(sharpener: Sharpener, *_: object) -> Trial:
        asked.append(set(sharpener.variants))
        return trial(1, 0.0)

    monkeypatch.setattr(calls, "_trial", look)
    monkeypatch.setattr(calls, "_cost", lambda *_: 5.0)
    result = CliRunner().invoke(bench, ["--calls", "--sizes", "48x64", "--threads", "1"])
    assert result.exit_code == 0, result.exception
    assert ["call-fast" in names for names in asked] == [True] * 4 + [False] * 4
    assert ["call-balanced" in names for names in asked] == [False] * 4 + [True] * 4
    rows = [line.split()[:3] for line in result.output.splitlines() if "48x64" in line]
    kinds = [(size, how) for size in ("fast", "balanced") for how in ("latency", "throughput")]
    assert rows == [["48x64", *kind] for kind in kinds] * 2
    assert "call, balanced and fast, latency and throughput, on" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quality", "fast,nice"], "quality must be one of fast, balanced, best, got 'nice'"),
        (["--model", "call-fast", "--quality", "fast,best,odd"], "got 'odd'"),
        (["--textbook", "--csv", "a.csv"], "--calls does not go with --csv, --textbook; leave"),
        (["--model", "a", "--model", "b"], "--calls measures one --model"),
        (["--precision", "f32,bf16"], "--calls measures one --precision"),
        (["--seconds", "0"], "seconds must be above 0 and at most 1000, got 0"),
        (["--sizes", "big"], "unknown size 'big'"),
        (["--mode", "fast"], "fast"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(bench, ["--calls", *arguments])
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)
    alone = CliRunner().invoke(bench, ["--quality", "fast"])
    assert "--quality goes with --calls" in str(alone.exception)
    nothing = CliRunner().invoke(bench, ["--calls", "0"])
    assert "fps must be above 0" in str(nothing.exception)
