// @ts-check
/** Pictures that follow each other, and what makes each of them: as `ovsharp/runtime/routes.py`. */

import { Looks } from "./looks.js";
import { pixels } from "./pixels.js";
import { NOBODY } from "./router.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./router.js").Router} Router */

/** Frames of a stream from one look of the router to the next. */
export const LOOK_EVERY = 29;
/** How many times as often it looks while a stream begins, or a look speaks against the choice. */
const CLOSER = 4;

export class Session {
  /** What made the last picture: a model's name, or "untouched". */
  made = "";
  /** What the router expects of that model, in dB; unknown without a router. @type {number | undefined} */
  gain;
  /** Of the pictures. */
  #size = "";
  #looks = new Looks();
  /** Frames that came, and how many shall have come when the router looks again. */
  #frames = 0;
  #due = 0;

  /**
   * @param {Map<string, Network>} networks by name; the first one where nothing chooses
   * @param {Router | null} router
   * @param {number} every frames from one look to the next; 1: each picture by itself
   */
  constructor(networks, router, every) {
    this.networks = networks;
    const [general] = networks.keys();
    this.general = general;
    this.router = router;
    this.every = every;
  }

  /** How many frames to come are left as they are, whatever they show: until the router looks again. */
  get rest() {
    return this.made === NOBODY ? Math.max(0, this.#due - this.#frames) : 0;
  }

  /** Count frames that came, and were not given to `sharpen`. @param {number} frames */
  skip(frames) {
    this.#frames += frames;
  }

  /**
   * Sharpen the next picture, or leave it as it is; one at a time.
   * @param {ImageData | CanvasImageSource} picture an image, a video or what it shows now, a canvas
   * @param {object} [options]
   * @param {number} [options.size] part of both sides that the network sees, 0 to 1: its correction is
   *   enlarged, and added to the whole picture; a half costs a quarter
   * @returns {Promise<ImageData>} larger where the model enlarges; opaque, if a model made it
   */
  async sharpen(picture, { size = 1 } = {}) {
    const whole = picture instanceof ImageData ? picture : pixels(picture);
    this.made = this.router ? await this.#chosen(whole, this.router) : this.general;
    this.#frames++;
    return this.networks.get(this.made)?.sharpen(whole, size) ?? whole; // NOBODY has no network
  }

  /** @param {ImageData} picture @param {Router} router */
  async #chosen(picture, router) {
    const size = `${picture.width}x${picture.height}`;
    if (this.every === 1 || size !== this.#size) this.#begin(size);
    if (this.#frames < this.#due) return this.made;
    this.#looks.add(await router.gains(picture));
    const chosen = this.#looks.best(this.made);
    const period = this.#looks.unsettled(chosen) ? Math.ceil(this.every / CLOSER) : this.every;
    this.#due = this.#frames + period;
    this.gain = chosen === NOBODY ? undefined : this.#looks.gains[chosen];
    return chosen;
  }

  /** @param {string} size of the pictures from now on */
  #begin(size) {
    this.#size = size;
    this.#looks = new Looks();
    this.#frames = this.#due = 0;
    this.made = "";
  }
}
