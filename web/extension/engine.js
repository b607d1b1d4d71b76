// @ts-check
/** The document behind all pages: takes pictures, gives them back sharpened, keeps none. */

import { createSharpener } from "../src/index.js";

/** How long it stays when no page needs it, in milliseconds. */
const LINGER = 30_000;

/** @typedef {{id: number, model: string, size: number, width: number, height: number, pixels: Uint8ClampedArray<ArrayBuffer>}} Asked */

/** @type {Map<string, ReturnType<typeof createSharpener>>} */
const sharpeners = new Map();
/** @type {Set<chrome.runtime.Port>} */
const pages = new Set();
let last = Promise.resolve();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let leaving;

/** @param {string} model */
function sharpener(model) {
  const known = sharpeners.get(model) ?? createSharpener({ model: `${model}.onnx` });
  sharpeners.set(model, known);
  return known;
}

/** @param {chrome.runtime.Port} page @param {Asked} asked */
async function answer(page, { id, model, size, width, height, pixels }) {
  /** @type {object} */
  let told;
  try {
    const sharp = await (await sharpener(model)).sharpen(new ImageData(pixels, width, height), { size });
    told = { id, width: sharp.width, height: sharp.height, pixels: sharp.data };
  } catch (error) {
    told = { id, error: String(error) };
  }
  if (pages.has(page)) page.postMessage(told);
}

chrome.runtime.onConnect.addListener((page) => {
  clearTimeout(leaving);
  pages.add(page);
  page.onMessage.addListener((asked) => (last = last.then(() => answer(page, asked))));
  page.onDisconnect.addListener(() => {
    pages.delete(page);
    if (!pages.size) leaving = setTimeout(() => window.close(), LINGER);
  });
});
