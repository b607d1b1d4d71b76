"""What the benchmark page measures, by the commands that a user has."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark_aims import UNSHARP

from ovsharp.benchmarks.rivals import find_rivals
from ovsharp.benchmarks.variants import convert_candidate
from ovsharp.convert import Options
from ovsharp.engine import get_core, instruction_sets, read_ir
from ovsharp.errors import UsageError
from ovsharp.files import staged
from ovsharp.runtime import shipped_models, shipped_routers
from ovsharp.runtime.sizes import ENDINGS

REFERENCES = {
    "ref-gla": "gla_student.pth",
    "ref-visionarv": "visionarv_student.pth",
    "ref-dynamic-duo": "dynamic_duo_student.xml",
}
"""The reference systems, by the names of their files in --checkpoints."""
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


PHOTO_DAMAGES = {
    "h264 half size": "h264(crf=26, scale=2)",
    "h264": "h264(crf=36)",
    "jpeg": "jpeg(quality=15)",
    "noise": "noise(sigma=10)",
    "gla": "gla",
    "edsr": "edsr",
}
LUMA = ("--protocol", "luma")
REAL = ("--size", "720p", "--measure-every", "4", "--vmaf-every", "60")
"""Of clips; QUICKLY in its place, to try it out."""
QUICKLY = ("--size", "176p", "--vmaf-every", "0", "--seconds", "0.2")
TWO_SIZES = ("--quality", "balanced", "--quality", "best")
PAPER_MODELS = {
    2: ("x2-balanced", "x2-quality", "x2-clean", "x2-clean-quality"),
    4: ("x4", "x4-clean"),
}
"""Beside papers' own small pictures, by scale."""
TASKS = {
    "clips": Task(
        "real clips",
        options=(*REAL, *TWO_SIZES),
        more=("--rivals", "--quality", "fast"),
        quick=QUICKLY,
    ),
    "crisp": Task(
        f"real clips, crisper: {UNSHARP}",
        options=(
            *REAL,
            *("--sent", "x264 250k 1/2=x264(kbps=250, scale=2)"),
            *("--sent", "vp8 300k 1/2=vp8(kbps=300, scale=2, speed=6)"),
            *(*UNSHARP.split(), *TWO_SIZES),
        ),
        quick=(*QUICKLY, *UNSHARP.split()),
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
    **{
        f"x{scale}-luma": Task(
            f"x{scale}, as in papers",
            own=(f"x{scale}",),
            scale=scale,
            damages={
                "antialiased": f"down(scale={scale}, method=antialiased)",
                "OpenCV": f"down(scale={scale}, method=bicubic)",
            },
            options=(*LUMA, "--images", "24"),
            quick=(*LUMA, "--images", "2"),
        )
        for scale in PAPER_MODELS
    },
    **{
        f"{name}-x{scale}": Task(
            f"x{scale}, {name} as published",
            models=PAPER_MODELS[scale],
            scale=scale,
            pairs=f"{name}-x{scale}",
            options=LUMA,
            quick=(*LUMA, "--images", "2"),
        )
        for scale in PAPER_MODELS
        for name in ("Set5", "Set14", "BSD100", "Urban100")
    },
}


def run_tasks(args: argparse.Namespace) -> None:
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
    specs = {path: read_ir(path, get_core())[1] for path in sorted(others.rglob("*.xml"))}
    return [path for path, spec in specs.items() if spec.scale == scale and spec.size is None]


def _run(arguments: Sequence[str]) -> None:
    command = [sys.executable, "-m", "ovsharp", *arguments]
    print("ovsharp", *arguments, flush=True)
    code = subprocess.run(command, check=False).returncode
    if code:
        raise SystemExit(code)
