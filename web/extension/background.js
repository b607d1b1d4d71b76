// @ts-check
/**
 * The extension's service worker: the pages that it may read are the list, and Chromium keeps it.
 *
 * Where the list changes, the pages that are open hear of it at once.
 */

const SCRIPT = "videos";

/** One change of the registration after the other. */
let syncing = Promise.resolve();

/** Let the script run on all listed pages, and on no other. */
async function sync() {
  const { origins: matches = [] } = await chrome.permissions.getAll();
  const [registered] = await chrome.scripting.getRegisteredContentScripts({ ids: [SCRIPT] });
  if (registered) await chrome.scripting.unregisterContentScripts({ ids: [SCRIPT] });
  if (!matches.length) return;
  await chrome.scripting.registerContentScripts([
    { id: SCRIPT, matches, js: ["content.js"], allFrames: true, runAt: "document_idle" },
  ]);
}

const soon = () => (syncing = syncing.then(sync));

/** Start on the open pages of new origins. @param {string[]} origins */
async function begin(origins) {
  for (const { id } of await chrome.tabs.query({ url: origins })) {
    if (id === undefined) continue;
    const target = { tabId: id, allFrames: true };
    await chrome.scripting.executeScript({ target, files: ["content.js"] }).catch(console.warn);
  }
}

/** Tell the pages of origins that they are no longer listed. @param {string[]} origins */
async function end(origins) {
  for (const origin of origins) {
    const unlisted = origin.replace(/^.*:\/\//, "").replace(/\/.*$/, "");
    for (const { id } of await chrome.tabs.query({})) {
      if (id !== undefined) await chrome.tabs.sendMessage(id, { unlisted }).catch(() => {}); // most have no script
    }
  }
}

chrome.runtime.onInstalled.addListener(soon);
chrome.runtime.onStartup.addListener(soon);
chrome.permissions.onAdded.addListener(async ({ origins = [] }) => {
  await soon();
  await begin(origins);
});
chrome.permissions.onRemoved.addListener(async ({ origins = [] }) => {
  await soon();
  await end(origins);
});

/** A page asks for the document that sharpens: there is one for all. */
chrome.runtime.onMessage.addListener((message, _sender, answer) => {
  if (message.engine !== "wanted") return;
  open().then(() => answer({ ready: true }), (error) => answer({ error: String(error) }));
  return true; // the answer comes later
});

/** @type {Promise<void> | null} */
let opening = null;

async function open() {
  const contexts = await chrome.runtime.getContexts({ contextTypes: [chrome.runtime.ContextType.OFFSCREEN_DOCUMENT] });
  if (contexts.length) return;
  opening ??= chrome.offscreen.createDocument({
    url: "engine.html",
    reasons: [chrome.offscreen.Reason.WORKERS],
    justification: "Networks run in WebAssembly with threads, which a page's own script may not have.",
  });
  await opening.finally(() => (opening = null));
}
