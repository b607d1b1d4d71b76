"""How long other programs take for one frame, beside ovsharp: rows of docs/BENCHMARK.md.

    ovsharp convert call-balanced --to planar -o models/
    ovsharp convert call-balanced --to tflite --size 360x640 --calib photos/ -o models/
    pnnx models/call-balanced-planar.onnx "inputshape=[1,3,360,640]"
    python scripts/host_rows.py models/ --model call-balanced --size 360x640 [--rounds 40]
        [--python litert=PYTHON] [--python vapoursynth=PYTHON] [--python ncnn=PYTHON]
        [--python onnxruntime=PYTHON] [--python torch=PYTHON] [--json build/benchmark/hosts.json]

Each program runs in a process of its own, with an interpreter of its own where one is named: the
extras `tflite` and `vapoursynth` want environments of their own, and the others are no part of
ovsharp: `pip install ncnn`, `onnxruntime onnx`, `torchao` beside torch. They take turns, two frames
each, so that what else the machine does hits all alike; what cannot run is left out, and said.
Programs that take floats are timed with floats in and out: how these become a picture is their own
affair. Who has no turn is stopped: threads that wait for work by turning, as OpenMP's and ONNX
Runtime's do, took half of the others' time.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import IO, Any, cast

import numpy as np

ROOT = Path(__file__).parents[1]
NAMES = {
    "ovsharp": "ovsharp INT8",
    "ovsharp-f32": "ovsharp f32",
    "litert-int8": "LiteRT INT8",
    "litert-f32": "LiteRT f32",
    "onnxruntime-int8": "ONNX Runtime INT8",
    "onnxruntime-f32": "ONNX Runtime f32",
    "torch-int8": "torch.compile INT8 (torchao)",
    "torch-bf16": "torch.compile bf16",
    "torch-f32": "torch.compile f32",
    "ncnn": "ncnn f32",
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
    parser.add_argument("--serve", choices=NAMES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    interpreters = dict(one.split("=", 1) for one in options.python)
    running: dict[str, subprocess.Popen[str]] = {}
    for host in NAMES:
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
            child.send_signal(signal.SIGSTOP)
            running[host] = child
        else:
            print(f"{NAMES[host]}: cannot run here", file=sys.stderr)
    try:
        taken = take_turns(running, options.rounds)
    finally:  # who is stopped would wait for ever
        for child in running.values():
            child.send_signal(signal.SIGCONT)
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


def take_turns(running: dict[str, subprocess.Popen[str]], rounds: int) -> dict[str, list[float]]:
    """Give the milliseconds of each process, which are stopped before and after their turns."""
    taken: dict[str, list[float]] = {host: [] for host in running}
    for turn in range(WARM + rounds):
        for host, child in running.items():
            child.send_signal(signal.SIGCONT)
            keys = cast("IO[str]", child.stdin)
            keys.write("\n")
            keys.flush()
            milliseconds = float(said(child))
            child.send_signal(signal.SIGSTOP)
            if turn >= WARM:
                taken[host].append(milliseconds)
    return taken


def said(child: subprocess.Popen[str]) -> str:
    """Give the next line of a process; nothing where it has ended."""
    return cast("IO[str]", child.stdout).readline().strip()


def serve(options: argparse.Namespace) -> int:
    """Make two frames a line that comes, and say how many milliseconds the second took."""
    height, width = map(int, options.size.split("x"))
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    make = HOW[options.serve](options, frame)
    make()
    print("ready", flush=True)
    for _ in sys.stdin:
        make()  # threads and caches that were stopped
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


def by_onnxruntime(*, int8: bool) -> Any:
    """Give what makes the row of ONNX Runtime; in 8 bits by its own quantization of the frame."""

    def host(options: argparse.Namespace, frame: Any) -> Callable[[], Any]:
        import onnxruntime

        path, fed = options.folder / f"{options.model}-planar.onnx", {"frame": planes_of(frame)}
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        with TemporaryDirectory() as folder:
            if int8:
                from onnxruntime.quantization import CalibrationDataReader, quantize_static

                class Frames(CalibrationDataReader):
                    """The one frame, once."""

                    def __init__(self) -> None:
                        self.left = [fed]

                    def get_next(self) -> Any:
                        return self.left.pop() if self.left else None

                floats, path = path, Path(folder) / "int8.onnx"
                quantize_static(floats, path, Frames(), per_channel=True)
            session = onnxruntime.InferenceSession(path, settings, ["CPUExecutionProvider"])
        return lambda: session.run(None, fed)

    return host


def by_torch(kind: str) -> Any:
    """Give what makes the row of torch.compile; in 8 bits by torchao's quantizer for x86."""

    def host(options: argparse.Namespace, frame: Any) -> Callable[[], Any]:
        import torch
        import torch._inductor.config

        from ovsharp.models import load_network

        torch.set_num_threads(options.threads)
        torch.set_grad_enabled(False)
        torch._inductor.config.freezing = True
        weights = ROOT / "ovsharp" / "models" / "shipped" / options.model / "student.pth"
        network: Any = load_network(weights).module.to(memory_format=torch.channels_last)
        image = torch.from_numpy(planes_of(frame)).to(memory_format=torch.channels_last)
        if kind == "bf16":
            network, image = network.bfloat16(), image.bfloat16()
        if kind == "int8":
            from torchao.quantization.pt2e import quantize_pt2e
            from torchao.quantization.pt2e.quantizer import x86_inductor_quantizer as x86

            quantizer = x86.X86InductorQuantizer()
            quantizer.set_global(x86.get_default_x86_inductor_quantization_config())
            exported = torch.export.export(network, (image,)).module()
            prepared = quantize_pt2e.prepare_pt2e(exported, quantizer)
            prepared(image)
            network = quantize_pt2e.convert_pt2e(prepared)
        compiled = torch.compile(network)
        return lambda: compiled(image)

    return host


def by_ncnn(options: argparse.Namespace, frame: Any) -> Callable[[], Any]:
    """Make the row of ncnn, of what its converter pnnx made of the planar ONNX file."""
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = options.threads
    path = options.folder / f"{options.model.replace('-', '_')}_planar.ncnn"
    if net.load_param(f"{path}.param") or net.load_model(f"{path}.bin"):
        raise SystemExit(f"ncnn cannot read {path}.param and .bin")
    held = planes_of(frame)[0]  # a Mat does not keep what it is made of
    planes = ncnn.Mat(held).clone()

    def make() -> Any:
        with net.create_extractor() as extractor:
            extractor.input("in0", planes)
            return extractor.extract("out0")

    return make


def planes_of(frame: Any) -> Any:
    """Give a frame as RGB planes: 1 x 3 x H x W, float32, 0..1."""
    planes = np.moveaxis(frame[None, ..., ::-1], 3, 1)
    return np.ascontiguousarray(planes, np.float32) / np.float32(255)


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
    "onnxruntime-int8": by_onnxruntime(int8=True),
    "onnxruntime-f32": by_onnxruntime(int8=False),
    "torch-int8": by_torch("int8"),
    "torch-bf16": by_torch("bf16"),
    "torch-f32": by_torch("f32"),
    "ncnn": by_ncnn,
    "vapoursynth": by_vapoursynth,
}

if __name__ == "__main__":
    sys.exit(main())
