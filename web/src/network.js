// @ts-check
/** One model, as ONNX Runtime's WebAssembly runs it. */

import * as ort from "onnxruntime-web/wasm";
import { corrected, drawn, image, pixels, planes } from "./pixels.js";

/** Takes pictures, gives them sharp. */
export class Network {
  /** @param {ort.InferenceSession} session @param {number} multiple that both sides are padded to */
  constructor(session, multiple) {
    this.session = session;
    this.multiple = multiple;
  }

  /**
   * Sharpen a picture.
   * @param {ImageData} whole
   * @param {number} size part of both sides that the network sees: its correction is enlarged
   */
  async sharpen(whole, size) {
    if (size >= 1) return this.#run(whole);
    const small = pixels(drawn(whole), Math.ceil(whole.width * size), Math.ceil(whole.height * size));
    return corrected(whole, small, await this.#run(small));
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
