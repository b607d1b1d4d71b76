r"""Writes docs/BENCHMARK.md: measures what is not measured yet, and renders the page from the JSON.

    python scripts/benchmark_page.py --data photos/ --clips calls/ --peers rivals/ \
        --checkpoints checkpoints/ --papers papers/

Results are kept in --results; what is there already is not measured again, so an interrupted run
goes on where it stopped. Remove the folder to measure everything anew. What has no results, as
nothing but --only was measured, stays as it stands on the page, and with --two-sizes of the clips
the rows of `fast` and of other filters, if the input's row comes out the same. Other programs need
environments of their own: their rows are of `host_rows.py --json RESULTS/hosts.json`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from benchmark_aims import AIMS, UNSHARP, int8_costs, reach, reach_int8
from benchmark_kept import AIMED, Page

from ovsharp.benchmarks.rivals import find_rivals, ratios
from ovsharp.benchmarks.variants import convert_candidate
from ovsharp.benchmarks.verdict import SAME_SPEED
from ovsharp.convert import Options
from ovsharp.engine import instruction_sets
from ovsharp.errors import UsageError
from ovsharp.evaluation import Evaluation
from ovsharp.evaluation.results import ALL, BICUBIC, INPUT, MEASURES, Group, Measure
from ovsharp.files import staged
from ovsharp.measuring.results import Report, Row
from ovsharp.reports import WIDTH, axis_ticks, draw_line, draw_text
from ovsharp.runtime import shipped_models, shipped_routers
from ovsharp.runtime.sizes import ENDINGS

REFERENCES = {
    "ref-gla": "gla_student.pth",
    "ref-visionarv": "visionarv_student.pth",
    "ref-dynamic-duo": "dynamic_duo_student.xml",
}
"""The reference systems, by the names of their files in --checkpoints."""
MACHINE, HOW = "The machine", "How it was measured"
SPEED, ISA, HOSTS = "Speed", "Instruction sets", "Other programs"
"""Titles of sections, beside one of each task."""
SPEED_ALONE = "speed"
"""Of --only, beside the names of tasks."""
SIZES = "480p,720p,1080p"
NATIVE = "native"
ISAS = {
    "AVX512_CORE_VNNI": ("AVX512_VNNI", ("AVX512_BF16", "AMX_INT8")),
    "AVX2_VNNI": ("AVX_VNNI", ("AVX512",)),
    "AVX2": ("AVX2", ("AVX512", "AVX_VNNI")),
}
"""Held to with ONEDNN_MAX_CPU_ISA where the CPU has the set and one of the newer ones behind it.
AVX2_VNNI is what Intel Core has had since the 12th generation."""
COMMAND = (
    "make benchmark-page DATA=photos/ CLIPS=calls/ PEERS=rivals/ CHECKPOINTS=checkpoints/ "
    "PAPERS=papers/"
)


@dataclass(frozen=True)
class Task:
    """What `ovsharp eval` is asked for."""

    title: str
    own: tuple[str, ...] = ()
    """What the names of our models begin with; none for what `eval` takes by itself."""
    models: tuple[str, ...] = ()
    """Our models by name, in place of `own`."""
    pairs: str = ""
    """The folder of --papers with `lr` and `hr`, whose pictures have equal names; else none."""
    scale: int = 0
    """Of the models of others that stand beside them; 0 for none."""
    damages: Mapping[str, str] = field(default_factory=dict)
    """Recipes, by name; none for the ways that clips are sent."""
    options: tuple[str, ...] = ("--images", "24", "--crop", "384")
    more: tuple[str, ...] = ()
    """Options that --two-sizes leaves out: the rows of what they ask for may stay."""
    quick: tuple[str, ...] = ("--images", "2", "--crop", "176")
    """In place of `options`, to try it out."""


PAPERS = "down(scale={0}, method=antialiased)"
PHOTO_DAMAGES = {
    "h264 half size": "h264(crf=26, scale=2)",
    "h264": "h264(crf=36)",
    "jpeg": "jpeg(quality=15)",
    "noise": "noise(sigma=10)",
    "gla": "gla",
    "edsr": "edsr",
}
TWO_SIZES = ("--quality", "balanced", "--quality", "best")
PAPER_MODELS = {
    2: ("x2-balanced", "x2-quality", "x2-clean", "x2-clean-quality"),
    4: ("x4", "x4-clean"),
}
"""Beside papers' own small pictures, by scale."""
TASKS = {
    "clips": Task(
        "real clips",
        options=(
            *("--size", "720p", "--measure-every", "4", "--vmaf-every", "60"),
            *TWO_SIZES,
        ),
        more=("--rivals", "--quality", "fast"),
        quick=("--size", "176p", "--vmaf-every", "0", "--seconds", "0.2"),
    ),
    "crisp": Task(
        f"real clips, crisper: {UNSHARP}",
        options=(
            *("--size", "720p", "--measure-every", "4", "--vmaf-every", "60"),
            *("--sent", "x264 250k 1/2=x264(kbps=250, scale=2)"),
            *("--sent", "vp8 300k 1/2=vp8(kbps=300, scale=2, speed=6)"),
            *(*UNSHARP.split(), *TWO_SIZES),
        ),
        quick=("--size", "176p", "--vmaf-every", "0", "--seconds", "0.2", *UNSHARP.split()),
    ),
    "router": Task(
        "same size, two sizes of the router",
        models=("call",),
        damages=PHOTO_DAMAGES,
        options=("--images", "67", "--crop", "512", *TWO_SIZES),
        quick=("--images", "2", "--crop", "176", *TWO_SIZES),
    ),
    "x1": Task(
        "same size",
        own=("call", "sharp"),
        scale=1,
        damages={"call": "call", **PHOTO_DAMAGES, "clean": "clean", "synergy": "synergy"},
    ),
    "x4": Task(
        "x4",
        own=("x4",),
        scale=4,
        damages={
            "dynamic-duo": "dynamic-duo",
            "x4 clean": "x4",
            "x4 bicubic": "down(scale=4, method=bicubic)",
            "x4 jpeg": "x4 + jpeg(quality=20)",
            "x4 h264": "x4 + h264(crf=26)",
        },
    ),
    "x2-luma": Task(
        "x2, as in papers",
        own=("x2",),
        scale=2,
        damages={"antialiased": PAPERS.format(2), "OpenCV": "down(scale=2, method=bicubic)"},
        options=("--protocol", "luma", "--images", "24"),
        quick=("--protocol", "luma", "--images", "2"),
    ),
    "x4-luma": Task(
        "x4, as in papers",
        own=("x4",),
        scale=4,
        damages={"antialiased": PAPERS.format(4), "OpenCV": "down(scale=4, method=bicubic)"},
        options=("--protocol", "luma", "--images", "24"),
        quick=("--protocol", "luma", "--images", "2"),
    ),
    **{
        f"{name}-x{scale}": Task(
            f"x{scale}, {name} as published",
            models=PAPER_MODELS[scale],
            scale=scale,
            pairs=f"{name}-x{scale}",
            options=("--protocol", "luma"),
            quick=("--protocol", "luma", "--images", "2"),
        )
        for scale in PAPER_MODELS
        for name in ("Set5", "Set14", "BSD100", "Urban100")
    },
}


