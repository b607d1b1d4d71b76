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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmark_aims import AIMS, int8_costs, reach, reach_int8
from benchmark_kept import AIMED, Page
from benchmark_pictures import isa_svg, quality_svg
from benchmark_results import Results, fastest, fps_text, is_own, read, short
from benchmark_tasks import ISAS, NATIVE, SPEED_ALONE, TASKS, Task, older, run_tasks

from ovsharp.benchmarks.rivals import ratios
from ovsharp.benchmarks.verdict import SAME_SPEED
from ovsharp.evaluation import Evaluation
from ovsharp.evaluation.results import ALL, BICUBIC, INPUT, MEASURES, Group, Measure
from ovsharp.files import staged
from ovsharp.measuring.results import Report
from ovsharp.runtime import shipped_models, shipped_routers

MACHINE, HOW = "The machine", "How it was measured"
SPEED, ISA, HOSTS = "Speed", "Instruction sets", "Other programs"
"""Titles of sections, beside one of each task."""
COMMAND = (
    "make benchmark-page DATA=photos/ CLIPS=calls/ PEERS=rivals/ CHECKPOINTS=checkpoints/ "
    "PAPERS=papers/"
)


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
        for model in (name for name in first.models if is_own(first, name)):
            cells = [fps_text(fastest(report, model), size) for report in reports.values()]
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


def _row(cells: Sequence[str], loss: str) -> list[str]:
    return [f"**{cells[0]}**", *cells[1:], f"**{loss}**"] if loss else [*cells, ""]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], texts: int) -> str:
    marks = ["---"] * texts + ["---:"] * (len(heads) - texts)
    lines = (heads, marks, *rows)
    return "\n".join(
        "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines
    )


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
        run_tasks(args)
    page = args.out / "BENCHMARK.md"
    before = Page.read(page.read_text("utf-8")) if page.is_file() else Page()
    with staged(args.out) as staging:
        for name, text in render(read(args.results), before).items():
            (staging / name).write_text(text, encoding="utf-8")
    print(f"written: {page}")


if __name__ == "__main__":
    main()
