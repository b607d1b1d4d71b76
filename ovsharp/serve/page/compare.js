// @ts-check
/**
 * `<x-compare>`: a picture before and after, the one over the other, with a line between them.
 *
 * Drag the line, or anywhere while the whole picture is seen; drag to move a picture that is larger
 * than its place; wheel and two fingers zoom. Keys on the line: arrows, Home and End.
 */

const STEP = 1.25;
const LARGEST = 16;
const PIXELS_FROM = 3;

/** @typedef {HTMLImageElement | HTMLVideoElement} Layer */

export class Compare extends HTMLElement {
  constructor() {
    super();
    /** @type {Layer | null} */ this.plain = null;
    /** @type {Layer | null} */ this.sharp = null;
    /** Part of the width that shows the picture before. */ this.split = 0.5;
    /** How much of the result is seen, 0 to 1. */ this.opacity = 1;
    /** While held, the picture is seen as it was. */ this.held = false;
    this.zoom = 1;
    this.x = 0;
    this.y = 0;
    this.fitting = true;
    /** @type {Map<number, PointerEvent>} */ this.pointers = new Map();
    this.moving = false;
    this.handle = document.createElement("button");
    this.handle.type = "button";
    this.handle.className = "handle";
    this.handle.setAttribute("role", "slider");
    this.handle.setAttribute("aria-label", "Line between before and after");
    this.handle.setAttribute("aria-valuemin", "0");
    this.handle.setAttribute("aria-valuemax", "100");
    /** @type {HTMLElement[]} */
    this.tags = ["Before", "After"].map((text, index) => {
      const tag = document.createElement("span");
      tag.className = `tag ${index ? "right" : "left"}`;
      tag.textContent = text;
      return tag;
    });
  }

  connectedCallback() {
    this.addEventListener("pointerdown", (event) => this.#press(event));
    this.addEventListener("pointermove", (event) => this.#drag(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.addEventListener(name, (event) => this.pointers.delete(/** @type {PointerEvent} */ (event).pointerId));
    }
    this.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.handle.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.draw()).observe(this);
  }

  /**
   * Show two pictures, or one.
   * @param {Layer | null} before
   * @param {Layer | null} after loaded: its size is the size of both
   */
  show(before, after) {
    this.plain = before;
    this.sharp = after;
    this.replaceChildren();
    for (const layer of [before, after]) {
      if (!layer) continue;
      layer.classList.add("layer");
      this.append(layer);
    }
    if (before && after) this.append(this.handle, ...this.tags);
    this.fitting = true;
    this.draw();
  }

  /** Width and height of the result in its own pixels. */
  get natural() {
    const layer = this.sharp ?? this.plain;
    if (layer instanceof HTMLVideoElement) return [layer.videoWidth || 1, layer.videoHeight || 1];
    return layer ? [layer.naturalWidth || 1, layer.naturalHeight || 1] : [1, 1];
  }

  /** The zoom at which the whole picture is seen, and a small one is not blown up. */
  get fit() {
    const [width, height] = this.natural;
    const fitting = Math.min(this.clientWidth / width, this.clientHeight / height);
    return Math.min(fitting, 1) || 1;
  }

  /** Pixels of the screen for each pixel of the picture. */
  get shown() {
    return this.zoom * devicePixelRatio;
  }

  /**
   * @param {number} zoom CSS pixels for each pixel of the picture
   * @param {number} [atX] the point that stays where it is, from the left
   * @param {number} [atY] and from the top
   */
  zoomTo(zoom, atX = this.clientWidth / 2, atY = this.clientHeight / 2) {
    const wanted = Math.min(LARGEST, Math.max(Math.min(this.fit, 0.1), zoom));
    this.x = atX - ((atX - this.x) * wanted) / this.zoom;
    this.y = atY - ((atY - this.y) * wanted) / this.zoom;
    this.zoom = wanted;
    this.fitting = false;
    this.draw();
  }

  larger() { this.zoomTo(this.zoom * STEP); }
  smaller() { this.zoomTo(this.zoom / STEP); }
  full() { this.zoomTo(1 / devicePixelRatio); }
  whole() { this.fitting = true; this.draw(); }

  /** Put everything where it belongs. */
  draw() {
    const [width, height] = this.natural;
    if (this.fitting) this.zoom = this.fit;
    const [wide, high] = [width * this.zoom, height * this.zoom];
    const [roomX, roomY] = [this.clientWidth - wide, this.clientHeight - high];
    this.x = roomX >= 0 ? roomX / 2 : Math.min(0, Math.max(roomX, this.x));
    this.y = roomY >= 0 ? roomY / 2 : Math.min(0, Math.max(roomY, this.y));
    this.classList.toggle("zoomed", roomX < -1 || roomY < -1);
    for (const layer of [this.plain, this.sharp]) {
      if (!layer) continue;
      layer.style.width = `${width}px`;
      layer.style.height = `${height}px`;
      layer.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.zoom})`;
      layer.classList.toggle("pixels", this.shown >= PIXELS_FROM);
    }
    // The line stays within what is seen of the picture.
    const [left, right] = [Math.max(0, this.x), Math.min(this.clientWidth, this.x + wide)];
    const line = left + this.split * (right - left);
    if (this.sharp) {
      const cut = this.plain ? Math.max(0, (line - this.x) / this.zoom) : 0;
      this.sharp.style.clipPath = `inset(0 0 0 ${cut}px)`;
      this.sharp.style.opacity = this.held ? "0" : String(this.opacity);
    }
    this.handle.style.left = `${line}px`;
    this.handle.setAttribute("aria-valuenow", String(Math.round(100 * this.split)));
    this.handle.setAttribute("aria-valuetext", `${Math.round(100 * this.split)} % before`);
    this.dispatchEvent(new Event("drawn"));
  }

  /** @param {number} x from the left edge of this element */
  #splitAt(x) {
    const wide = this.natural[0] * this.zoom;
    const [left, right] = [Math.max(0, this.x), Math.min(this.clientWidth, this.x + wide)];
    this.split = Math.min(1, Math.max(0, (x - left) / (right - left || 1)));
    this.draw();
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button) return;
    this.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    this.moving = event.target === this.handle || !this.classList.contains("zoomed");
    if (this.plain && this.sharp) this.handle.focus({ preventScroll: true });
    event.preventDefault();
    if (this.moving && this.pointers.size === 1) this.#splitAt(event.clientX - this.#corner[0]);
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    const others = [...this.pointers.values()].filter((one) => one.pointerId !== event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (others.length) {
      const [other] = others;
      const span = (/** @type {PointerEvent} */ one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      const [left, top] = this.#corner;
      const [x, y] = [(event.clientX + other.clientX) / 2 - left, (event.clientY + other.clientY) / 2 - top];
      this.zoomTo((this.zoom * span(event)) / (span(last) || 1), x, y);
    } else if (this.moving) {
      this.#splitAt(event.clientX - this.#corner[0]);
    } else {
      this.x += event.clientX - last.clientX;
      this.y += event.clientY - last.clientY;
      this.draw();
    }
  }

  get #corner() {
    const box = this.getBoundingClientRect();
    return [box.left, box.top];
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const [left, top] = this.#corner;
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
    this.zoomTo(this.zoom * 2 ** ((-event.deltaY * lines) / 300), event.clientX - left, event.clientY - top);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = event.shiftKey ? 0.1 : 0.02;
    const to = { ArrowLeft: this.split - step, ArrowRight: this.split + step, Home: 0, End: 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.split = Math.min(1, Math.max(0, to));
    this.draw();
  }
}

customElements.define("x-compare", Compare);
