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
  }

  /**
   * Sharpen one picture; one at a time.
   * @param {ImageData | CanvasImageSource} picture an image, a video or what it shows now, a canvas
   * @param {object} [options]
   * @param {number} [options.size] part of both sides that the network sees, 0 to 1: its correction is
   *   enlarged, and added to the whole picture; a half costs a quarter
   * @returns {Promise<ImageData>} larger where the model enlarges; opaque
   */
  async sharpen(picture, { size = 1 } = {}) {
    const whole = picture instanceof ImageData ? picture : pixels(picture);
    if (size >= 1) return this.#run(whole);
    const small = pixels(drawn(whole), Math.ceil(whole.width * size), Math.ceil(whole.height * size));
    return corrected(whole, small, await this.#run(small));
  }

  /** Give everything back. */
  async close() {
    await this.session.release();
  }

  /** @param {ImageData} picture */
  async #run({ data, width, height }) {
    const wide = Math.ceil(width / this.multiple) * this.multiple;
    const high = Math.ceil(height / this.multiple) * this.multiple;
    const given = new ort.Tensor("float32", planes(data, width, height, wide, high), [1, 3, high, wide]);
    const { sharp } = await this.session.run({ frame: given });
    const scale = sharp.dims[3] / wide;
    const values = /** @type {Float32Array} */ (sharp.data);
    return image(values, width * scale, height * scale, sharp.dims[3], sharp.dims[2]);
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
function sizeOf(source) {
  // By their fields: a worker has no class for images and videos.
  if ("videoWidth" in source) return [source.videoWidth, source.videoHeight];
  if ("naturalWidth" in source) return [source.naturalWidth, source.naturalHeight];
  if ("displayWidth" in source) return [source.displayWidth, source.displayHeight];
  return [Number(source.width), Number(source.height)];
}

/**
 * Read what a source shows, at its own size or another one.
 * @param {CanvasImageSource} source @param {number} [width] @param {number} [height]
 */
function pixels(source, width = sizeOf(source)[0], height = sizeOf(source)[1]) {
  const context = canvas(width, height);
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** @param {ImageData} picture */
function drawn(picture) {
  const context = canvas(picture.width, picture.height);
  context.putImageData(picture, 0, 0);
  return context.canvas;
}

/** @param {number} width @param {number} height */
function canvas(width, height) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser draws nothing");
  context.imageSmoothingQuality = "high";
  return context;
}

/**
 * The whole picture, with what was changed in a small one: enlarged between its four neighbours.
 * @param {ImageData} whole @param {ImageData} small @param {ImageData} sharp of the same size
 */
function corrected(whole, small, sharp) {
  if (small.width !== sharp.width) throw new Error("a model that enlarges takes whole pictures: leave out size");
  const { width, height } = whole;
  const result = new ImageData(width, height);
  const across = neighbours(width, small.width);
  const down = neighbours(height, small.height);
  const change = (/** @type {number} */ at) => sharp.data[at] - small.data[at];
  for (let y = 0, to = 0; y < height; y++) {
    const above = 4 * small.width * down.first[y];
    const below = 4 * small.width * down.second[y];
    for (let x = 0; x < width; x++, to += 4) {
      const left = 4 * across.first[x];
      const right = 4 * across.second[x];
      for (let colour = 0; colour < 3; colour++) {
        const upper = mixed(change(above + left + colour), change(above + right + colour), across.share[x]);
        const lower = mixed(change(below + left + colour), change(below + right + colour), across.share[x]);
        result.data[to + colour] = whole.data[to + colour] + mixed(upper, lower, down.share[y]);
      }
      result.data[to + 3] = 255;
    }
  }
  return result;
}

/** @param {number} one @param {number} other @param {number} share of the other */
function mixed(one, other, share) {
  return one + share * (other - one);
}

/**
 * For each place of a large line: the two places of a small one beside it, and the second one's share.
 * @param {number} large @param {number} small
 */
function neighbours(large, small) {
  const first = new Int32Array(large);
  const second = new Int32Array(large);
  const share = new Float32Array(large);
  for (let place = 0; place < large; place++) {
    const at = Math.min(Math.max(((place + 0.5) * small) / large - 0.5, 0), small - 1);
    first[place] = Math.floor(at);
    second[place] = Math.min(first[place] + 1, small - 1);
    share[place] = at - first[place];
  }
  return { first, second, share };
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
