"""How long other programs take for one frame, beside ovsharp: rows of docs/BENCHMARK.md.

    ovsharp convert call-balanced --to planar -o models/
    ovsharp convert call-balanced --to tflite --size 360x640 --calib photos/ -o models/
    python scripts/host_rows.py models/ --model call-balanced --size 360x640 [--rounds 40]
        [--python litert=PYTHON] [--python vapoursynth=PYTHON] [--json build/benchmark/hosts.json]

Each program runs in a process of its own, with an interpreter of its own where one is named: the
extras `tflite` and `vapoursynth` want environments of their own. They take turns, one frame each,
so that what else the machine does hits all alike; what cannot run is left out, and said. Programs
that take floats are timed with floats in and out: how these become a picture is their own affair.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import IO, Any, cast

import numpy as np

ROOT = Path(__file__).parents[1]
HOSTS = ("ovsharp", "ovsharp-f32", "litert-int8", "litert-f32", "onnxruntime", "vapoursynth")
NAMES = {
    "ovsharp": "ovsharp INT8",
    "ovsharp-f32": "ovsharp f32",
    "litert-int8": "LiteRT INT8",
    "litert-f32": "LiteRT f32",
    "onnxruntime": "ONNX Runtime f32",
    "vapoursynth": "VapourSynth, `ovsharp.vs` INT8",
}
WARM = 5
"""Turns before it counts."""


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with the files that ovsharp convert wrote")
    parser.add_argument("--model", default="call-balanced")
    parser.add_argument("--size", default="360x640")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--python", action="append", default=[], metavar="HOST=PYTHON")
    parser.add_argument("--json", type=Path, help="what docs/BENCHMARK.md is made of")
    parser.add_argument("--serve", choices=HOSTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(options)
    interpreters = dict(one.split("=", 1) for one in options.python)
    running: dict[str, subprocess.Popen[str]] = {}
    for host in HOSTS:
        python = interpreters.get(host.partition("-")[0], sys.executable)
        command = [python, __file__, *sys.argv[1:], "--serve", host]
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        if said(child) == "ready":
            running[host] = child
        else:
            print(f"{NAMES[host]}: cannot run here", file=sys.stderr)
    taken: dict[str, list[float]] = {host: [] for host in running}
    for turn in range(WARM + options.rounds):
        for host, child in running.items():
            keys = cast("IO[str]", child.stdin)
            keys.write("\n")
            keys.flush()
            milliseconds = float(said(child))
            if turn >= WARM:
                taken[host].append(milliseconds)
    for child in running.values():
        child.communicate()
    own = taken["ovsharp"]
    rows = [
        {
            "name": NAMES[host],
            "best": min(values),
            "median": median(values),
            "ratio": median(one / other for one, other in zip(values, own, strict=True)),
        }
        for host, values in taken.items()
    ]
    print(f"| {options.model}, {options.size} | best ms | median ms | beside ovsharp INT8 |")
    print("|---|---|---|---|")
    for row in rows:
        print("| {name} | {best:.1f} | {median:.1f} | {ratio:.1f} |".format(**row))
    if options.json:
        from ovsharp.engine import used_isa  # other interpreters have no OpenVINO

        found = {
            "model": options.model,
            "size": options.size,
            "isa": used_isa(),
            "n": options.rounds,
            "rows": rows,
        }
        options.json.write_text(json.dumps(found, indent=1))
    return 0


def said(child: subprocess.Popen[str]) -> str:
    """Give the next line of a process; nothing where it has ended."""
    return cast("IO[str]", child.stdout).readline().strip()


def serve(options: argparse.Namespace) -> int:
    """Make one frame a line that comes, and say how many milliseconds it took."""
    height, width = map(int, options.size.split("x"))
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    make = HOW[options.serve](options, frame)
    make()
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        make()
        print(1000 * (time.perf_counter() - began), flush=True)
    return 0


def by_sharpener(precision: str | None) -> Any:
    """Give what makes the row of ovsharp itself."""

    def host(options: argparse.Namespace, frame: Any) -> Callable[[], Any]:
        from ovsharp import Sharpener

        sharpener = Sharpener(options.model, precision=precision, threads=options.threads)
        return lambda: sharpener(frame)

    return host


def by_litert(ending: str) -> Any:
    """Give what makes the row of a TFLite file."""

    def host(options: argparse.Namespace, frame: Any) -> Callable[[], Any]:
        from ai_edge_litert.interpreter import Interpreter

        path = options.folder / f"{options.model}-{options.size}{ending}.tflite"
        interpreter = Interpreter(model_path=str(path), num_threads=options.threads)
        interpreter.allocate_tensors()
        given = interpreter.get_input_details()[0]["index"]
        made = interpreter.get_output_details()[0]["index"]
        values = np.ascontiguousarray(frame[None, ..., ::-1], np.float32) / np.float32(255)

        def make() -> Any:
            interpreter.set_tensor(given, values)
            interpreter.invoke()
            return interpreter.get_tensor(made)

        return make

    return host


def by_onnxruntime(options: argparse.Namespace, frame: Any) -> Callable[[], Any]:
    """Make the row of ONNX Runtime."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    session = onnxruntime.InferenceSession(
        options.folder / f"{options.model}-planar.onnx", settings, ["CPUExecutionProvider"]
    )
    planes = frame[None, ..., ::-1].transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    return lambda: session.run(None, {"frame": planes})


def by_vapoursynth(options: argparse.Namespace, frame: Any) -> Callable[[], Any]:
    """Make the row of VapourSynth: each frame of a clip is made once."""
    import vapoursynth

    from ovsharp.vs import sharpen

    height, width = frame.shape[:2]
    blank = vapoursynth.core.std.BlankClip(
        format=vapoursynth.RGB24, width=width, height=height, length=100_000, keep=True
    )
    sharp = sharpen(blank, options.model, threads=options.threads)
    numbers = iter(range(sharp.num_frames))
    return lambda: sharp.get_frame(next(numbers))


HOW = {
    "ovsharp": by_sharpener(None),
    "ovsharp-f32": by_sharpener("f32"),
    "litert-int8": by_litert("-int8"),
    "litert-f32": by_litert(""),
    "onnxruntime": by_onnxruntime,
    "vapoursynth": by_vapoursynth,
}

if __name__ == "__main__":
    sys.exit(main())