@dataclass(frozen=True)
class Results:
    """All that the page is made of; what is not there is None and is named on the page."""

    speeds: dict[str, Report | None]
    """By instruction set."""
    evaluations: dict[str, Evaluation | None]
    """By the names of `TASKS`."""
    hosts: dict[str, Any] | None
    """Of host_rows.py."""


def read(folder: Path) -> Results:
    """Read the JSON files of a folder."""
    speeds: dict[str, Report | None] = {}
    for isa in (NATIVE, *ISAS):
        file = folder / f"speed-{isa}.json"
        speeds[isa] = Report.from_json(file.read_text("utf-8")) if file.is_file() else None
    evaluations: dict[str, Evaluation | None] = {}
    for task in TASKS:
        file = folder / f"quality-{task}" / "results.json"
        evaluations[task] = (
            Evaluation.from_json(file.read_text("utf-8")) if file.is_file() else None
        )
    file = folder / "hosts.json"
    hosts = json.loads(file.read_text("utf-8")) if file.is_file() else None
    return Results(speeds, evaluations, hosts)


def measure(args: argparse.Namespace) -> None:
    """Run what has no JSON yet, with the command line that a user has."""
    folder: Path = args.results
    folder.mkdir(parents=True, exist_ok=True)
    others = folder / "others"
    if not others.is_dir():
        with staged(folder) as staging:
            _convert(args.peers, args.checkpoints, staging / "others")
    shipped = [option for name in family() for option in ("--model", name)]
    quick = args.quick
    sizes = "480p" if quick else SIZES
    seconds = "0.3" if quick else "1.5"
    present = [name for name, there in (instruction_sets() or {}).items() if there]
    for isa in (NATIVE, *older(present)) if SPEED_ALONE in args.only else ():
        file = folder / f"speed-{isa}.json"
        if not file.is_file():
            command = ["bench", "--mode", "latency", "--sizes", sizes, "--seconds", seconds]
            command += ["--data", str(args.data), "--images", "2" if quick else "4", *shipped]
            command += ["--json", str(file)]
            command += ["--peers", str(others)] if isa == NATIVE else ["--precision", "int8"]
            _run([*command, *(["--isa", isa] if isa != NATIVE else [])])
    for name, task in TASKS.items():
        out = folder / f"quality-{name}"
        if name not in args.only or (out / "results.json").is_file():
            continue
        if task.pairs and args.papers is None:
            continue
        source = ["--data", str(args.data)] if task.damages else ["--clips", str(args.clips)]
        if task.pairs:
            pair = args.papers / task.pairs
            source = ["--pairs", str(pair / "lr"), str(pair / "hr")]
        command = ["eval", *source, "-o", str(out), "--resume"]
        command += task.quick if quick else task.options
        command += () if quick or args.two_sizes else task.more
        models = [*task.models]
        models += [name for name in (*shipped_routers(), *family()) if name.startswith(task.own)]
        models += [str(path) for path in _of_scale(others, task.scale)] if task.scale else []
        for model in models:
            command += ["--model", model]
        for damage, recipe in task.damages.items():
            command += ["--degrade", f"{damage}={recipe}"]
        _run(command)


