"""LiteRT.js beside ONNX Runtime Web, on the same network in Chromium: figures of docs/HOSTS.md.

    (cd runtimes/ && npm install @litertjs/core@2.5.3)
    (cd web/ && npm ci)
    ovsharp convert call-balanced --to planar -o models/
    ovsharp convert call-balanced --to tflite --size 360x640 -o models/
    python scripts/web_runtimes.py models/call-balanced runtimes/ [--size 360x640] [--rounds 30]

Both run as WebAssembly with two threads, in turns, from floats to floats.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.web.serving import served  # noqa: E402

MODULES = ROOT / "web" / "node_modules"
PAGE = """
import { loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";
import * as ort from "./ort.wasm.min.mjs";

ort.env.wasm.numThreads = 2;
window.measure = async ([height, width, rounds]) => {
  const session = await ort.InferenceSession.create("planar.onnx");
  await loadLiteRt("./", { threads: true });
  const options = { accelerator: "wasm", cpuOptions: { numThreads: 2 } };
  const model = await loadAndCompile("model.tflite", options);
  const values = new Float32Array(3 * height * width).map((_, at) => ((at * 7919) % 256) / 255);
  const make = {
    ort: async () => {
      const frame = new ort.Tensor("float32", values, [1, 3, height, width]);
      return (await session.run({ frame })).sharp.data.length;
    },
    lite: async () => {
      const given = new Tensor(values, [1, height, width, 3]);
      const [made] = await model.run(given);
      const { length } = await made.data();
      given.delete();
      made.delete();
      return length;
    },
  };
  const spent = { ort: [], lite: [] };
  for (let turn = 0; turn <= rounds; turn++) {
    for (const [name, one] of Object.entries(make)) {
      const began = performance.now();
      await one();
      if (turn) spent[name].push(performance.now() - began);
    }
  }
  return spent;
};
"""


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="without -planar.onnx and -HxW.tflite")
    parser.add_argument("runtimes", type=Path, help="where npm has installed LiteRT.js")
    parser.add_argument("--size", default="360x640")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site(folder, options.runtimes)
        shutil.copy(f"{options.model}-planar.onnx", folder / "planar.onnx")
        shutil.copy(f"{options.model}-{options.size}.tflite", folder / "model.tflite")
        with served(folder, isolated=True) as address, sync_playwright() as started:
            chromium = shutil.which("chromium") or shutil.which("google-chrome")
            browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page()
            page.set_default_timeout(600_000)
            page.goto(f"{address}/index.html")
            page.wait_for_function("!!window.measure")
            spent = page.evaluate("measure", [*map(int, options.size.split("x")), options.rounds])
            browser.close()
    print(f"{options.model.name}, {options.size}: best and median ms")
    for runtime, values in spent.items():
        print(f"{runtime:5} {min(values):6.1f} {median(values):6.1f}")
    return 0


def site(folder: Path, runtimes: Path) -> None:
    """Put the page together."""
    entry = runtimes / "entry.mjs"
    entry.write_text(PAGE)
    command = [MODULES / ".bin" / "esbuild", entry, "--bundle", "--format=esm", "--target=es2024"]
    command += ["--external:./ort.wasm.min.mjs", f"--outfile={folder / 'page.js'}"]
    command += ["--log-level=error"]
    subprocess.run([str(part) for part in command], check=True, cwd=runtimes)
    entry.unlink()
    (folder / "index.html").write_text('<script type="module" src="page.js"></script>')
    for place in (
        runtimes / "node_modules" / "@litertjs" / "core" / "wasm",
        MODULES / "onnxruntime-web" / "dist",
    ):
        for pattern in ("litert*", "ort*wasm*"):
            for file in place.glob(pattern):
                shutil.copy(file, folder)


if __name__ == "__main__":
    sys.exit(main())
