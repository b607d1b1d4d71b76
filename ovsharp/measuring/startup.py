"""What a fresh process pays before its second frame: run as `python -m ovsharp.measuring.startup`.

In the benchmark's own process other models have warmed caches up and left memory behind; a
process for each row is slower to measure, but true.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from ovsharp.errors import InferenceError
from ovsharp.measuring.results import Startup

FRAMES = 3
"""Frames that go through the model before its peak memory is read."""


class ProcessKilledError(InferenceError):
    """A process that ran a model was ended by a signal: no exception could tell why."""


def measure_startup(
    path: Path, height: int, width: int, *, device: str, precision: str, threads: int | None
) -> Startup:
    """Compile a model in a new process, run it, and report time and memory.

    Args:
        path: an ovsharp IR.
        height: of the frame, a multiple of what the model needs.
        width: the same.
        device: where to run.
        precision: execution precision, such as `int8+bf16`.
        threads: inference threads; None for the device's choice.

    Raises:
        ProcessKilledError: the process crashed.
        InferenceError: it failed otherwise.
    """
    command = [sys.executable, "-m", __name__, str(path), str(height), str(width)]
    command += ["--device", device, "--precision", precision]
    command += [] if threads is None else ["--threads", str(threads)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own arguments, no shell
    if result.returncode < 0:
        raise ProcessKilledError(
            f"{path.name} cannot run with {precision} here: OpenVINO itself crashes "
            f"({signal.strsignal(-result.returncode)})"
        )
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise InferenceError(
            f"a process that compiles {path.name} for {width}x{height} and {precision} failed "
            f"with code {result.returncode}: {reason}"
        )
    return Startup(**json.loads(result.stdout.splitlines()[-1]))


def _measure_here(
    path: Path, height: int, width: int, device: str, precision: str, threads: int | None
) -> Startup:
    from ovsharp.engine import compile_frames, execution_of, get_core, read_ir
    from ovsharp.measuring.workloads import prepare_request

    core = get_core()
    core.get_property(device, "FULL_DEVICE_NAME")  # loads the device's plugin
    before = _memory("VmRSS")
    start = time.perf_counter()
    model, spec = read_ir(path, core)
    execution = execution_of(spec, device, precision)
    compiled = compile_frames(
        model,
        spec,
        height,
        width,
        device=device,
        execution=execution,
        mode="latency",
        threads=threads,
    )
    ready = time.perf_counter()
    request = prepare_request(compiled)
    filled = time.perf_counter()
    request.infer()
    first = time.perf_counter()
    for _ in range(FRAMES - 1):
        request.infer()
    peak = _memory("VmHWM")
    return Startup(
        compile_ms=round((ready - start) * 1e3, 2),
        first_frame_ms=round((first - filled) * 1e3, 2),
        memory_mb=None if before is None or peak is None else round((peak - before) / 1e6, 1),
    )


def _memory(field: str) -> int | None:
    """Bytes of a field of Linux' /proc/self/status; None elsewhere.

    `VmHWM` is the peak of this program alone; `getrusage` would count its parent's, which it was
    forked from.
    """
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    lines = (line.split() for line in status.read_text().splitlines())
    return next((int(line[1]) * 1024 for line in lines if line[0] == f"{field}:"), None)


def main() -> None:
    """Measure as the arguments say and print the result as one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    parser.add_argument("height", type=int)
    parser.add_argument("width", type=int)
    parser.add_argument("--device", required=True)
    parser.add_argument("--precision", required=True)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    print(json.dumps(asdict(_measure_here(**vars(arguments)))))


if __name__ == "__main__":
    main()