def family() -> list[str]:
    """Give the shipped models, one for all of those that only a router chooses."""
    names = shipped_models()
    ends = tuple(ENDINGS.values())
    # Those of a router's models that are for one damage each have two words more than their task.
    ours = [name for name in names if name.endswith(ends) and name.count("-") == 1]
    alone = ("call-codec", "sharp-gla", "x2-clean", "x2-clean-quality")
    return [*ours, *(name for name in names if name in alone)]


def older(instructions: Iterable[str]) -> list[str]:
    """Give the instruction sets that a CPU can be held back to."""
    there = set(instructions)
    return [isa for isa, (own, newer) in ISAS.items() if own in there and there & set(newer)]


def _convert(peers: Path, checkpoints: Path, folder: Path) -> None:
    """Make IRs of the rivals and the reference systems, each in a folder of its name."""
    find_rivals(peers, [], folder)
    for name, file in REFERENCES.items():
        path = checkpoints / file
        if not path.is_file():
            raise UsageError(f"--checkpoints expects {file} in {checkpoints}")
        convert_candidate(path, Options(name=name), folder / name, storages=("fp32",))


def _of_scale(others: Path, scale: int) -> list[Path]:
    """Models that take frames of any size and enlarge them by this much."""
    from ovsharp.engine import get_core, read_ir

    specs = {path: read_ir(path, get_core())[1] for path in sorted(others.rglob("*.xml"))}
    return [path for path, spec in specs.items() if spec.scale == scale and spec.size is None]


def _run(arguments: Sequence[str]) -> None:
    command = [sys.executable, "-m", "ovsharp", *arguments]
    print("ovsharp", *arguments, flush=True)
    code = subprocess.run(command, check=False).returncode
    if code:
        raise SystemExit(code)


