// @ts-check
/** Photos and videos: a queue, one picture and one video at a time, and the view of one of them. */

import { Compare } from "./compare.js";
import { ask, clock, find, make, Refusal, refusal, say } from "./page.js";

/** @typedef {import("./compare.js").Layer} Layer */
/**
 * @typedef {object} Status of a job, as the server tells it
 * @property {string} id
 * @property {string} name
 * @property {"waiting" | "running" | "done" | "failed" | "cancelled"} state
 * @property {number} frames
 * @property {number | null} total
 * @property {number} fps
 * @property {number | null} seconds_left
 * @property {Record<string, number>} made
 * @property {string[]} notes
 * @property {string} error
 */

const VIDEO = /\.(mp4|m4v|mov|mkv|webm|avi|mpe?g|ts|mts|m2ts|wmv|flv|3gp|ogv|vob|mxf)$/i;
const KEPT = "ovsharp-jobs";
const ENDED = ["done", "failed", "cancelled"];

const queue = find("queue", HTMLUListElement);
const compare = find("compare", Compare);
const strength = find("strength", HTMLInputElement);
const download = find("download", HTMLAnchorElement);
const player = find("player", HTMLElement);
const playing = find("play", HTMLButtonElement);
const seek = find("seek", HTMLInputElement);

/** @type {Item[]} */
const items = [];
/** @type {Item | null} */
let now = null;

/** One file on its way. */
class Item {
  /**
   * @param {string} name
   * @param {File | null} file null where only its job is known, after a reload
   * @param {boolean} video
   */
  constructor(name, file, video) {
    this.name = name;
    this.file = file;
    this.video = video;
    this.model = find("model", HTMLSelectElement).value;
    this.scale = video ? "" : find("scale", HTMLSelectElement).value;
    /** What the result was made with; how much of it is wanted is the slider's. */
    this.strength = 1;
    this.wanted = 1;
    this.state = "waiting";
    this.what = "";
    this.job = "";
    this.stopped = new AbortController();
    /** @type {string[]} */ this.urls = [];
    /** @type {Layer | null} */ this.before = null;
    /** @type {Layer | null} */ this.after = null;
    this.result = "";
    this.resultName = name;

    this.bar = /** @type {HTMLProgressElement} */ (make("progress", { max: "1", "aria-label": `Progress of ${name}` }));
    this.words = make("span", { class: "state" }, "waiting");
    this.pick = /** @type {HTMLButtonElement} */ (make("button", { type: "button", class: "pick" }, name));
    this.remove = make("button", { type: "button", class: "drop", "aria-label": `Cancel ${name}` }, "\u2715");
    this.thumb = make("span", { class: "thumb" });
    this.row = make("li", {}, this.thumb, this.pick, this.remove, this.words, this.bar);
    this.pick.addEventListener("click", () => view(this));
    this.remove.addEventListener("click", () => drop(this));
    queue.append(this.row);
  }

  /** @param {Blob} blob */
  url(blob) {
    const url = URL.createObjectURL(blob);
    this.urls.push(url);
    return url;
  }

  /**
   * Tell where it stands.
   * @param {string} state
   * @param {string} words
   * @param {number | null} [share] done, 0 to 1; null where it cannot be told
   */
  tell(state, words, share = null) {
    this.state = state;
    this.words.textContent = words;
    this.words.classList.toggle("bad", state === "failed");
    const working = state === "waiting" || state === "working";
    this.bar.hidden = !working;
    if (share === null) this.bar.removeAttribute("value");
    else this.bar.value = share;
    this.remove.setAttribute("aria-label", `${working ? "Cancel" : "Remove"} ${this.name}`);
    this.remove.title = working ? "Cancel" : "Remove";
  }
}

/** @param {Iterable<File>} files */
export function add(files) {
  /** @type {Item | null} */
  let first = null;
  for (const file of files) {
    const video = file.type.startsWith("video/") || VIDEO.test(file.name);
    const item = new Item(file.name, file, video);
    items.push(item);
    first ??= item;
  }
  if (first && (!now || ENDED.includes(now.state))) view(first);
  work();
}

const busy = { picture: false, video: false };

/** Begin what can be begun. */
function work() {
  for (const kind of /** @type {const} */ (["picture", "video"])) {
    const item = items.find((one) => one.state === "waiting" && one.video === (kind === "video"));
    if (busy[kind] || !item) continue;
    busy[kind] = true;
    (item.video ? sharpenVideo(item) : sharpenPicture(item))
      .catch((error) => failed(item, error))
      .finally(() => {
        busy[kind] = false;
        work();
      });
  }
}

