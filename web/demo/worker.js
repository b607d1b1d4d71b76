// @ts-check
/**
 * One video, beside the page: `{ file, own }` begins it in the folder `own`, `{ cancel: true }` ends it.
 * Tells `{ done }` (0 to 1), and at the end `{ sharp }`, a file on this machine's disk, `{ cancelled }` or
 * `{ error }`.
 */

import { createSharpener } from "../src/index.js";
import { ending, sharpenVideo } from "../src/video.js";

const cancelling = new AbortController();

addEventListener("message", async ({ data }) => {
  if (data.cancel) return cancelling.abort();
  try {
    postMessage({ sharp: await made(data.file, data.own) });
  } catch (error) {
    if (cancelling.signal.aborted) postMessage({ cancelled: true });
    else postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
});

/** @param {File} file @param {string} own */
async function made(file, own) {
  const all = await navigator.storage.getDirectory(); // the browser's own, of this page alone
  const folder = await all.getDirectoryHandle(own, { create: true });
  const name = `${file.name.replace(/\.[^.]*$/, "")}-sharp.${await ending(file)}`;
  const place = await folder.getFileHandle(name, { create: true });
  try {
    const sharpener = await createSharpener({ model: "call.json" });
    await sharpenVideo(file, {
      sharpener,
      to: await place.createWritable(),
      onProgress: (done) => postMessage({ done }),
      signal: cancelling.signal,
    });
    return await place.getFile();
  } catch (error) {
    await all.removeEntry(own, { recursive: true });
    throw error;
  }
}