def render(results: Results, before: Page) -> dict[str, str]:
    """Make the page and its pictures of the results, by file name.

    Args:
        results: what was measured.
        before: the page that stands, of which sections without results are kept.
    """
    native = results.speeds[NATIVE]
    pictures = {}
    if native:
        pictures["benchmark-quality.svg"] = quality_svg(results)
    if sum(report is not None for report in results.speeds.values()) > 1:
        pictures["benchmark-isa.svg"] = isa_svg(results)
    parts = [
        "# Benchmark",
        f"Written by `{COMMAND}` from the JSON of `ovsharp bench` and `ovsharp eval`. No figure "
        "is typed by hand.",
        *_missing(results, before),
        *_aims(results, before),
        *(_machine(native) if native else before.section(MACHINE)),
        *_how(results, before),
        *(_speed(native) if native else before.section(SPEED)),
        *(_isa(results) or before.section(ISA)),
        *(_hosts(results) or before.section(HOSTS)),
        *_quality(results, before),
        "## Again",
        f"    {COMMAND}",
    ]
    return {"BENCHMARK.md": "\n\n".join(parts) + "\n", **pictures}


def _missing(results: Results, before: Page) -> list[str]:
    native = results.speeds[NATIVE]
    expected = older(native.environment.instructions) if native else ISAS
    sections = {
        f"speed with {isa}": SPEED if isa == NATIVE else ISA
        for isa in (NATIVE, *expected)
        if results.speeds[isa] is None
    }
    found = results.evaluations
    sections |= {
        f"quality ({task.title})": _scored(task)
        for name, task in TASKS.items()
        if found[name] is None
    }
    sections |= {} if results.hosts else {"other programs": HOSTS}
    lost = [name for name, title in sections.items() if title not in before.sections]
    kept = [name for name, title in sections.items() if title in before.sections]
    lines = [f"**Not measured: {', '.join(lost)}.**"] if lost else []
    return [*lines, f"Kept from an earlier run: {', '.join(kept)}."] if kept else lines


def _scored(task: Task) -> str:
    return f"Quality, {task.title}"


def _aims(results: Results, before: Page) -> list[str]:
    rows = reach(AIMS, results.evaluations, before.reached())
    if not rows:
        return []
    rows.append(reach_int8(int8_costs()))
    held = sum(row.holds for row in rows)
    cells = [
        _row(
            [row.damage, row.method, row.measure, row.wanted, row.found],
            "" if row.holds else "missed",
        )
        for row in rows
    ]
    return [
        f"## {AIMED}",
        f"{held} of {len(rows)} aims are reached; **those in bold are not**. A figure with a sign "
        "is above the input's, or above that of what is named; the others are the picture's own.",
        _table(("", "by", "measure", "wanted", "reached", ""), cells, 3),
    ]


def _machine(report: Report) -> list[str]:
    machine = report.environment
    amx = [name for name in machine.instructions if name.upper().startswith("AMX")]
    load = " ".join(map(str, machine.load_before)) or "unknown"
    after = " ".join(map(str, machine.load_after)) or "unknown"
    lines = (
        f"{machine.cpu}: {machine.logical_cores} logical cores, {machine.usable_cores:g} usable; "
        f"{machine.memory_gib:g} GiB; {machine.system}",
        f"instruction sets {' '.join(machine.instructions)}; in use {machine.used_isa}; "
        + ("with AMX" if amx else "**no AMX: figures with it are not to be had here**"),
        f"Python {machine.python}, "
        + ", ".join(f"{name} {version}" for name, version in machine.versions.items()),
        f"ovsharp {report.version}, {report.date}; load average before {load}, after {after}",
    )
    return [f"## {MACHINE}", "\n".join(f"- {line}" for line in lines)]


