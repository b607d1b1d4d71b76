// @ts-check
/**
 * How much of a video is sharpened, so that the call never waits for it.
 *
 * The budget learns what a pixel costs, and takes the most that fits between two frames: the whole
 * picture, then the correction of a smaller one, then that of every second frame, then none.
 */

/** @typedef {{size: number, every: number}} Step part of both sides that the network sees; of how many frames one */

/** From most to least. @type {readonly Step[]} */
export const STEPS = [
  { size: 1, every: 1 },
  { size: 0.75, every: 1 },
  { size: 0.5, every: 1 },
  { size: 0.5, every: 2 },
];

/** Part of the time between two frames that may be spent. */
const MOST = 0.75;
/** The same for a larger step: what is just about possible would go up and down. */
const MOST_UP = 0.5;
/** Frames that are looked at before anything is decided. */
const SEEN = 12;
/** Milliseconds between a change and a larger step. */
const EASE = 5_000;
/** Milliseconds of rest, after which the smallest step is tried again. */
const REST = 30_000;

export class Budget {
  constructor() {
    this.index = STEPS.length - 2; // half the size is cheap, and shows what a pixel costs
    this.changed = -Infinity;
    /** @type {number[]} */ this.costs = [];
    /** @type {number[]} */ this.gaps = [];
  }

  /** What is done now; null while it rests. @returns {Step | null} */
  get step() {
    return STEPS[this.index] ?? null;
  }

  /**
   * Learn from a frame.
   * @param {number} spent milliseconds from the frame to its sharpened picture
   * @param {number} pixels that the network saw
   */
  spend(spent, pixels) {
    keep(this.costs, spent / pixels);
  }

  /**
   * Decide what is done of the frame that has come.
   * @param {number} now milliseconds, of any clock
   * @param {number} gap milliseconds since the frame before
   * @param {number} pixels of the frame
   * @returns {Step | null}
   */
  decide(now, gap, pixels) {
    keep(this.gaps, gap);
    if (!this.step) {
      if (now - this.changed >= REST) this.#change(STEPS.length - 1, now);
    } else if (this.costs.length >= SEEN) {
      const cost = median(this.costs) * pixels;
      const between = median(this.gaps);
      const fits = (/** @type {number} */ most) => STEPS.findIndex(({ size, every }) => cost * size * size <= most * between * every);
      const down = fits(MOST);
      const up = fits(MOST_UP);
      if (down < 0) this.#change(STEPS.length, now);
      else if (down > this.index) this.#change(down, now);
      else if (up >= 0 && up < this.index && now - this.changed >= EASE) this.#change(up, now);
    }
    return this.step;
  }

  /** @param {number} index @param {number} now */
  #change(index, now) {
    this.index = index;
    this.changed = now;
    this.costs = [];
  }
}

/** @param {number[]} values @param {number} value */
function keep(values, value) {
  values.push(value);
  if (values.length > SEEN) values.shift();
}

/** @param {number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