/** @param {Item} item @param {unknown} error */
function failed(item, error) {
  if (item.stopped.signal.aborted) return;
  const sentence = error instanceof TypeError ? "the server cannot be reached; is it still running?" : String(error instanceof Error ? error.message : error);
  item.tell("failed", sentence);
  item.what = "";
  say(`${item.name}: ${sentence}`);
  if (item === now) view(item);
}

/**
 * Do something again for as long as the server says that it is only busy.
 * @template T
 * @param {Item} item
 * @param {() => Promise<T>} attempt
 * @returns {Promise<T>}
 */
async function patiently(item, attempt) {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Refusal && error.retryAfter)) throw error;
      item.tell("working", "the server is busy; waiting");
      await new Promise((done) => setTimeout(done, 1000 * error.retryAfter));
      item.stopped.signal.throwIfAborted();
    }
  }
}

/**
 * @param {Item} item
 * @param {Record<string, string>} more
 */
async function request(item, more = {}) {
  const options = new URLSearchParams();
  if (item.model) options.set("model", item.model);
  if (item.scale) options.set("scale", item.scale);
  if (item.wanted < 1) options.set("strength", String(item.wanted));
  // A JPEG would get the quality that it had, and a poor one lose again what was gained.
  if (item.file?.type === "image/jpeg") options.set("quality", "95");
  for (const [name, value] of Object.entries(more)) options.set(name, value);
  const answer = await ask(`/v1/sharpen?${options}`, { method: "POST", body: item.file, signal: item.stopped.signal });
  return { answer, blob: await answer.blob() };
}

/** @param {string} url @returns {Promise<HTMLImageElement | null>} null where the browser cannot show it */
async function image(url) {
  const element = new Image();
  element.alt = "";
  element.src = url;
  try {
    await element.decode();
  } catch {
    return null;
  }
  return element;
}

/** @param {Item} item */
async function sharpenPicture(item) {
  item.tell("working", "sharpening");
  if (item.file && !item.before) item.before = await image(item.url(item.file));
  if (item.before) showThumb(item, item.before.src);
  if (item === now) view(item);
  const { answer, blob } = await patiently(item, () => request(item));
  const told = (/** @type {string} */ name) => answer.headers.get(`Ovsharp-${name}`) ?? "";
  item.strength = item.wanted;
  item.result = item.url(blob);
  item.resultName = named(item.name, { "image/jpeg": "jpg", "image/tiff": "tif" }[blob.type] ?? blob.type.slice(6));
  item.after = await image(item.result);
  if (!item.after || !item.before) {
    // TIFF and HEIC, which few browsers show: both as PNG, for the eye only.
    const plain = { format: "png", reduce: "true" };
    const [one, other] = [await request(item, { ...plain, strength: "0" }), await request(item, plain)];
    item.before = await image(item.url(one.blob));
    item.after = await image(item.url(other.blob));
  }
  if (!item.thumb.hasAttribute("src") && item.after) showThumb(item, item.after.src);
  const left = told("Sharpened") === "no";
  const why = told("Why");
  item.what = left ? `Left as it is: ${why}.` : `${told("Made-By")}${why ? `: ${why}` : ""}`;
  for (const more of [told("Resampled"), told("Notes")]) if (more) item.what += ` \u00b7 ${more}`;
  item.tell("done", left ? "left as it is" : "sharpened");
  say(`${item.name}: ${item.words.textContent}`);
  if (item === now) view(item);
}

/** @param {Item} item */
async function sharpenVideo(item) {
  if (!item.job) {
    item.tell("working", "sending", 0);
    if (item.file && !item.before) item.before = await video(item.url(item.file));
    if (item.before && item.file) showThumb(item, item.urls[0], true);
    if (item === now) view(item);
    item.job = (await patiently(item, () => send(item))).id;
    keep();
  }
  const status = await follow(item);
  if (status.state !== "done") throw new Error(status.error || "cancelled");
  item.strength = item.wanted;
  item.result = `/v1/jobs/${item.job}/result`;
  item.resultName = named(item.name, "");
  item.after = await video(item.result);
  const made = Object.entries(status.made).map(([name, count]) => `${name} ${count}`);
  item.what = [`${status.frames} frames: ${made.join(", ")}`, ...status.notes].join(" \u00b7 ");
  if (!item.after) item.what = `This browser cannot play the result; download it. ${item.what}`;
  item.tell("done", `done, ${status.fps.toFixed(1)} frames a second`);
  say(`${item.name}: done`);
  if (item === now) view(item);
}