def _how(results: Results, before: Page) -> list[str]:
    lines: list[str] = []
    native = results.speeds[NATIVE]
    if native:
        lines.append(
            f"Speed: end to end, numpy frame in, numpy frame out, one at a time; warmed up until "
            f"times settle; all rows of a size in turns, {native.options['seconds']:g} s in all "
            f"for each. n: counted calls; 50, 90, 99: percentiles. Every model as it is "
            f"usually run: INT8 where there is one, in the fastest precision of the device."
        )
    elif line := before.line(HOW, "Speed"):
        lines.append(line)
    for name, found in results.evaluations.items():
        if found is None:
            if line := before.line(HOW, _scored(TASKS[name])):
                lines.append(line)
            continue
        said = ""
        if found.kind == "images":
            crop = f"cropped to {found.crop} pixels" if found.crop else "whole"
            said = f", {crop}; each is damaged with a seed of its own"
        if found.protocol == "luma":
            said += "; Y of BT.601 in studio range, without a border of as many pixels as the scale"
        skipped = f", {len(found.skipped)} skipped" if found.skipped else ""
        count = len({row.image for row in found.rows})
        notes = "".join(f"; {note}" for note in found.notes)
        made = f"; {found.date}, {found.device_name}"
        lines.append(f"{_scored(TASKS[name])}: {count} {found.kind}{skipped}{said}{notes}{made}.")
    lines.append(
        "SSIM after Wang et al. 2004. bicubic: the input enlarged; at x1 the input itself. ± is "
        "the 95 % interval of the mean (Student's t). input at other scales: pixels repeated."
    )
    lines.append(
        "**Rows in bold lose**; their last column says to what: a model of ours that is slower by "
        f"{SAME_SPEED:.0%} or more than another of the same task; any model below the input or "
        "bicubic in the mean of the first figure; a model of ours below one of others."
    )
    return [f"## {HOW}", "\n".join(f"- {line}" for line in lines)]


def _speed(report: Report) -> list[str]:
    parts = [f"## {SPEED}", "![SSIM over time](benchmark-quality.svg)"]
    for size in report.sizes:
        rows = []
        for row in report.rows:
            speed = row.speed(size)
            timing = speed.frame_sync if speed else None
            if speed is None or timing is None or timing.latency is None:
                continue
            late = timing.latency
            others = [
                ratio.other.model
                for ratio in ratios(report, size)
                if ratio.own is row and ratio.same_task and ratio.times < 1 - SAME_SPEED
            ]
            cells = [row.model, f"x{row.scale}", row.storage.upper(), row.execution]
            cells += [f"{value:.1f}" for value in (late.p50, late.p90, late.p99)]
            cells += [str(late.n), f"{timing.fps:.1f}", speed.reaches(30), speed.reaches(60)]
            rows.append(_row(cells, f"slower than {', '.join(others)}" if others else ""))
        heads = ("model", "scale", "storage", "execution", "ms 50", "90", "99", "n", "FPS")
        parts += [f"### {size} out", _table((*heads, "30 FPS", "60 FPS", "loses"), rows, 4)]
        lines = [f"- {ratio.sentence}" for ratio in ratios(report, size) if ratio.same_task]
        if lines:
            parts += [
                f"<details><summary>{len(lines)} ratios to others of the same task, at {size} in "
                f"the same run</summary>\n\n" + "\n".join(lines) + "\n\n</details>"
            ]
    notes = "\n".join(f"- {note}" for note in report.notes)
    return [*parts, notes] if notes else parts


def _isa(results: Results) -> list[str]:
    reports = {isa: report for isa, report in results.speeds.items() if report}
    if len(reports) < 2:
        return []
    parts = [
        f"## {ISA}",
        "End-to-end FPS, `ONEDNN_MAX_CPU_ISA` holding oneDNN to an older set; AVX2_VNNI is "
        "that of Intel Core since the 12th generation. The runs followed each other, so compare "
        "across columns with more care than within one.",
        "![FPS by instruction set](benchmark-isa.svg)",
    ]
    first = next(iter(reports.values()))
    for size in first.sizes:
        rows = []
        for model in (name for name in first.models if _own(first, name)):
            cells = [_fps(_best(report, model), size) for report in reports.values()]
            rows.append([model, *cells])
        parts += [f"### {size} out", _table(("model", *reports), rows, 1)]
    return parts


