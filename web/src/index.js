// @ts-check
/**
 * ovsharp's networks in the browser: `createSharpener({ model })`, then `sharpen(picture)`.
 *
 * A model is a file that `ovsharp convert NAME --to planar` writes: RGB planes of 0..1 in and out; or
 * `call.json`, which chooses among several. It runs on a graphics card (WebGPU) where there is one; else
 * as WebAssembly, beside the page, with threads where the page is cross-origin isolated.
 */

import { Network } from "./network.js";
import { Router } from "./router.js";
import { createRuntime, fetched } from "./runtime.js";
import { LOOK_EVERY, Session } from "./session.js";

/** @typedef {import("./runtime.js").File} File */
/** @typedef {import("./runtime.js").Backend} Backend */

/**
 * @typedef {object} Options
 * @property {File} model a planar .onnx file; or the address of a router's .json, beside which its files lie
 * @property {number} [multiple] what both sides of a picture are padded to, for a single model;
 *   `ovsharp convert` prints it
 * @property {Backend | "auto"} [backend] "auto": "webgpu" where there is a graphics card, not one that the
 *   processor plays; else "wasm"
 * @property {number} [threads] of "wasm"; more than one needs a page that is cross-origin isolated
 */

/** Pictures in, sharp pictures out. */
export class Sharpener {
  /**
   * @param {Backend} backend what the networks run by
   * @param {Map<string, Network>} networks by name, the one for everything first
   * @param {Router | null} router chooses among them
   */
  constructor(backend, networks, router = null) {
    this.backend = backend;
    this.networks = networks;
    this.router = router;
  }

  /**
   * Begin a stream, whose pictures follow each other: where there are models to choose from, another one
   * takes over only if several looks agree that it is clearly better.
   * @param {object} [options]
   * @param {number} [options.lookEvery] frames from one look to the next; 1: each picture by itself
   */
  session({ lookEvery = LOOK_EVERY } = {}) {
    return new Session(this.networks, this.router, lookEvery);
  }

  /**
   * Sharpen one picture by itself; one at a time.
   * @param {ImageData | CanvasImageSource} picture @param {{size?: number}} [options] as of a session
   */
  sharpen(picture, options) {
    return this.session({ lookEvery: 1 }).sharpen(picture, options);
  }

  /** Give everything back. */
  async close() {
    for (const { model } of this.networks.values()) await model.close();
    await this.router?.model.close();
  }
}

/**
 * @param {Options} options
 * @throws {Error} there is no such model, or no such backend in this browser
 */
export async function createSharpener({ model, multiple = 2, backend = "auto", threads }) {
  const runtime = await createRuntime(backend, threads);
  if (typeof model === "string" && model.endsWith(".json")) return routed(new URL(model, location.href), runtime);
  const one = new Network(runtime.model(model), multiple);
  await one.model.open();
  return new Sharpener(runtime.backend, new Map([["model", one]]));
}

/** @param {URL} address @param {Awaited<ReturnType<typeof createRuntime>>} runtime */
async function routed(address, runtime) {
  /** @type {import("./router.js").Facts} */
  const facts = await (await fetched(address)).json();
  const beside = (/** @type {string} */ name) => runtime.model(new URL(name, address).href);
  const router = new Router(beside(facts.router), facts);
  await router.model.open();
  const networks = Object.entries(facts.models).map(
    ([name, { file, multiple }]) => /** @type {const} */ ([name, new Network(beside(file), multiple)]),
  );
  return new Sharpener(runtime.backend, new Map(networks), router);
}
