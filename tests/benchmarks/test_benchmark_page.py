"""The public page: every figure from the JSON, losses marked, what is missing named."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from ovsharp.evaluation.results import (
    MEASURES,
    Damage,
    Evaluation,
    Method,
)
from ovsharp.evaluation.results import Row as Scored
from ovsharp.evaluation.statistics import compare_pairs, group_rows
from ovsharp.measuring.results import Report
from tests.benchmarks.reports import report, row
from tests.scripts import loaded

PAPERS = (
    f"quality (x{scale}, {name} as published)"
    for scale in (2, 4)
    for name in ("Set5", "Set14", "BSD100", "Urban100")
)
UNSCORED = ", ".join(
    (
        "quality (real clips)",
        "quality (real clips, crisper: --unsharp 0.7)",
        "quality (same size, two sizes of the router)",
        "quality (x4)",
        "quality (x2, as in papers)",
        "quality (x4, as in papers)",
        *PAPERS,
    )
)
"""What the page of photos at their own size lacks."""


@pytest.fixture(scope="module")
def aims() -> ModuleType:
    return loaded("benchmark_aims")


@pytest.fixture(scope="module")
def page(aims: ModuleType) -> ModuleType:
    for name in ("kept", "tasks", "results", "pictures"):
        loaded(f"benchmark_{name}")
    return loaded("benchmark_page")


def speeds(*newer: str) -> Report:
    """A report of a CPU that has AVX2 and perhaps newer sets."""
    rival = dataclasses.replace(row("fp32", "bf16", model="ref-gla", ms=15), role="rival")
    own = [row("int8", "int8+bf16", model="sharp-fast", ms=10)]
    found = report(*own, row("int8", "int8+bf16", model="sharp-gla", ms=31.25), rival)
    machine = dataclasses.replace(found.environment, instructions=("AVX2", *newer))
    return dataclasses.replace(found, environment=machine)


def scores(*more: str, **kind: str) -> Evaluation:
    """Figures of five methods; `more` measures are their PSNR."""
    values = {
        "input": (0.80, 0.70),
        "bicubic": (0.80, 0.70),
        "sharp-gla": (0.90, 0.80),
        "sharp-fast": (0.70, 0.79),
        "ref-gla-fp32": (0.88, 0.78),
    }
    empty = dict.fromkeys(measure.name for measure in MEASURES)
    rows = tuple(
        Scored(
            "",
            f"{n}.png",
            "a",
            "gla",
            method,
            9,
            9,
            {**empty, "ssim": ssim, **dict.fromkeys(more, ssim * 30), "psnr": 25.0},
        )
        for method, both in values.items()
        for n, ssim in enumerate(both)
    )
    return Evaluation(
        date="2026-01-02 03:04 UTC",
        version="0.1.0",
        device_name="A processor",
        data="photos",
        crop=0,
        latency_size="720p",
        methods=tuple(Method(name, 1, "fp32", "f32", 1, 1.0) for name in values),
        degradations=(Damage("gla", "blur(sigma=1|2)", 1),),
        categories=("a",),
        rows=rows,
        skipped=(),
        groups=group_rows(rows),
        pairs=compare_pairs(rows),
        **kind,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "quality-x1").mkdir()
    (tmp_path / "speed-native.json").write_text(
        speeds("AVX_VNNI", "AVX512", "AVX512_VNNI", "AVX512_BF16").to_json()
    )
    (tmp_path / "quality-x1" / "results.json").write_text(scores().to_json())
    return tmp_path


def line(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))


def test_speed_is_that_of_the_json(page: ModuleType, folder: Path) -> None:
    text = page.render(page.read(folder), page.Page())["BENCHMARK.md"]
    assert line(text, "| sharp-fast | x1 | INT8") == (
        "| sharp-fast | x1 | INT8 | int8+bf16 | 10.0 | 12.0 | 15.0 | 50 | 100.0 | yes | yes |  |"
    )
    assert "sharp-fast (INT8, int8+bf16) is 1.5 times faster than ref-gla" in text


def test_losses_are_marked(page: ModuleType, folder: Path) -> None:
    text = page.render(page.read(folder), page.Page())["BENCHMARK.md"]
    assert line(text, "| **sharp-gla**").endswith("| **slower than ref-gla** |")
    worse = line(text, "| **sharp-fast**")
    assert "| 0.7450 |" in worse
    assert "| -0.1000 | 0.png |" in worse
    assert worse.endswith("| **below input, bicubic, ref-gla** |")
    assert line(text, "| sharp-gla | 2 | 0.8500").endswith("|  |")
    assert line(text, "| ref-gla | 2 | 0.8300").endswith("|  |")
    assert line(text, "| input | 2 | 0.7500")


def test_clips_and_papers_have_their_own_measures(page: ModuleType, folder: Path) -> None:
    made = {
        "clips": scores("vmaf", "vmaf_neg", "edge_truth", kind="clips"),
        "x4-luma": scores("psnr_y", protocol="luma"),
    }
    for name, evaluation in made.items():
        (folder / f"quality-{name}").mkdir()
        (folder / f"quality-{name}" / "results.json").write_text(evaluation.to_json())
    text = page.render(page.read(folder), page.Page())["BENCHMARK.md"]
    clips = text.partition("## Quality, real clips")[2].partition("## ")[2]
    assert "| VMAF | VMAF-NEG | edges / truth | flicker |" in clips
    assert "| ref-gla | 2 | 0.8300 | 0.6353 | 25.00 | 24.9 | 24.9 | 24.900 | - |" in clips
    papers = text.partition("## Quality, x4, as in papers")[2]
    assert "| method | n | PSNR-Y dB | ± | SSIM-Y |" in papers
    assert line(papers, "| **sharp-fast**").endswith("| **below input, bicubic, ref-gla** |")


def test_an_aim_stands_beside_what_was_reached(aims: ModuleType) -> None:
    def aim(wanted: float, method: str = "sharp-gla", over: str = "input") -> object:
        return aims.Aim("x1", "gla", method, "ssim", wanted, over)

    asked = (aim(0.1), aim(0.1001), aim(0.0, over="ref-gla-fp32"), aim(0.9, "sharp-gla", ""))
    found = aims.reach(asked, {"x1": scores(), "clips": None}, {})
    assert [(row.wanted, row.found, row.holds) for row in found] == [
        ("+0.1000", "+0.1000", True),
        ("+0.1001", "+0.1000", False),
        ("+0.0000", "+0.0200", True),
        ("0.9000", "0.8500", False),
    ]
    assert found[2].measure == "SSIM over ref-gla"
    assert aims.reach([aim(0.0, "absent"), aims.Aim("x4", "x4", "x4", "ssim", 0)], {}, {}) == []


def test_int8_is_judged_by_the_cards_of_the_models(aims: ModuleType) -> None:
    costs = aims.int8_costs()
    assert "call-codec" in costs
    assert [made.psnr_drop for made in costs.values()] == sorted(
        (made.psnr_drop for made in costs.values()), reverse=True
    )
    cheap = dataclasses.replace(costs["call-codec"], psnr_drop=0.0249, ssim_drop=0.00054)
    dear = dataclasses.replace(cheap, psnr_drop=0.03)
    assert aims.reach_int8({"a": cheap}).holds
    missed = aims.reach_int8({"b": dear, "a": cheap})
    assert (missed.found, missed.holds) == ("1 of 2; not b 0.03 dB, 0.0005", False)


def test_the_page_marks_the_aims_that_are_missed(page: ModuleType, folder: Path) -> None:
    assert "What was aimed at" not in page.render(page.read(folder), page.Page())["BENCHMARK.md"]
    found = scores(kind="clips")
    sent = dataclasses.replace(found.degradations[0], name="x264 crf 36")
    names = {"sharp-gla": "call balanced", "sharp-fast": "call best"}
    rows = tuple(
        dataclasses.replace(
            row,
            degradation=sent.name,
            method=names.get(row.method, row.method),
            measures={**row.measures, "psnr": row.ssim * 10},
        )
        for row in found.rows
    )
    found = dataclasses.replace(
        found, degradations=(sent,), rows=rows, groups=group_rows(rows), pairs=()
    )
    (folder / "quality-clips").mkdir()
    (folder / "quality-clips" / "results.json").write_text(found.to_json())
    text = page.render(page.read(folder), page.Page())["BENCHMARK.md"]
    assert "| x264 crf 36 | call balanced | PSNR dB | +0.45 | +1.00 |  |" in text
    assert "| **x264 crf 36** | call best | PSNR dB | +0.60 | -0.05 | **missed** |" in text
    assert line(text, "| **INT8 against FP32**")


def test_what_is_missing_is_named(page: ModuleType, folder: Path, tmp_path: Path) -> None:
    text = page.render(page.read(folder), page.Page())["BENCHMARK.md"]
    sets = [f"speed with {isa}" for isa in ("AVX512_CORE_VNNI", "AVX2_VNNI", "AVX2")]
    assert f"**Not measured: {', '.join(sets)}, {UNSCORED}, other programs.**" in text
    assert "no AMX" in text
    nothing = page.render(page.read(tmp_path / "none"), page.Page())
    assert list(nothing) == ["BENCHMARK.md"]
    assert "speed with native" in nothing["BENCHMARK.md"]


def test_what_is_not_measured_again_stays(page: ModuleType, folder: Path, tmp_path: Path) -> None:
    text = page.render(page.read(folder), page.Page())["BENCHMARK.md"]
    aim = "| x264 crf 36 | call balanced | PSNR dB | +0.45 | +0.55 |  |"
    head = "|  | by | measure | wanted | reached |  |\n| --- | --- | --- | ---: | ---: | ---: |"
    before = page.Page.read(text + f"\n## What was aimed at\n\n{head}\n{aim}\n")

    nothing = page.render(page.read(tmp_path / "none"), before)["BENCHMARK.md"]

    kept = "Kept from an earlier run: speed with native, quality (same size)"
    assert kept in nothing
    assert aim in nothing
    for start in ("| sharp-fast | x1", "- Speed: ", "- Quality, same size: ", "- A processor"):
        assert line(nothing, start) == line(text, start)
    assert nothing.count("## Quality, same size\n") == 1
    # What is measured again takes the place of what stood there.
    fresh = page.render(page.read(folder), page.Page.read(text.replace("0.8500", "0.1234")))
    assert "0.1234" not in fresh["BENCHMARK.md"]


def test_rows_that_are_not_measured_again_stay_beside_the_same_input(
    page: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = dataclasses.replace(page.TASKS["x1"], more=("--rivals",))
    monkeypatch.setitem(page.TASKS, "x1", task)
    text = page.render(page.read(folder), page.Page())["BENCHMARK.md"]
    other = line(text, "| ref-gla | 2 |").replace("ref-gla", "a filter").replace("0.8300", "0.8900")
    row = line(text, "| sharp-gla | 2 |")
    before = text.replace(row, f"{other}\n{row}")

    found = page.render(page.read(folder), page.Page.read(before))["BENCHMARK.md"]

    table = found.partition("### gla")[2].splitlines()
    names = [one.split("|")[1].strip(" *") for one in table if one.startswith("|")][2:]
    assert names[:4] == ["input", "bicubic", "a filter", "sharp-gla"]
    assert other in found
    assert line(found, "| **sharp-gla** | 2 |").endswith("**below a filter** |")
    assert "whose row of the input was the same: a filter." in found
    # Another input is another material: nothing of it stays.
    moved = before.replace(line(text, "| input | 2 |"), "| input | 2 | 0.7000 |")
    assert other not in page.render(page.read(folder), page.Page.read(moved))["BENCHMARK.md"]


def test_a_cpu_is_not_held_to_what_it_has_not(page: ModuleType) -> None:
    assert page.older(["AVX2", "AVX512", "AVX512_VNNI", "AVX512_BF16"]) == [
        "AVX512_CORE_VNNI",
        "AVX2",
    ]


def test_a_cpu_without_newer_instructions_is_not_held_back(page: ModuleType, folder: Path) -> None:
    (folder / "speed-native.json").write_text(speeds().to_json())
    files = page.render(page.read(folder), page.Page())
    assert f"**Not measured: {UNSCORED}, other programs.**" in files["BENCHMARK.md"]
    assert "Instruction sets" not in files["BENCHMARK.md"]
    assert set(files) == {"BENCHMARK.md", "benchmark-quality.svg"}


def test_other_programs_stand_beside_ovsharp(page: ModuleType, folder: Path) -> None:
    row = {"name": "LiteRT INT8", "best": 9.21, "median": 10.0, "ratio": 1.31}
    hosts = {"model": "call-balanced", "size": "360x640", "isa": "AVX2", "n": 60}
    (folder / "hosts.json").write_text(json.dumps({**hosts, "rows": [row]}))
    text = page.render(page.read(folder), page.Page())["BENCHMARK.md"]
    assert "| LiteRT INT8 | 9.2 | 10.0 | 1.3 |" in text
    assert "other programs" not in text


def test_instruction_sets_are_side_by_side(page: ModuleType, folder: Path) -> None:
    older = report(row("int8", "int8+f32", model="sharp-fast", ms=40))
    (folder / "speed-AVX2.json").write_text(older.to_json())
    files = page.render(page.read(folder), page.Page())
    expected = "| sharp-fast | 100.0 (int8+bf16) | 25.0 (int8+f32) |"
    assert expected in files["BENCHMARK.md"]
    assert "| ref-gla | " not in files["BENCHMARK.md"].partition("## Instruction sets")[2][:400]


def test_pictures_are_xml_and_are_shown(page: ModuleType, folder: Path) -> None:
    (folder / "speed-AVX2.json").write_text(speeds().to_json())
    files = page.render(page.read(folder), page.Page())
    for name in ("benchmark-quality.svg", "benchmark-isa.svg"):
        assert f"]({name})" in files["BENCHMARK.md"]
        ElementTree.fromstring(files[name])
    assert "sharp-gla" in files["benchmark-quality.svg"]
