// @ts-check
/** One video of a page, and the sharpened canvas that lies over it. */

import { Budget } from "./budget.js";

/** @typedef {import("./asking.js").Engine} Engine */

/** Least width and height on the page, and of the video itself. */
const LEAST = [160, 90];
/** What the canvas shares with its video: it lies where that lies, and looks as it looks. */
const SHARED = /** @type {const} */ (["objectFit", "objectPosition", "transform", "transformOrigin", "borderRadius", "clipPath", "filter", "opacity"]);
const STYLE = `
  canvas { position: absolute; inset: 0; width: 100%; height: 100%; }
  canvas[hidden] { display: none; }
  button {
    position: absolute; right: 6px; top: 6px; min-width: 24px; height: 24px; padding: 0 8px; border: 0;
    border-radius: 12px; font: 12px/24px system-ui, sans-serif; color: #fff; background: #000a;
    opacity: .6; pointer-events: auto; cursor: pointer;
  }
  button[aria-pressed=true] { background: #14743ad0; }
  button:hover, button:focus-visible { opacity: 1; outline: 2px solid #fff; }
`;

/** What runs the networks, in words. */
const PLACES = { webgpu: "graphics card", wasm: "processor" };

/** Tell whether a video is worth it. @param {HTMLVideoElement} video */
export function isLarge(video) {
  const { width, height } = video.getBoundingClientRect();
  return width >= LEAST[0] && height >= LEAST[1] && video.videoWidth >= LEAST[0] && video.videoHeight >= LEAST[1];
}

let views = 0;

export class View {
  /** @param {HTMLVideoElement} video @param {Engine} engine */
  constructor(video, engine) {
    this.video = video;
    this.engine = engine;
    this.budget = new Budget();
    this.on = true;
    this.busy = false;
    this.closed = false;
    this.number = views++;
    this.last = { now: 0, presented: 0 };
    /** Frames since the last one that was asked for, this one included. */
    this.frames = 0;
    /** How many to come are left as they are. */
    this.rest = 0;
    /** What made the last one, empty where it was left as it is; null before the first. @type {string | null} */
    this.made = null;
    /** What it ran by. @type {import("../src/runtime.js").Backend} */
    this.backend = "wasm";
    this.taken = new OffscreenCanvas(1, 1);
    this.host = document.createElement("div");
    const root = this.host.attachShadow({ mode: "open" });
    const style = document.createElement("style");
    style.textContent = STYLE;
    this.canvas = document.createElement("canvas");
    this.canvas.hidden = true;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.addEventListener("click", (event) => {
      event.stopPropagation(); // a click on a video means something to most pages
      this.on = !this.on;
      if (this.on) this.budget = new Budget();
      this.#say();
    });
    root.append(style, this.canvas, this.button);
    this.#say();
    this.#watch();
  }

  /** Show the video as it came, while a key is held. @param {boolean} held */
  hold(held) {
    this.canvas.style.visibility = held ? "hidden" : "";
  }

  /** Take everything away. */
  close() {
    this.closed = true;
    this.host.remove();
  }

  #watch() {
    this.video.requestVideoFrameCallback((now, { presentedFrames }) => {
      if (this.closed) return;
      this.#watch();
      // A page that is busy hears of some frames only: they have come all the same.
      const frames = Math.max(1, presentedFrames - this.last.presented);
      const gap = (now - this.last.now) / frames;
      this.last = { now, presented: presentedFrames };
      this.frames += frames;
      this.#take(now, gap).catch((error) => this.#fail(error));
    });
  }

  /** @param {number} now @param {number} gap */
  async #take(now, gap) {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!this.on || document.hidden || !isLarge(this.video)) return this.#hide();
    const rested = !this.budget.step;
    const step = this.budget.decide(now, gap, width * height);
    if (!step || rested) this.#say();
    if (!step) return this.#hide();
    if (this.busy || this.frames < step.every || this.frames <= this.rest) return;
    this.busy = true;
    const [video, skipped] = [this.number, this.frames - 1];
    this.frames = 0;
    try {
      const told = await this.engine.sharpen({ video, skipped, size: step.size, ...this.#read(width, height) });
      this.rest = "rest" in told ? told.rest : 0;
      this.made = "rest" in told ? "" : told.made;
      if ("rest" in told) this.#hide();
      else {
        this.backend = told.backend;
        this.budget.spend(performance.now() - now, width * height * step.size * step.size);
        if (this.on && !this.closed) this.#show(new ImageData(told.pixels, told.width, told.height));
      }
    } finally {
      this.busy = false;
    }
    this.#say();
  }

  /** @param {number} width @param {number} height */
  #read(width, height) {
    if (this.taken.width !== width || this.taken.height !== height) this.taken = new OffscreenCanvas(width, height);
    const context = this.taken.getContext("2d", { alpha: false, willReadFrequently: true });
    if (!context) throw new Error("this browser draws nothing");
    context.drawImage(this.video, 0, 0, width, height);
    return { width, height, pixels: context.getImageData(0, 0, width, height).data };
  }

  /** @param {ImageData} sharp */
  #show(sharp) {
    this.#place();
    if (this.canvas.width !== sharp.width || this.canvas.height !== sharp.height) {
      [this.canvas.width, this.canvas.height] = [sharp.width, sharp.height];
    }
    this.canvas.getContext("2d", { alpha: false })?.putImageData(sharp, 0, 0);
    this.canvas.hidden = false;
  }

  #hide() {
    this.canvas.hidden = true;
    this.#place();
  }

  /** Lie over the video, wherever the page has moved it. */
  #place() {
    const { video, host, canvas } = this;
    if (host.previousElementSibling !== video) video.after(host);
    const style = getComputedStyle(video);
    const fixed = style.position === "fixed";
    const { left, top } = fixed ? video.getBoundingClientRect() : { left: video.offsetLeft, top: video.offsetTop };
    host.style.cssText =
      `all: initial; display: block; position: ${fixed ? "fixed" : "absolute"}; left: ${left}px; top: ${top}px; ` +
      `width: ${video.offsetWidth}px; height: ${video.offsetHeight}px; z-index: ${style.zIndex}; pointer-events: none`;
    for (const name of SHARED) canvas.style[name] = style[name];
  }

  #say() {
    const [how, why] = this.#state();
    this.button.textContent = `sharp: ${how}`;
    this.button.title = why;
    this.button.setAttribute("aria-label", `Sharpen this video: ${how}`);
    this.button.setAttribute("aria-pressed", String(this.on && Boolean(this.budget.step)));
  }

  /** A word and a sentence. @returns {[string, string]} */
  #state() {
    const { step } = this.budget;
    if (!this.on) return ["off", "The video is as it came; press to sharpen it."];
    if (!step) return ["resting", "This machine is too busy to sharpen this video; it is tried again soon."];
    if (this.made === null) return ["on", "What this video needs is being found out."];
    if (!this.made) return ["not needed", "No model would make this video better: it is left as it came."];
    const how = step.every > 1 ? "every 2nd" : step.size < 1 ? "on, light" : "on";
    const place = PLACES[this.backend];
    return [how, `This video is sharpened by ${this.made}, on this machine's ${place}. Hold Alt+B to see it as it came.`];
  }

  /** @param {unknown} error */
  #fail(error) {
    this.on = false;
    this.#hide();
    this.#say();
    const kept = error instanceof DOMException && error.name === "SecurityError";
    this.button.title = kept ? "This page does not let the pixels of its video be read." : `Stopped: ${error}`;
  }
}
