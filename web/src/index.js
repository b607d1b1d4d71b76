// @ts-check
/**
 * ovsharp's networks in the browser: `createSharpener({ model })`, then `sharpen(picture)`.
 *
 * A model is a file that `ovsharp convert NAME --to planar` writes: RGB planes of 0..1 in and out. It
 * runs as WebAssembly, with threads where the page is cross-origin isolated.
 */

import * as ort from "onnxruntime-web/wasm";

const MOST_THREADS = 4;

/**
 * @typedef {object} Options
 * @property {string | Uint8Array} model address or bytes of a planar .onnx file
 * @property {number} [multiple] what both sides of a picture are padded to; `ovsharp convert` prints it
 * @property {number} [threads] more than one needs a page that is cross-origin isolated
 */

/** Frames in, sharp frames out. */
export class Sharpener {
  /** @param {ort.InferenceSession} session @param {number} multiple */
  constructor(session, multiple) {
    this.session = session;
    this.multiple = multiple;
    /** @type {OffscreenCanvas | null} */ this.canvas = null;
  }

  /**
   * Sharpen one picture; one at a time.
   * @param {ImageData | CanvasImageSource} picture an image, a video or what it shows now, a canvas
   * @returns {Promise<ImageData>} larger where the model enlarges; opaque
   */
  async sharpen(picture) {
    const { data, width, height } = picture instanceof ImageData ? picture : this.#pixels(picture);
    const wide = Math.ceil(width / this.multiple) * this.multiple;
    const high = Math.ceil(height / this.multiple) * this.multiple;
    const given = new ort.Tensor("float32", planes(data, width, height, wide, high), [1, 3, high, wide]);
    const { sharp } = await this.session.run({ frame: given });
    const scale = sharp.dims[3] / wide;
    const values = /** @type {Float32Array} */ (sharp.data);
    return image(values, width * scale, height * scale, sharp.dims[3], sharp.dims[2]);
  }

  /** Give everything back. */
  async close() {
    await this.session.release();
  }

  /** @param {CanvasImageSource} source */
  #pixels(source) {
    const [width, height] = size(source);
    if (this.canvas?.width !== width || this.canvas.height !== height) this.canvas = new OffscreenCanvas(width, height);
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    if (!context) throw new Error("this browser draws nothing");
    context.drawImage(source, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  }
}

/** @param {Options} options */
export async function createSharpener({ model, multiple = 2, threads }) {
  const most = crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;
  ort.env.wasm.numThreads = Math.min(threads ?? most, crossOriginIsolated ? Infinity : 1);
  const bytes = typeof model === "string" ? await fetched(model) : model;
  return new Sharpener(await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] }), multiple);
}

/** @param {string} address */
async function fetched(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`there is no model at ${address} (${answer.status})`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** @param {CanvasImageSource} source @returns {[number, number]} */
function size(source) {
  if (source instanceof HTMLVideoElement) return [source.videoWidth, source.videoHeight];
  if (source instanceof HTMLImageElement) return [source.naturalWidth, source.naturalHeight];
  if (source instanceof VideoFrame) return [source.displayWidth, source.displayHeight];
  return [Number(source.width), Number(source.height)];
}

/**
 * RGBA bytes to planes of 0..1; the last row and column are repeated. In JavaScript, for bytes inside
 * the graph double its time.
 * @param {Uint8ClampedArray} data @param {number} width @param {number} height
 * @param {number} wide @param {number} high
 */
function planes(data, width, height, wide, high) {
  const values = new Float32Array(3 * wide * high);
  const size = wide * high;
  for (let y = 0, to = 0; y < high; y++) {
    const row = Math.min(y, height - 1) * width;
    for (let x = 0; x < wide; x++, to++) {
      const from = 4 * (row + Math.min(x, width - 1));
      values[to] = data[from] / 255;
      values[to + size] = data[from + 1] / 255;
      values[to + 2 * size] = data[from + 2] / 255;
    }
  }
  return values;
}

/**
 * Planes of 0..1 to RGBA bytes, rounded and cut; what was padded is left out.
 * @param {Float32Array} values @param {number} width @param {number} height
 * @param {number} wide @param {number} high
 */
function image(values, width, height, wide, high) {
  const result = new ImageData(width, height);
  const size = wide * high;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 4) {
      const from = y * wide + x;
      result.data[to] = 255 * values[from]; // a clamped array rounds and cuts
      result.data[to + 1] = 255 * values[from + size];
      result.data[to + 2] = 255 * values[from + 2 * size];
      result.data[to + 3] = 255;
    }
  }
  return result;
}
