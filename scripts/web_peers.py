"""What other packages for browsers make of the same frames: the table of docs/HOSTS.md.

    (cd peers/ && npm install --legacy-peer-deps @websr/websr@0.0.15 upscaler@1.0.0
        @upscalerjs/default-model@1.0.0 @tensorflow/tfjs@4.11.0
        @tensorflow/tfjs-backend-wasm@4.11.0)
    (cd web/ && npm ci)
    ovsharp convert call --to planar -o models/
    python scripts/web_peers.py clips/ models/ peers/ [--frames 3] [--rounds 9] [--only NAMES]

Both peers double the size; ovsharp's package sharpens what the page has enlarged. So clips are made
360 lines high, sent at half of that (once by x264, once as they are), and brought to 360 lines
again: by each package in Chromium, by bicubic beside them. PSNR is that of all clips' frames;
milliseconds are from the half-size picture to pixels, in turns, each row in a tab of its own.
WebGPU runs on the processor here (SwiftShader): its times say nothing about a graphics card. By
WebGL there, `upscaler` takes more than a minute a frame; it is given WebAssembly, as ovsharp is.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median
from typing import Any

import cv2
import numpy as np
from playwright.sync_api import Error, sync_playwright

from ovsharp.degrade import parse
from ovsharp.evaluation.clips import Clip, Taken, find_clips
from ovsharp.quality import psnr

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.web.serving import served  # noqa: E402

WEB = ROOT / "web"
SENT = {"as they are": "", "x264, crf 30": "h264(crf=30)"}
"""What is done to the half-size frames."""
WEIGHTS = ("s", "m", "l")
"""Of websr, each for real pictures."""
FLAT = 5
"""Levels; a frame of less contrast is black, before a clip begins."""
PAGE = """
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import Upscaler from "upscaler";
import network from "@upscalerjs/default-model";
import WebSR from "@websr/websr";
import { createSharpener } from "OVSHARP";

setWasmPaths("./");

