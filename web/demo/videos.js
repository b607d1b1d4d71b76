/** Videos on the demo page: how far it is, the time left, cancel, and the file at the end. */

import { find } from "./page.js";

let worker = null;

/** Remove what an earlier visit has left. */
export async function clear() {
  const folder = await navigator.storage.getDirectory();
  for await (const name of folder.keys()) await folder.removeEntry(name).catch(() => {}); // another tab writes it
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
  worker.postMessage({ file });
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
  const download = find("download");
  [download.href, download.download, download.hidden] = [URL.createObjectURL(sharp), sharp.name, false];
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
