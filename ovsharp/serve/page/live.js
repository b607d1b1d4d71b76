// @ts-check
/** The camera, live over one WebSocket: the frame as it came beside the sharpened one. */

import { ask, find, say } from "./page.js";

const IN_FLIGHT = 2;
const RECENT = 60;
const QUALITY = 0.92;

const before = find("before", HTMLCanvasElement);
const after = find("after", HTMLCanvasElement);
const video = find("video", HTMLVideoElement);
const device = find("device", HTMLSelectElement);
const size = find("size", HTMLSelectElement);
const strength = find("live-strength", HTMLInputElement);
const toggle = find("toggle", HTMLButtonElement);
const start = find("start", HTMLButtonElement);
const lamp = find("lamp", HTMLElement);

/** @param {string} text */
const complain = (text) => (find("camera-error", HTMLElement).textContent = text);

/** One camera, from its start to its end. */
class Live {
  /** @param {MediaStream} stream @param {WebSocket} socket */
  constructor(stream, socket) {
    this.stream = stream;
    this.socket = socket;
    this.ended = false;
    this.on = true;
    this.late = 0;
    /** Frames that are on their way, by their time. @type {Map<number, OffscreenCanvas>} */
    this.flying = new Map();
    /** @type {OffscreenCanvas[]} */ this.spare = [];
    /** When each frame was drawn, and its delay. @type {[number, number][]} */
    this.drawn = [];
    this.encoding = false;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event) => this.#take(event.data));
    socket.addEventListener("close", () => this.stop("The server has ended the connection."));
    for (const track of stream.getTracks()) {
      track.addEventListener("ended", () => this.stop("The camera has gone."));
    }
  }

  run() {
    const next = () => {
      if (this.ended) return;
      this.#send(performance.now());
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  }

  /** @param {Record<string, unknown>} settings */
  tell(settings) {
    this.socket.send(JSON.stringify(settings));
  }

  /** Send what the camera shows now, unless enough is on its way. @param {number} time */
  async #send(time) {
    if (this.flying.size + Number(this.encoding) >= IN_FLIGHT || this.encoding) {
      this.late += 1;
      return;
    }
    this.encoding = true;
    const [width, height] = [video.videoWidth, video.videoHeight];
    let canvas = this.spare.pop();
    if (!canvas || canvas.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("this browser draws nothing");
    context.drawImage(video, 0, 0);
    const jpeg = await canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    const head = new DataView(new ArrayBuffer(8));
    head.setFloat64(0, time);
    this.encoding = false;
    if (this.ended) return;
    this.flying.set(time, canvas);
    this.socket.send(new Blob([head, jpeg]));
  }

  /** @param {string | ArrayBuffer} data */
  async #take(data) {
    if (typeof data === "string") return this.#hear(JSON.parse(data));
    const time = new DataView(data).getFloat64(0);
    const sharp = await createImageBitmap(new Blob([new Uint8Array(data, 8)], { type: "image/jpeg" }));
    const canvas = this.flying.get(time);
    this.flying.delete(time);
    if (this.ended || !canvas) return;
    draw(before, canvas);
    draw(after, sharp);
    sharp.close();
    this.spare.push(canvas);
    this.drawn.push([performance.now(), performance.now() - time]);
    if (this.drawn.length > RECENT) this.drawn.shift();
  }

  /** @param {{model?: string, sharpened?: boolean, why?: string, late?: number, error?: string}} told */
  #hear(told) {
    if (told.error) return this.stop(told.error);
    if (told.late !== undefined) {
      this.flying.delete(told.late);
      this.late += 1;
    }
    if (told.model === undefined) return;
    find("live-model", HTMLElement).textContent = told.model;
    find("live-why", HTMLElement).textContent = told.why ?? "";
    show(this.on, this.on ? (told.sharpened ? "Sharpening is on" : "On: this picture needs nothing") : "Sharpening is off");
  }

  show() {
    const [first, last] = [this.drawn[0], this.drawn.at(-1)];
    if (!first || !last || last[0] === first[0]) return;
    const rate = (1000 * (this.drawn.length - 1)) / (last[0] - first[0]);
    const delays = this.drawn.map(([, delay]) => delay).sort((a, b) => a - b);
    const at = (/** @type {number} */ share) => Math.round(delays[Math.floor(share * (delays.length - 1))]);
    find("fps", HTMLElement).textContent = rate.toFixed(1);
    find("delay", HTMLElement).textContent = `${at(0.5)} ms (90 %: ${at(0.9)})`;
    find("late", HTMLElement).textContent = String(this.late);
  }

  /** @param {string} [why] */
  stop(why = "") {
    if (this.ended) return;
    this.ended = true;
    for (const track of this.stream.getTracks()) track.stop();
    this.socket.close();
    clearInterval(this.watch);
    show(false, "Sharpening is off");
    start.textContent = "Start the camera";
    toggle.disabled = true;
    live = null;
    if (why) complain(why);
    say(why || "The camera is off.");
  }

  watch = setInterval(() => this.show(), 500);
}

