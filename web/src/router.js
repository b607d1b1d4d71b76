// @ts-check
/** A small network that says how much each model would gain on a picture, in dB. */

import { crops } from "./crops.js";

/** What leaves a picture as it is. */
export const NOBODY = "untouched";

/**
 * @typedef {object} Planar
 * @property {string} file
 * @property {number} multiple that both sides of a picture are padded to
 *
 * @typedef {object} Facts what `ovsharp convert call --to planar` writes
 * @property {string} router its file
 * @property {Record<string, Planar>} models by name, the one for everything first
 * @property {number} crop side of a crop
 * @property {number} crops how many are looked at
 * @property {number} least dB below which a picture is left as it is
 */

export class Router {
  /** @param {import("./runtime.js").Model} model @param {Facts} facts */
  constructor(model, facts) {
    this.model = model;
    this.facts = facts;
  }

  /** @param {ImageData} picture @returns {Promise<import("./looks.js").Gains>} */
  async gains(picture) {
    const { crop, crops: count, models, least } = this.facts;
    const bytes = crops(picture, crop, count);
    const { values } = await this.model.run("uint8", bytes, [bytes.length / (3 * crop * crop), crop, crop, 3]);
    return { ...Object.fromEntries(Object.keys(models).map((name, at) => [name, values[at]])), [NOBODY]: least };
  }
}
