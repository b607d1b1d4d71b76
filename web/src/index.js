// @ts-check
/**
 * ovsharp's networks in the browser: `createSharpener({ model })`, then `sharpen(picture)`.
 *
 * A model is a file that `ovsharp convert NAME --to planar` writes: RGB planes of 0..1 in and out; or
 * `call.json`, which chooses among several. It runs as WebAssembly, beside the page, with threads where
 * the page is cross-origin isolated.
 */

import * as ort from "onnxruntime-web/wasm";
import { Network } from "./network.js";
import { Router } from "./router.js";
import { LOOK_EVERY, Session } from "./session.js";

const MOST_THREADS = 4;

/** @typedef {string | Uint8Array} File an address, or bytes */

/**
 * @typedef {object} Model
 * @property {File} file
 * @property {number} multiple that both sides of a picture are padded to
 */

/**
 * @typedef {object} Options
 * @property {File} model a planar .onnx file; or the address of a router's .json, beside which its files lie
 * @property {number} [multiple] what both sides of a picture are padded to, for a single model;
 *   `ovsharp convert` prints it
 * @property {number} [threads] more than one needs a page that is cross-origin isolated
 */

/** Pictures in, sharp pictures out. */
export class Sharpener {
  /** Models, each opened when it is first needed. @type {Map<string, Promise<ort.InferenceSession>>} */
  #opened = new Map();

  /**
   * @param {Map<string, Model>} models by name, the one for everything first
   * @param {Router | null} router chooses among them
   */
  constructor(models, router = null) {
    this.models = models;
    this.router = router;
  }

  /** Give a model. @param {string} name */
  async network(name) {
    const { file, multiple } = /** @type {Model} */ (this.models.get(name));
    const session = this.#opened.get(name) ?? opened(file);
    this.#opened.set(name, session);
    return new Network(await session, multiple);
  }

  /**
   * Begin a stream, whose pictures follow each other: where there are models to choose from, another one
   * takes over only if several looks agree that it is clearly better.
   * @param {object} [options]
   * @param {number} [options.lookEvery] frames from one look to the next; 1: each picture by itself
   */
  session({ lookEvery = LOOK_EVERY } = {}) {
    const [general] = this.models.keys();
    return new Session((name) => this.network(name), general, this.router, lookEvery);
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
    for (const session of this.#opened.values()) await (await session).release();
    await this.router?.session.release();
  }
}

/** @param {Options} options */
export async function createSharpener({ model, multiple = 2, threads }) {
  const most = crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;
  ort.env.wasm.numThreads = Math.min(threads ?? most, crossOriginIsolated ? Infinity : 1);
  ort.env.wasm.proxy = typeof document !== "undefined"; // in a worker of its own, so that the page goes on answering
  if (typeof model === "string" && model.endsWith(".json")) return routed(new URL(model, location.href));
  const one = new Sharpener(new Map([["model", { file: model, multiple }]]));
  await one.network("model");
  return one;
}

/** @param {URL} address */
async function routed(address) {
  /** @type {import("./router.js").Facts} */
  const facts = await (await fetched(address)).json();
  const beside = (/** @type {string} */ name) => new URL(name, address).href;
  const router = new Router(await opened(beside(facts.router)), facts);
  const models = Object.entries(facts.models).map(
    ([name, { file, multiple }]) => /** @type {const} */ ([name, { file: beside(file), multiple }]),
  );
  return new Sharpener(new Map(models), router);
}

/** @param {File} file */
async function opened(file) {
  const bytes = typeof file === "string" ? new Uint8Array(await (await fetched(file)).arrayBuffer()) : file;
  return ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
}

/** @param {string | URL} address */
async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`there is no model at ${address} (${answer.status})`);
  return answer;
}
