// Puts the static demo page and the browser extension together: dist/demo, dist/extension.
// node build.js [MODELS [DIST]]
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const [models, dist] = [process.argv[2] ?? join(here, "models"), process.argv[3] ?? join(here, "dist")].map((one) => resolve(one));
const runtime = "node_modules/onnxruntime-web/dist";
const ENTRIES = ["wasm", "webgpu"].map((name) => [`onnxruntime-web/${name}`, `./ort.${name}.min.mjs`]);
const RUNTIME = ENTRIES.map(([, file]) => file)
  .concat(["", ".asyncify"].flatMap((kind) => ["mjs", "wasm"].map((end) => `ort-wasm-simd-threaded${kind}.${end}`)))
  .map((name) => `${runtime}/${name}`);

/** All files of a router and its models, as `ovsharp convert` has written them. */
function router(name) {
  const file = join(models, `${name}.json`);
  if (existsSync(file)) {
    const { router, models: files } = JSON.parse(readFileSync(file, "utf8"));
    return [`${name}.json`, router, ...Object.values(files).map(({ file }) => file)].map((one) => join(models, one));
  }
  console.error(`there is no ${file}: ovsharp convert ${name} --to planar -o ${models}`);
  process.exit(1);
}

/** Scripts with all that they import, but for ONNX Runtime: it is loaded when it is needed, and its threads load its files. */
async function scripts(to, entries, options = {}) {
  await build({
    absWorkingDir: here,
    entryPoints: entries,
    outdir: to,
    bundle: true,
    format: "esm",
    target: "es2024",
    external: ENTRIES.map(([, file]) => file),
    alias: Object.fromEntries(ENTRIES),
    logLevel: "warning",
    ...options,
  });
}

function copy(to, files) {
  for (const file of files) copyFileSync(resolve(here, file), join(to, basename(file)));
}

const page = "../ovsharp/serve/page";
const demo = join(dist, "demo");
const extension = join(dist, "extension");
const call = router("call");
for (const folder of [demo, extension]) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

await scripts(demo, { ovsharp: "src/index.js", demo: "demo/demo.js", worker: "demo/worker.js" });
copy(demo, ["demo/index.html", `${page}/style.css`, `${page}/icon.svg`, ...RUNTIME, ...call]);

await scripts(extension, { background: "extension/background.js", engine: "extension/engine.js", popup: "extension/popup.js" });
await scripts(extension, { content: "extension/content.js" }, { format: "iife" }); // no page's script may be a module
copy(extension, ["manifest.json", "engine.html", "popup.html", "popup.css"].map((name) => `extension/${name}`).concat(RUNTIME, call));