def _hosts(results: Results) -> list[str]:
    if results.hosts is None:
        return []
    rows = [
        [row["name"], f"{row['best']:.1f}", f"{row['median']:.1f}", f"{row['ratio']:.1f}"]
        for row in results.hosts["rows"]
    ]
    return [
        f"## {HOSTS}",
        f"Milliseconds a frame of {results.hosts['size']}, {results.hosts['model']}, "
        f"{results.hosts['n']} frames in turns on {results.hosts['isa']} "
        "(scripts/host_rows.py). LiteRT and ONNX Runtime "
        "take floats and give floats; the picture costs extra.",
        _table(("", "best", "median", "beside ovsharp INT8"), rows, 1),
    ]


def _own(report: Report, model: str) -> bool:
    return any(row.model == model and row.role == "own" for row in report.rows)


def _best(report: Report, model: str) -> Row | None:
    rows = [row for row in report.rows if row.model == model and row.speeds]
    return max(rows, key=lambda row: row.speeds[-1].fps or 0, default=None)


def _fps(row: Row | None, size: str) -> str:
    speed = row.speed(size) if row else None
    return (
        "-"
        if row is None or speed is None or not speed.fps
        else (f"{speed.fps:.1f} ({row.execution})")
    )


def _quality(results: Results, before: Page) -> list[str]:
    parts = []
    own = {*shipped_models(), *shipped_routers()}
    for name, found in results.evaluations.items():
        if found is None:
            parts += before.section(_scored(TASKS[name]))
            continue
        shown = _shown(found)
        heads = ["method", "n"]
        for measure in shown:
            heads += [measure.title, *(["±"] if measure is shown[0] else [])]
        heads += ["better than input", "worst change", f"worst {found.kind[:-1]}", "loses"]
        parts.append(f"## {_scored(TASKS[name])}")
        for damage in found.degradations:
            groups = [
                group
                for group in found.groups
                if (group.degradation, group.category) == (damage.name, ALL)
            ]
            cells = {short(group.method): _quality_cells(group, shown) for group in groups}
            stood = before.rows(_scored(TASKS[name]), damage.name) if TASKS[name].more else {}
            kept = _kept(stood, cells)
            others = {method: float(row[2]) for method, row in kept.items()}
            rows = {
                method: _row(cells[method], losses(group, groups, own, shown[0].name, others))
                for method, group in zip(cells, groups, strict=True)
            }
            rows |= kept
            order = dict.fromkeys((*(method for method in stood if method in rows), *rows))
            table = _table(heads, [rows[method] for method in order], 1)
            parts += [f"### {damage.name}", f"`{damage.recipe}`", table]
            if kept:
                parts.append(
                    f"Kept from an earlier run, whose row of the input was the same: "
                    f"{', '.join(kept)}."
                )
    return parts


def _kept(
    stood: Mapping[str, list[str]], measured: Mapping[str, list[str]]
) -> dict[str, list[str]]:
    """Give the rows that are not measured again, if the input's own came out the same."""
    same = INPUT in stood and stood[INPUT][: len(measured[INPUT])] == measured[INPUT]
    return {method: row for method, row in stood.items() if same and method not in measured}


def _shown(found: Evaluation) -> tuple[Measure, ...]:
    """Give the measures that tables have; rows are judged by the first."""
    if found.protocol == "luma":
        names = ["psnr_y", "ssim_y"]
    elif found.kind == "clips":
        names = ["ssim", "psnr", "vmaf", "vmaf_neg", "edge_truth", "flicker", "harmed"]
    else:
        names = ["ssim", "psnr"]
    measures = {measure.name: measure for measure in MEASURES}
    return tuple(measures[name] for name in names)


def _quality_cells(group: Group, shown: Sequence[Measure]) -> list[str]:
    cells, base = [short(group.method), str(group.n)], group.method == INPUT
    for measure in shown:
        stat = group.measures.get(measure.name)
        cells.append(f"{stat.mean:.{measure.digits}f}" if stat else "-")
        if measure is shown[0]:
            known = stat is not None and stat.high is not None
            cells.append(f"{stat.high - stat.mean:.{measure.digits}f}" if known else "-")
    return [
        *cells,
        "-" if base else f"{group.better / group.n:.0%}",
        "-" if base else f"{group.worst_change:+.4f}",
        "-" if base else group.worst_image,
    ]


