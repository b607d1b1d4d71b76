// Puts the static demo page together in dist/: its own files, the slider, ONNX Runtime, a model.
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const runtime = "node_modules/onnxruntime-web/dist";
const model = process.argv[2] ?? join(here, "call-balanced-planar.onnx");
if (!existsSync(model)) {
  console.error(`there is no model ${model}: ovsharp convert call-balanced --to planar -o web/`);
  process.exit(1);
}
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
const files = [
  ["src/index.js", "ovsharp.js"], ["demo/index.html"], ["demo/demo.js"],
  ["../ovsharp/serve/page/compare.js"], ["../ovsharp/serve/page/style.css"], ["../ovsharp/serve/page/icon.svg"],
  [`${runtime}/ort.wasm.min.mjs`], [`${runtime}/ort-wasm-simd-threaded.mjs`], [`${runtime}/ort-wasm-simd-threaded.wasm`],
];
for (const [from, to] of files) copyFileSync(join(here, from), join(dist, to ?? from.split("/").pop()));
copyFileSync(model, join(dist, "model.onnx"));
