"""Run by `make wheel` inside a clean environment that holds the wheel and its base dependencies.

Proves that an application which installs only the base gets a working `Sharpener` and benchmark.
"""

import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import skimage.data

import ovsharp
from ovsharp.degrade import parse
from ovsharp.quality import ssim


def main() -> None:
    present = [name for name in ("torch", "nncf", "onnx", "av") if find_spec(name)]
    if present:
        sys.exit(f"the environment is not clean: it has {', '.join(present)}")
    if "site-packages" not in ovsharp.__file__:
        sys.exit(f"this tests {ovsharp.__file__}, not the installed wheel")

    truth = np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1])
    damaged = parse("gla")(truth, seed=1)
    with ovsharp.Sharpener() as sharpener:
        restored = sharpener(damaged)
        label = sharpener.execution.label
    before, after = ssim(damaged, truth), ssim(restored, truth)
    print(f"Sharpener() from the wheel, {label}: SSIM {before:.4f} -> {after:.4f}")
    if after < before + 0.02:
        sys.exit("Sharpener() does not sharpen")

    # The wheel has no FP32 file of it, the FP16 one runs in its place.
    with ovsharp.Sharpener("call-jpeg-quality", precision="f32") as sharpener:
        if np.array_equal(sharpener(damaged), damaged) or sharpener.execution.label != "f32":
            sys.exit("call-jpeg-quality does not run in f32")

    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "bench.json"
        command = [sys.executable, "-I", "-m", "ovsharp", "bench", "--sizes", "240x320"]
        command += ["--model", "sharp-gla"]  # whose damage needs no video codec
        subprocess.run([*command, "--seconds", "0.2", "--json", str(report)], check=True)
        json.loads(report.read_text())
    print("wheel check passed")


if __name__ == "__main__":
    main()