/** @param {Item} item @returns {Promise<Status>} */
function send(item) {
  const options = new URLSearchParams({ name: item.name });
  if (item.model) options.set("model", item.model);
  if (item.wanted < 1) options.set("strength", String(item.wanted));
  return new Promise((done, fail) => {
    const sending = new XMLHttpRequest(); // fetch does not tell how far an upload is
    sending.open("POST", `/v1/jobs?${options}`);
    sending.upload.addEventListener("progress", (event) => {
      if (event.total) item.tell("working", `sending ${Math.round((100 * event.loaded) / event.total)} %`, event.loaded / event.total);
    });
    sending.addEventListener("load", () => {
      if (sending.status < 300) done(JSON.parse(sending.responseText));
      else fail(refusal(sending.status, sending.responseText, sending.getResponseHeader("Retry-After")));
    });
    sending.addEventListener("error", () => fail(new TypeError("no answer")));
    item.stopped.signal.addEventListener("abort", () => sending.abort());
    sending.addEventListener("abort", () => fail(new Error("cancelled")));
    sending.send(item.file);
  });
}

/** Follow a job to its end. @param {Item} item @returns {Promise<Status>} */
function follow(item) {
  return new Promise((done, fail) => {
    const events = new EventSource(`/v1/jobs/${item.job}/events`);
    const end = () => events.close();
    item.stopped.signal.addEventListener("abort", () => (end(), fail(new Error("cancelled"))));
    events.addEventListener("message", (event) => {
      /** @type {Status} */
      const status = JSON.parse(event.data);
      if (ENDED.includes(status.state)) return (end(), done(status));
      if (status.state === "waiting") return item.tell("working", "waiting for its turn");
      const left = status.seconds_left === null ? "" : `, ${clock(status.seconds_left)} left`;
      const share = status.total ? status.frames / status.total : null;
      const words = `frame ${status.frames}${status.total ? ` of ${status.total}` : ""}${left}`;
      item.tell("working", words, share);
      if (item === now) find("what", HTMLElement).textContent = `${words} \u00b7 ${status.fps.toFixed(1)} frames a second`;
    });
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) fail(new Error("the server knows this video no longer"));
    });
  });
}

/** @param {string} url @returns {Promise<HTMLVideoElement | null>} null where the browser cannot play it */
function video(url) {
  return new Promise((done) => {
    const element = document.createElement("video");
    element.muted = true;
    element.playsInline = true;
    element.preload = "auto";
    element.addEventListener("loadeddata", () => done(element.videoWidth ? element : null), { once: true });
    element.addEventListener("error", () => done(null), { once: true });
    element.src = url;
  });
}

/** @param {Item} item @param {string} url */
function showThumb(item, url, moving = false) {
  const thumb = make(moving ? "video" : "img", { class: "thumb", src: url, ...(moving ? { preload: "metadata" } : { alt: "" }) });
  item.thumb.replaceWith(thumb);
  item.thumb = thumb;
}

/** @param {string} name @param {string} ending */
function named(name, ending) {
  const dot = name.lastIndexOf(".");
  const stem = dot > 0 ? name.slice(0, dot) : name;
  return `${stem}-sharp${ending ? `.${ending}` : dot > 0 ? name.slice(dot) : ""}`;
}

/** Cancel or remove. @param {Item} item */
async function drop(item) {
  item.stopped.abort();
  const place = items.indexOf(item);
  items.splice(place, 1);
  const focus = items[Math.min(place, items.length - 1)];
  item.row.remove();
  (focus?.pick ?? find("choose", HTMLButtonElement)).focus();
  if (item === now) view(focus ?? null);
  for (const url of item.urls) URL.revokeObjectURL(url);
  keep();
  say(`${item.name}: removed`);
  if (item.job) await ask(`/v1/jobs/${item.job}`, { method: "DELETE" }).catch(() => undefined);
}

/** Show a file, or nothing. @param {Item | null} item */
function view(item) {
  pause();
  now = item;
  for (const one of items) {
    one.row.classList.toggle("now", one === item);
    one.pick.setAttribute("aria-current", String(one === item));
  }
  const something = item?.after ?? item?.before ?? null;
  find("empty", HTMLElement).hidden = Boolean(item);
  find("shown", HTMLElement).hidden = !item;
  if (!item) return;
  compare.show(item.before, item.after);
  compare.hidden = !something;
  player.hidden = !(item.video && something);
  find("tools", HTMLElement).hidden = !item.result;
  download.hidden = false;
  strength.value = String(Math.round(100 * item.wanted));
  strengthen();
  const words = item.state === "failed" ? item.words.textContent ?? "" : item.what;
  find("what", HTMLElement).textContent = words || `${item.name}: ${item.words.textContent}`;
}

/** Show as much of the result as the slider says; what it was not made with is made on demand. */
function strengthen() {
  const share = Number(strength.value) / 100;
  find("strength-shown", HTMLOutputElement).value = `${strength.value} %`;
  if (!now) return;
  now.wanted = share;
  compare.opacity = Math.min(1, now.strength ? share / now.strength : share);
  compare.draw();
  const same = share === now.strength;
  const again = now.video && !same;
  download.textContent = again ? `Make it with ${strength.value} %` : "Download";
  download.href = now.result;
  download.download = now.resultName;
  download.hidden = again && !now.file;
}