async function bytes(picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext("2d");
  if (picture instanceof ImageData) context.putImageData(picture, 0, 0);
  else context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

const make = {
  async ovsharp(name) {
    const sharpener = await createSharpener({ model: name, multiple: 8 });
    return async (picture) => {
      const large = new OffscreenCanvas(2 * picture.width, 2 * picture.height);
      const context = large.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(await createImageBitmap(picture), 0, 0, large.width, large.height);
      return sharpener.sharpen(large);
    };
  },
  async websr(size) {
    const gpu = await WebSR.initWebGPU();
    if (!gpu) throw new Error("no WebGPU here");
    const weights = await (await fetch(`cnn-2x-${size}-rl.json`)).json();
    let [websr, canvas, fits] = [null, null, ""];
    return async (picture) => {
      if (fits !== `${picture.width}x${picture.height}`) {
        fits = `${picture.width}x${picture.height}`; // of another size, it gives black
        canvas = document.createElement("canvas");
        websr = new WebSR({ network_name: `anime4k/cnn-2x-${size}`, weights, gpu, canvas });
      }
      await websr.render(await createImageBitmap(picture));
      await gpu.queue.onSubmittedWorkDone();
      return bytes(canvas);
    };
  },
  async upscaler(backend) {
    if (!(await tf.setBackend(backend))) throw new Error(`no ${backend} here`);
    await tf.ready();
    const upscaler = new Upscaler({ model: { ...network, path: `${location.origin}/model.json` } });
    return async (picture) => {
      await tf.setBackend(backend);
      const canvas = new OffscreenCanvas(picture.width, picture.height);
      canvas.getContext("2d").putImageData(picture, 0, 0);
      const given = tf.browser.fromPixels(picture);
      const made = await upscaler.execute(given, { output: "tensor" });
      const [height, width] = made.shape;
      const clipped = tf.tidy(() => made.round().clipByValue(0, 255).toInt());
      const pixels = await tf.browser.toPixels(clipped);
      tf.dispose([given, made, clipped]);
      return new ImageData(pixels, width, height);
    };
  },
};

let maker;
window.prepare = async (kind, argument) => void (maker = await make[kind](argument));
window.run = async (text, width, height) => {
  const values = Uint8ClampedArray.from(atob(text), (one) => one.charCodeAt(0));
  const given = new ImageData(values, width, height);
  const began = performance.now();
  const made = await maker(given);
  const spent = performance.now() - began;
  let string = "";
  for (const one of made.data) string += String.fromCharCode(one);
  return [btoa(string), made.width, made.height, spent];
};
"""


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path)
    parser.add_argument("models", type=Path, help="with what `convert --to planar` wrote")
    parser.add_argument("peers", type=Path, help="where npm has installed the peers")
    parser.add_argument("--frames", type=int, default=3, help="of each clip")
    parser.add_argument("--rounds", type=int, default=9, help="that are timed, in turns")
    parser.add_argument("--only", default="", help="rows that begin so, by commas")
    options = parser.parse_args()
    rows = {
        "ovsharp, the router": ("ovsharp", "call.json"),
        "ovsharp, call-half": ("ovsharp", "call-half-planar.onnx"),
        **{f"websr cnn-2x-{size} (WebGPU)": ("websr", size) for size in WEIGHTS},
        "upscaler esrgan-slim (WASM)": ("upscaler", "wasm"),
    }
    only = tuple(options.only.split(","))
    rows = {name: row for name, row in rows.items() if name.startswith(only)}
    cases = [
        (sent, truth, small)
        for clip in find_clips([options.clips])
        for truth in taken(clip, options.frames)
        for sent, small in arrived(truth)
    ]
    with tempfile.TemporaryDirectory() as folder:
        site(Path(folder), options.models, options.peers)
        with served(Path(folder), isolated=True) as address:
            print(measured(address, rows, cases, options.rounds))
    return 0


def taken(clip: Clip, count: int) -> Iterator[Any]:
    """Give frames of a clip, evenly spread over two seconds, 360 lines high, 640 wide at most."""
    frames = list(clip.truth(Taken(side=360), 8))
    for place in np.linspace(0, len(frames) - 1, count).round().astype(int):
        frame = np.ascontiguousarray(frames[place][:640, :640])
        if frame.std() > FLAT:
            yield frame


def arrived(truth: Any) -> Iterator[tuple[str, Any]]:
    """Give what comes of a frame that is sent at half its size."""
    half = cv2.resize(truth, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    for sent, damage in SENT.items():
        yield sent, parse(damage)(half, seed=0) if damage else half


def site(folder: Path, models: Path, peers: Path) -> None:
    """Put the page together."""
    entry = peers / "entry.mjs"
    entry.write_text(PAGE.replace("OVSHARP", str(WEB / "src" / "index.js")))
    command = [WEB / "node_modules" / ".bin" / "esbuild", entry, "--bundle", "--format=esm"]
    for name in ("wasm", "webgpu"):
        file = f"./ort.{name}.min.mjs"
        command += [f"--external:{file}", f"--alias:onnxruntime-web/{name}={file}"]
    command += [f"--outfile={folder / 'page.js'}", "--log-level=error", "--target=es2024"]
    subprocess.run([str(part) for part in command], check=True, cwd=peers)
    entry.unlink()
    (folder / "index.html").write_text('<script type="module" src="page.js"></script>')
    modules = peers / "node_modules"
    for pattern in (
        "@websr/websr/weights/anime4k/cnn-2x-*-rl.json",
        "@upscalerjs/default-model/models/*",
        "@tensorflow/tfjs-backend-wasm/dist/*.wasm",
    ):
        for file in modules.glob(pattern):
            shutil.copy(file, folder)
    for file in (WEB / "node_modules" / "onnxruntime-web" / "dist").glob("ort*wasm*"):
        shutil.copy(file, folder)
    for file in models.glob("call*"):
        shutil.copy(file, folder)


def measured(address: str, rows: dict[str, Any], cases: list[Any], rounds: int) -> str:
    """Give the table."""
    arguments = ["--no-sandbox", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
    # Without these three, a WebGPU canvas loses its device here.
    arguments += ["--enable-features=Vulkan", "--use-vulkan=swiftshader", "--use-angle=swiftshader"]
    scores: dict[str, dict[str, list[float]]] = {}
    times: dict[str, list[float]] = {}
    with sync_playwright() as started:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = started.chromium.launch(executable_path=chromium, args=arguments)
        tabs: dict[str, Any] = {}
        for name, row in rows.items():
            tabs[name] = page = browser.new_page()
            page.set_default_timeout(600_000)
            page.goto(f"{address}/index.html")
            page.wait_for_function("!!window.run")
            try:
                page.evaluate("(all) => prepare(...all)", row)
            except Error as error:  # its row is left out
                print(f"{name}: cannot run here: {error}", file=sys.stderr)
                del tabs[name]

        def made(name: str, small: Any) -> tuple[Any, float]:
            height, width = small.shape[:2]
            rgba = base64.b64encode(cv2.cvtColor(small, cv2.COLOR_BGR2RGBA).tobytes()).decode()
            given = [rgba, width, height]
            text, wide, high, spent = tabs[name].evaluate("(all) => run(...all)", given)
            values = np.frombuffer(base64.b64decode(text), np.uint8).reshape(high, wide, 4)
            return np.ascontiguousarray(values[..., 2::-1]), spent

        for sent, truth, small in cases:
            enlarged = cv2.resize(small, truth.shape[1::-1], interpolation=cv2.INTER_CUBIC)
            scores.setdefault("bicubic", {}).setdefault(sent, []).append(psnr(enlarged, truth))
            for name in tabs:
                value = psnr(made(name, small)[0], truth)
                scores.setdefault(name, {}).setdefault(sent, []).append(value)
            print(json.dumps({name: round(row[sent][-1], 2) for name, row in scores.items()}),
                  file=sys.stderr)  # fmt: skip
        frame = np.random.default_rng(0).integers(0, 256, (180, 320, 3), np.uint8)
        for turn in range(rounds + 1):
            for name in tabs:
                spent = made(name, frame)[1]
                if turn:
                    times.setdefault(name, []).append(spent)
        browser.close()
    head = ("", *SENT, "best ms", "median ms")
    lines = [head, ("---",) * len(head)]
    for name, row in scores.items():
        spent = times.get(name)
        timed = (f"{min(spent):.0f}", f"{median(spent):.0f}") if spent else ("", "")
        lines.append((name, *(f"{mean(row[sent]):.2f}" for sent in SENT), *timed))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
