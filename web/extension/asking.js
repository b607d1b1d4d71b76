// @ts-check
/** A page's side of the engine: pictures there and back. */

/**
 * @typedef {object} Frame
 * @property {number} video its number on the page
 * @property {number} skipped frames of that video since the last one that was asked for
 * @property {number} size part of both sides that the network sees
 * @property {number} width
 * @property {number} height
 * @property {Uint8ClampedArray<ArrayBuffer>} pixels
 *
 * @typedef {Frame & {id: number}} Asked
 *
 * @typedef {object} Untouched
 * @property {number} rest frames to come that are left as they are, too
 *
 * @typedef {object} Sharp
 * @property {string} made the model that made it
 * @property {number} [gain] what is expected of it, in dB
 * @property {import("../src/runtime.js").Backend} backend what it ran by
 * @property {number} width
 * @property {number} height
 * @property {Uint8ClampedArray<ArrayBuffer>} pixels
 *
 * @typedef {{id: number} & ({error: string} | Untouched | Sharp)} Told
 */

export class Engine {
  constructor() {
    /** @type {Promise<chrome.runtime.Port> | null} */
    this.connecting = null;
    /** @type {Map<number, {resolve: (told: Untouched | Sharp) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    this.asked = 0;
  }

  /** Have a frame sharpened, or be told that it is better left alone. @param {Frame} frame */
  async sharpen(frame) {
    this.connecting ??= this.#connect();
    const port = await this.connecting;
    const id = this.asked++;
    return /** @type {Promise<Untouched | Sharp>} */ (
      new Promise((resolve, reject) => {
        this.waiting.set(id, { resolve, reject });
        port.postMessage({ id, ...frame });
      })
    );
  }

  async #connect() {
    try {
      const { error } = await chrome.runtime.sendMessage({ engine: "wanted" });
      if (error) throw new Error(error);
      const port = chrome.runtime.connect();
      port.onMessage.addListener((told) => this.#take(told));
      port.onDisconnect.addListener(() => this.#lose());
      return port;
    } catch (error) {
      this.connecting = null;
      throw error;
    }
  }

  /** @param {Told} told */
  #take({ id, ...told }) {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if ("error" in told) waiting?.reject(new Error(told.error));
    else waiting?.resolve(told);
  }

  #lose() {
    this.connecting = null;
    for (const { reject } of this.waiting.values()) reject(new Error("the extension was stopped"));
    this.waiting.clear();
  }
}
