// @ts-check
/** On a listed page: finds its videos, and lays a view over each that is large enough. */

import { Engine } from "./asking.js";
import { View, isLarge } from "./view.js";

const LOOK = 1_000;

const shared = /** @type {{ovsharp?: true}} */ (globalThis);
if (!shared.ovsharp) {
  shared.ovsharp = true; // a page that was open when it was listed may get the script twice
  start();
}

function start() {
  const engine = new Engine();
  /** @type {Map<HTMLVideoElement, View>} */
  const views = new Map();

  const look = () => {
    for (const [video, view] of views) {
      if (video.isConnected) continue;
      view.close();
      views.delete(video);
    }
    for (const video of document.querySelectorAll("video")) {
      if (!views.has(video) && isLarge(video)) views.set(video, new View(video, engine));
    }
  };
  const looking = setInterval(look, LOOK);
  look();

  /** @param {boolean} held */
  const hold = (held) => views.forEach((view) => view.hold(held));
  const pressed = (/** @type {KeyboardEvent} */ event) => {
    if (event.altKey && event.code === "KeyB") hold(true);
  };
  const released = (/** @type {KeyboardEvent} */ event) => {
    if (event.code === "KeyB" || event.key === "Alt") hold(false);
  };
  addEventListener("keydown", pressed, true);
  addEventListener("keyup", released, true);

  chrome.runtime.onMessage.addListener((message) => {
    if (message.unlisted !== location.hostname) return;
    clearInterval(looking);
    removeEventListener("keydown", pressed, true);
    removeEventListener("keyup", released, true);
    views.forEach((view) => view.close());
    views.clear();
    shared.ovsharp = undefined;
  });
}