def losses(
    group: Group,
    groups: Iterable[Group],
    own: set[str],
    measure: str = "ssim",
    kept: Mapping[str, float] | None = None,
) -> str:
    """Say what a model is below in the mean: input, bicubic; one's own also: others' models.

    What is our own bears a shipped name, perhaps with a size behind it. `kept` are the means of
    rows that were not measured again.
    """

    def ours(method: str) -> bool:
        return method.partition(" ")[0] in own

    if group.method in (INPUT, BICUBIC):
        return ""
    value = group.measures[measure].mean
    above = [
        short(other.method)
        for other in groups
        if other.measures[measure].mean > value
        and (other.method in (INPUT, BICUBIC) or (ours(group.method) and not ours(other.method)))
    ]
    if ours(group.method):
        above += [name for name, mean in (kept or {}).items() if mean > value and not ours(name)]
    return f"below {', '.join(above)}" if above else ""


def short(method: str) -> str:
    """Leave the storage out of the name of others' models.

    Example:
        >>> short("ref-gla-fp32")
        'ref-gla'
    """
    return method.removesuffix("-fp32")


def _row(cells: Sequence[str], loss: str) -> list[str]:
    return [f"**{cells[0]}**", *cells[1:], f"**{loss}**"] if loss else [*cells, ""]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], texts: int) -> str:
    marks = ["---"] * texts + ["---:"] * (len(heads) - texts)
    lines = (heads, marks, *rows)
    return "\n".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines
    )


_STYLE = (
    "<style>svg{background:#fff}text{font:12px sans-serif;fill:#444}.name{fill:#111}"
    ".axis{stroke:#ddd}.mark{stroke:#888;stroke-dasharray:4 4}"
    ".own{fill:#d9730d}.rival{fill:#5b6ee1}.i0{fill:#0f9a8c}.i1{fill:#8a5cc2}.i2{fill:#d9730d}.i3{fill:#8b9099}</style>"
)


def _svg(height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}">{_STYLE}{"".join(parts)}</svg>\n'
    )


def quality_svg(results: Results) -> str:
    """SSIM gain over the input against the time per frame, on the first damage of each task.

    Times are those of the largest size of the native run, on a logarithmic axis.
    """
    import math

    native = results.speeds[NATIVE]
    parts: list[str] = []
    offset, left, right, deep = 0.0, 70, 20, 300
    for name, found in results.evaluations.items():
        if native is None or found is None or TASKS[name].pairs:
            continue
        damage = found.degradations[0].name
        before = found.group(damage, ALL, BICUBIC)
        points = []
        for group in found.groups:
            row = _best(native, short(group.method))
            speed = row.speed(native.sizes[-1]) if row else None
            timing = speed.frame_sync if speed else None
            if (
                (group.degradation, group.category) != (damage, ALL)
                or row is None
                or before is None
            ):
                continue
            if timing and timing.latency:
                gain = group.measures["ssim"].mean - before.measures["ssim"].mean
                points.append((short(group.method), row.role, timing.latency.p50, gain))
        if not points:
            continue
        times = [math.log10(time) for _, _, time, _ in points]
        gains = [0.0, *(gain for *_, gain in points)]
        span = max(0.005, max(gains) - min(gains))
        low, high = min(gains) - span * 0.1, max(gains) + span * 0.1
        start, end = min(times) - 0.1, max(times) + 0.75
        top, floor = offset + 34, offset + deep - 40

        def x(time: float, start: float = start, end: float = end) -> float:
            return left + (math.log10(time) - start) / (end - start) * (WIDTH - left - right)

        def y(
            gain: float,
            low: float = low,
            high: float = high,
            top: float = top,
            floor: float = floor,
        ) -> float:
            return floor - (gain - low) / (high - low) * (floor - top)

        over = "the input" if TASKS[name].scale == 1 else "bicubic"
        title = f"{TASKS[name].title}, {damage}: SSIM gain over {over}"
        parts.append(draw_text(left, offset + 18, title, anchor="start", kind="name"))
        for tick in axis_ticks(low, high):
            parts.append(draw_line(left, y(tick), WIDTH - right, y(tick)))
            parts.append(draw_text(left - 6, y(tick) + 4, f"{tick:+.3f}", anchor="end"))
        parts.append(draw_line(left, y(0), WIDTH - right, y(0), "mark"))
        for power in range(math.floor(start), math.ceil(end) + 1):
            for part in (1, 2, 5):
                if start <= math.log10(part * 10**power) <= end:
                    place = part * 10**power
                    parts.append(draw_text(x(place), floor + 16, f"{place:g}"))
        caption = f"median ms per frame, {native.sizes[-1]} out"
        parts.append(draw_text((left + WIDTH) / 2, floor + 33, caption))
        taken: list[tuple[float, float]] = []
        for method, role, time, gain in sorted(points, key=lambda point: -point[3]):
            parts.append(
                f'<circle cx="{x(time):.1f}" cy="{y(gain):.1f}" r="5" class="{role}"><title>'
                f"{escape(method)}</title></circle>"
            )
            level = y(gain) + 4
            while any(
                abs(level - other) < 12 and abs(x(time) - across) < 90 for across, other in taken
            ):
                level += 12
            taken.append((x(time), level))
            parts.append(draw_text(x(time) + 9, level, method, anchor="start", kind="name"))
        offset += deep
    return _svg(offset or 20, parts)