/** @param {MouseEvent} event */
async function fetchResult(event) {
  const item = now;
  if (!item || item.wanted === item.strength) return;
  event.preventDefault();
  if (item.video) {
    const old = item.job;
    item.job = "";
    item.after = null;
    item.result = "";
    item.tell("waiting", "waiting");
    view(item);
    work();
    await ask(`/v1/jobs/${old}`, { method: "DELETE" }).catch(() => undefined);
    return;
  }
  try {
    const { blob } = await patiently(item, () => request(item));
    item.tell("done", item.words.textContent ?? "");
    const link = make("a", { href: item.url(blob), download: item.resultName });
    link.click();
  } catch (error) {
    failed(item, error);
  }
}

/** @returns {HTMLVideoElement[]} those that are seen, the result first */
function clips() {
  const layers = [compare.sharp, compare.plain];
  return layers.filter((one) => one instanceof HTMLVideoElement);
}

function pause() {
  for (const clip of clips()) clip.pause();
  playing.textContent = "Play";
  playing.setAttribute("aria-pressed", "false");
}

/** Keep both videos at the same moment. */
function tick() {
  const [lead, ...others] = clips();
  if (!lead) return;
  for (const other of others) if (Math.abs(other.currentTime - lead.currentTime) > 0.04) other.currentTime = lead.currentTime;
  show(lead);
  if (lead.ended) pause();
  else if (!lead.paused) requestAnimationFrame(tick);
}

/** @param {HTMLVideoElement} clip */
function show(clip) {
  seek.max = String(clip.duration || 1);
  seek.value = String(clip.currentTime);
  find("clock", HTMLElement).textContent = `${clock(clip.currentTime)} / ${clock(clip.duration || 0)}`;
}

playing.addEventListener("click", async () => {
  if (clips().some((clip) => !clip.paused)) return pause();
  playing.textContent = "Pause";
  playing.setAttribute("aria-pressed", "true");
  await Promise.all(clips().map((clip) => clip.play()));
  tick();
});
seek.addEventListener("input", () => {
  for (const clip of clips()) clip.currentTime = Number(seek.value);
  const [lead] = clips();
  if (lead) show(lead);
});

strength.addEventListener("input", strengthen);
download.addEventListener("click", fetchResult);
compare.addEventListener("drawn", () => {
  find("zoom-shown", HTMLOutputElement).value = `${Math.round(100 * compare.shown)} %`;
  const [lead] = clips();
  if (lead) show(lead);
});
/** @type {[string, () => void][]} */
const zooming = [
  ["zoom-in", () => compare.larger()], ["zoom-out", () => compare.smaller()],
  ["zoom-fit", () => compare.whole()], ["zoom-full", () => compare.full()],
];
for (const [id, act] of zooming) find(id, HTMLButtonElement).addEventListener("click", act);

/** @param {boolean} held */
function hold(held) {
  if (compare.held === held) return;
  compare.held = held;
  find("hold", HTMLButtonElement).setAttribute("aria-pressed", String(held));
  compare.draw();
}
const holding = find("hold", HTMLButtonElement);
for (const name of ["pointerdown", "keydown"]) {
  holding.addEventListener(name, (event) => {
    if (event instanceof KeyboardEvent && ![" ", "Enter"].includes(event.key)) return;
    hold(true);
  });
}
for (const name of ["pointerup", "pointerleave", "keyup", "blur"]) holding.addEventListener(name, () => hold(false));

document.addEventListener("keydown", (event) => {
  if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
  if (!now || event.ctrlKey || event.metaKey || event.altKey || find("files", HTMLElement).hidden) return;
  const acts = { "+": () => compare.larger(), "-": () => compare.smaller(), 0: () => compare.whole(), 1: () => compare.full(), b: () => hold(true) };
  acts[/** @type {keyof typeof acts} */ (event.key)]?.();
});
document.addEventListener("keyup", (event) => {
  if (event.key === "b") hold(false);
});

/** Remember the videos that the server works on, for a reload. */
function keep() {
  const jobs = items.filter((item) => item.job).map((item) => ({ id: item.job, name: item.name }));
  sessionStorage.setItem(KEPT, JSON.stringify(jobs));
}

/** Take up again what was under way before a reload. */
export async function takeUp() {
  /** @type {{id: string, name: string}[]} */
  const jobs = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  for (const { id, name } of jobs) {
    const known = await ask(`/v1/jobs/${id}`).catch(() => null);
    if (!known) continue;
    const item = new Item(name, null, true);
    item.job = id;
    items.push(item);
    now ?? view(item);
  }
  keep();
  work();
}
