// @ts-check
/** A page's side of the engine: pictures there and back. */

/** @typedef {{id: number, width: number, height: number, pixels: Uint8ClampedArray<ArrayBuffer>, error?: string}} Told */

export class Engine {
  constructor() {
    /** @type {Promise<chrome.runtime.Port> | null} */
    this.connecting = null;
    /** @type {Map<number, {resolve: (image: ImageData) => void, reject: (error: Error) => void}>} */
    this.waiting = new Map();
    this.asked = 0;
  }

  /**
   * Have a picture sharpened.
   * @param {string} model @param {ImageData} picture @param {number} size part of both sides that the network sees
   * @returns {Promise<ImageData>}
   */
  async sharpen(model, { data, width, height }, size) {
    this.connecting ??= this.#connect();
    const port = await this.connecting;
    const id = this.asked++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      port.postMessage({ id, model, size, width, height, pixels: data });
    });
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
  #take({ id, error, pixels, width, height }) {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) waiting?.reject(new Error(error));
    else waiting?.resolve(new ImageData(pixels, width, height));
  }

  #lose() {
    this.connecting = null;
    for (const { reject } of this.waiting.values()) reject(new Error("the extension was stopped"));
    this.waiting.clear();
  }
}