def isa_svg(results: Results) -> str:
    """Bars of end-to-end FPS by instruction set, own models, at the largest size."""
    reports = [(isa, report) for isa, report in results.speeds.items() if report]
    first = reports[0][1]
    size, left = first.sizes[-1], 120.0
    rows = [
        (
            model,
            [
                (isa, float(text.split()[0]))
                for isa, report in reports
                if (text := _fps(_best(report, model), size)) != "-"
            ],
        )
        for model in first.models
        if _own(first, model)
    ]
    most = max((rate for _, rates in rows for _, rate in rates), default=1.0)
    names = [isa for isa, _ in reports]
    parts = [draw_text(left, 14, f"end-to-end FPS, {size} out:", anchor="start", kind="name")]
    for index, isa in enumerate(names):
        parts.append(
            f'<rect x="{left + 150 * index:.0f}" y="22" width="10" height="10" class="i{index}"/>'
        )
        parts.append(draw_text(left + 150 * index + 15, 31, isa, anchor="start"))
    top = 44.0
    for model, rates in rows:
        parts.append(
            draw_text(left - 8, top + 7 * len(rates) + 3, model, anchor="end", kind="name")
        )
        for isa, rate in rates:
            width = rate / most * (WIDTH - left - 60)
            parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="12" '
                f'class="i{names.index(isa)}"/>'
            )
            parts.append(draw_text(left + width + 4, top + 10, f"{rate:.0f}", anchor="start"))
            top += 14
        top += 8
    return _svg(top, parts)


def main() -> None:
    """Measure, render, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of sharp images")
    parser.add_argument("--clips", type=Path, required=True, help="folder of sharp videos")
    parser.add_argument("--peers", type=Path, required=True, help="folder of rivals")
    parser.add_argument("--checkpoints", type=Path, required=True, help="reference systems")
    parser.add_argument("--papers", type=Path, help="Set5-x2 and others, each with lr and hr")
    choices = (SPEED_ALONE, *TASKS)
    parser.add_argument("--only", nargs="+", choices=choices, default=choices)
    parser.add_argument(
        "--two-sizes", action="store_true", help="of the clips only `balanced` and `best`"
    )
    parser.add_argument("--results", type=Path, default=Path("build/benchmark"))
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--quick", action="store_true", help="few images, 480p: to try it out")
    parser.add_argument(
        "--render", action="store_true", help="measure nothing, render what is there"
    )
    args = parser.parse_args()
    if not args.render:
        measure(args)
    page = args.out / "BENCHMARK.md"
    before = Page.read(page.read_text("utf-8")) if page.is_file() else Page()
    with staged(args.out) as staging:
        for name, text in render(read(args.results), before).items():
            (staging / name).write_text(text, encoding="utf-8")
    print(f"written: {page}")


if __name__ == "__main__":
    main()
