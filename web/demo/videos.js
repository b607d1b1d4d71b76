/** Videos on the demo page: how far it is, the time left, cancel, and the file at the end. */

import { find, offer } from "./page.js";

/** This tab's own folder on disk, and the lock that says that the tab is open. */
const own = crypto.randomUUID();
let worker = null;

/** Remove what tabs that were closed or reloaded have left. */
export async function clear() {
  await hold(own);
  const folder = await navigator.storage.getDirectory();
  const open = (await navigator.locks.query()).held.map(({ name }) => name);
  for await (const name of folder.keys()) if (!open.includes(name)) await folder.removeEntry(name, { recursive: true });
}

/** Take a lock, and keep it as long as the tab is open. */
function hold(name) {
  return new Promise((taken) => {
    navigator.locks.request(name, () => {
      taken();
      return new Promise(() => {});
    });
  });
}

/** Sharpen a video, and show both. */
export function sharpenFile(file) {
  worker?.terminate();
  worker = new Worker("worker.js", { type: "module" });
  const began = performance.now();
  [find("working").hidden, find("download").hidden, find("done").value] = [false, true, 0];
  find("said").value = `${file.name} ...`;
  worker.addEventListener("message", async ({ data }) => {
    if (data.done !== undefined) return progress(data.done, (performance.now() - began) / 1000);
    end();
    if (data.cancelled) find("said").value = "Cancelled; nothing is kept.";
    else if (data.error) find("said").value = `${file.name}: ${data.error}`;
    else await finish(file, data.sharp, (performance.now() - began) / 1000);
  });
  worker.addEventListener("error", ({ message }) => {
    end();
    find("said").value = `${file.name}: ${message}`;
  });
  worker.postMessage({ file, own });
}

find("cancel").addEventListener("click", () => worker?.postMessage({ cancel: true }));

function progress(done, seconds) {
  find("done").value = done;
  const left = done > 0 ? `, ${Math.ceil((seconds / done) * (1 - done))} s left` : "";
  find("said").value = `${Math.floor(100 * done)} %${left}`;
}

function end() {
  worker.terminate();
  worker = null;
  find("working").hidden = true;
}

async function finish(file, sharp, seconds) {
  find("said").value = `${sharp.name}, in ${seconds.toFixed(0)} s`;
  offer(sharp, sharp.name);
  const both = await Promise.all([file, sharp].map(player));
  find("compare").show(...both);
  for (const video of both) video.play();
}

/** A video that is loaded, without its sound. */
async function player(file) {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, loop: true, src: URL.createObjectURL(file) });
  await new Promise((ready, failed) => {
    video.addEventListener("loadeddata", ready, { once: true });
    video.addEventListener("error", () => failed(video.error), { once: true });
  });
  return video;
}