/** @type {Live | null} */
let live = null;

/** @param {HTMLCanvasElement} canvas @param {ImageBitmap | OffscreenCanvas} picture */
function draw(canvas, picture) {
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
  }
  canvas.getContext("2d", { alpha: false })?.drawImage(picture, 0, 0);
}

/** @param {boolean} on @param {string} words */
function show(on, words) {
  lamp.dataset.on = String(on);
  lamp.textContent = words;
  toggle.setAttribute("aria-pressed", String(on));
}

async function begin() {
  complain("");
  if (!navigator.mediaDevices) {
    complain("A browser gives a camera only to a page of its own machine (127.0.0.1) or over https.");
    return;
  }
  await ask("/v1/models"); // asks for the token, where one is needed: a WebSocket cannot
  const [width, height] = size.value.split("x").map(Number);
  const wanted = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30 } };
  /** @type {MediaStream} */
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: device.value ? { ...wanted, deviceId: { exact: device.value } } : wanted });
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    complain({ NotAllowedError: "The camera was not allowed; allow it in the browser's address bar.", NotFoundError: "There is no camera on this machine.", NotReadableError: "Another program uses the camera; close it." }[name] ?? String(error));
    return;
  }
  await list(stream);
  video.srcObject = stream;
  await video.play();
  const address = new URL(`/v1/live?strength=${Number(strength.value) / 100}`, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  live = new Live(stream, socket);
  await new Promise((done) => socket.addEventListener("open", done, { once: true }));
  start.textContent = "Stop the camera";
  toggle.disabled = false;
  show(true, "Sharpening is on");
  say("The camera is on, and sharpened.");
  live.run();
}

/** Name the cameras, which a browser does once one is allowed. @param {MediaStream} stream */
async function list(stream) {
  const used = stream.getVideoTracks()[0]?.getSettings().deviceId;
  const found = (await navigator.mediaDevices.enumerateDevices()).filter((one) => one.kind === "videoinput");
  device.replaceChildren(...found.map((one) => new Option(one.label || "Camera", one.deviceId, false, one.deviceId === used)));
}

async function restart() {
  if (!live) return;
  live.stop();
  await begin();
}

start.addEventListener("click", () => (live ? live.stop() : begin().catch((error) => complain(error.message))));
for (const select of [device, size]) select.addEventListener("change", restart);
strength.addEventListener("input", () => {
  find("live-strength-shown", HTMLOutputElement).value = `${strength.value} %`;
  live?.tell({ strength: Number(strength.value) / 100 });
});
toggle.addEventListener("click", () => {
  if (!live) return;
  live.on = !live.on;
  live.tell({ on: live.on });
  show(live.on, live.on ? "Sharpening is on" : "Sharpening is off");
});

/** End it: nobody sees it any more. */
export function leave() {
  live?.stop();
}
