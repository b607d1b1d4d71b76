// @ts-check
/**
 * What runs the networks: ONNX Runtime, on a graphics card (WebGPU) or on the processor (WebAssembly).
 * Only the one that is used is loaded.
 */

/** @typedef {string | Uint8Array} File an address, or bytes */
/** @typedef {"webgpu" | "wasm"} Backend */
/** @typedef {import("onnxruntime-web").InferenceSession} InferenceSession */

const MOST_THREADS = 4;
/** Milliseconds after an error in which a browser says that it was the card. */
const SAID_WITHIN = 200;

/**
 * Choose what runs, and load it.
 * @param {Backend | "auto"} backend "auto": a graphics card where there is one, else the processor
 * @param {number} [threads] of the processor
 * @throws {Error} "webgpu" was asked for, and this browser has none
 */
export async function createRuntime(backend, threads) {
  if (!["auto", "webgpu", "wasm"].includes(backend)) {
    throw new Error(`there is no backend "${backend}": leave it out, or ask for "auto", "webgpu" or "wasm"`);
  }
  const adapter = backend === "wasm" ? null : await navigator.gpu?.requestAdapter();
  if (backend === "webgpu" && !adapter) {
    throw new Error('this browser offers no graphics card (WebGPU) here: leave "backend" out, or ask for "wasm"');
  }
  // A fallback adapter is a card that the processor plays: slower by far than WebAssembly.
  if (adapter && (backend === "webgpu" || !adapter.info.isFallbackAdapter)) return onCard();
  return onProcessor(threads);
}

async function onCard() {
  const ort = await import("onnxruntime-web/webgpu");
  ort.env.wasm.numThreads = 1; // for what little stays on the processor
  return new Runtime(ort, "webgpu");
}

/** @param {number} [threads] */
async function onProcessor(threads) {
  const ort = await import("onnxruntime-web/wasm");
  const most = crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;
  ort.env.wasm.numThreads = Math.min(threads ?? most, crossOriginIsolated ? Infinity : 1);
  ort.env.wasm.proxy = typeof document !== "undefined"; // in a worker of its own, so that the page goes on answering
  return new Runtime(ort, "wasm");
}

/**
 * The call that came last: two at once on a card hang the page.
 * https://github.com/microsoft/onnxruntime/issues/32561
 */
let last = Promise.resolve();

/** Do one thing after the other. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
function inTurn(work) {
  const done = last.then(work);
  last = done.then(() => {}, () => {});
  return done;
}

class Runtime {
  /** @param {typeof import("onnxruntime-web")} ort @param {Backend} backend */
  constructor(ort, backend) {
    this.ort = ort;
    this.backend = backend;
  }

  /** Name a model, which is opened when it is first needed. @param {File} file */
  model(file) {
    return new Model(this, file);
  }
}

/** A network with one input and one output. A card that is lost takes it along: it is opened again then. */
export class Model {
  /** @type {Promise<InferenceSession> | null} */
  #opening = null;
  /** Resolves with a lost card. @type {Promise<unknown>} */
  #lost = new Promise(() => {});

  /** @param {Runtime} runtime @param {File} file */
  constructor(runtime, file) {
    this.runtime = runtime;
    this.file = file;
  }

  /** Open it now. @returns {Promise<InferenceSession>} @throws {Error} there is none, or it cannot be read */
  open() {
    if (!this.#opening) {
      const opening = (this.#opening = this.#opened());
      opening.catch(() => this.#opening === opening && (this.#opening = null));
    }
    return this.#opening;
  }

  /**
   * Run it.
   * @param {"float32" | "uint8"} type @param {Float32Array | Uint8Array} values @param {number[]} dims of its input
   * @returns {Promise<{values: Float32Array, dims: readonly number[]}>} its output
   */
  async run(type, values, dims) {
    const session = await this.open();
    const given = new this.runtime.ort.Tensor(type, values, dims);
    try {
      const { [session.outputNames[0]]: got } = await inTurn(() => session.run({ [session.inputNames[0]]: given }));
      return { values: /** @type {Float32Array} */ (got.data), dims: got.dims };
    } catch (error) {
      const lost = this.#lost.then(() => true);
      if (!(await Promise.race([lost, new Promise((done) => setTimeout(done, SAID_WITHIN))]))) throw error;
      const cause = { cause: error };
      throw new Error('the graphics card was lost: give the picture once more, or create a sharpener for "wasm"', cause);
    }
  }

  /** Give it back. */
  async close() {
    const session = await this.#opening?.catch(() => null); // one that cannot be opened has been told of
    this.#opening = null;
    if (session) await inTurn(() => session.release());
  }

  async #opened() {
    const { ort, backend } = this.runtime;
    const bytes = typeof this.file === "string" ? await bytesOf(this.file) : this.file;
    // Errors only: it would warn that sizes stay on the processor, where they belong.
    const options = { executionProviders: [backend], logSeverityLevel: /** @type {const} */ (3) };
    return inTurn(async () => {
      const session = await ort.InferenceSession.create(bytes, options);
      if (backend === "webgpu") {
        this.#lost = (await ort.env.webgpu.device).lost;
        // ONNX Runtime takes another card only when nothing is left on the lost one.
        this.#lost.then(() => this.close());
      }
      return session;
    });
  }
}

/** @param {string} address */
async function bytesOf(address) {
  return new Uint8Array(await (await fetched(address)).arrayBuffer());
}

/** @param {string | URL} address */
export async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`there is no model at ${address} (${answer.status})`);
  return answer;
}
