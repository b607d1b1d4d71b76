// @ts-check
/** The document behind all pages: takes pictures, gives them back sharpened, keeps none. */

import { createSharpener } from "../src/index.js";
import { NOBODY } from "../src/router.js";

/** @typedef {import("../src/session.js").Session} Session */
/** @typedef {import("./asking.js").Asked} Asked */
/** @typedef {import("./asking.js").Told} Told */

/** How long it stays when no page needs it, in milliseconds. */
const LINGER = 30_000;

/** The videos of each page that is connected. @type {Map<chrome.runtime.Port, Map<number, Session>>} */
const pages = new Map();
const ready = createSharpener({ model: "call.json" });
let last = Promise.resolve();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let leaving;

/** @param {Map<number, Session>} videos @param {number} video */
async function sessionOf(videos, video) {
  const session = videos.get(video) ?? (await ready).session();
  videos.set(video, session);
  return session;
}

/** @param {chrome.runtime.Port} page @param {Asked} asked */
async function answer(page, { id, video, skipped, size, width, height, pixels }) {
  const videos = pages.get(page);
  if (!videos) return;
  /** @type {Told} */
  let told;
  try {
    const { backend } = await ready;
    const session = await sessionOf(videos, video);
    session.skip(skipped);
    const sharp = await session.sharpen(new ImageData(pixels, width, height), { size });
    const { made, gain, rest } = session;
    told = made === NOBODY ? { id, rest } : { id, made, gain, backend, width: sharp.width, height: sharp.height, pixels: sharp.data };
  } catch (error) {
    told = { id, error: String(error) };
  }
  if (pages.has(page)) page.postMessage(told);
}

chrome.runtime.onConnect.addListener((page) => {
  clearTimeout(leaving);
  pages.set(page, new Map());
  page.onMessage.addListener((asked) => (last = last.then(() => answer(page, asked))));
  page.onDisconnect.addListener(() => {
    pages.delete(page);
    if (!pages.size) leaving = setTimeout(() => window.close(), LINGER);
  });
});
