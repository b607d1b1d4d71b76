// @ts-check
/** A model that sharpens: pictures to planes, and back. */

import { corrected, drawn, image, pixels, planes } from "./pixels.js";

/** Takes pictures, gives them sharp. */
export class Network {
  /** @param {import("./runtime.js").Model} model @param {number} multiple that both sides are padded to */
  constructor(model, multiple) {
    this.model = model;
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
    const given = planes(data, width, height, wide, high);
    const { values, dims } = await this.model.run("float32", given, [1, 3, high, wide]);
    const scale = dims[3] / wide;
    return image(values, width * scale, height * scale, dims[3], dims[2]);
  }
}
