// @ts-check
/** The list of pages: what Chromium lets the extension read is what is listed, and nothing else is kept. */

/** @param {string} id */
function find(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`there is no element called ${id}`);
  return element;
}

/** The pages of one host, as Chromium lists them; null where there is nothing to list. @param {string} [address] */
function origin(address) {
  const url = address ? URL.parse(address) : null;
  return url && /^https?:$/.test(url.protocol) ? `${url.protocol}//${url.hostname}/*` : null;
}

const [tab] = await chrome.tabs.query({ active: true, currentWindow: true });
const here = origin(tab?.url);
const toggle = find("toggle");

async function draw() {
  const { origins = [] } = await chrome.permissions.getAll();
  find("list").replaceChildren(...origins.map(row));
  if (!origins.length) find("list").textContent = "None: nothing is sharpened.";
  find("here").textContent = here ? here.slice(0, -2) : "Open the page of a call, then press here.";
  toggle.hidden = !here;
  const on = here !== null && origins.includes(here);
  toggle.setAttribute("aria-pressed", String(on));
  toggle.textContent = on ? "Stop sharpening here" : "Sharpen the videos here";
}

/** @param {string} listed */
function row(listed) {
  const line = document.createElement("li");
  const remove = document.createElement("button");
  remove.type = "button";
  remove.textContent = "Remove";
  remove.setAttribute("aria-label", `Remove ${listed}`);
  remove.addEventListener("click", async () => {
    await chrome.permissions.remove({ origins: [listed] });
    await draw();
  });
  line.append(listed.slice(0, -2), remove);
  return line;
}

toggle.addEventListener("click", async () => {
  if (!here) return;
  const origins = [here];
  if (await chrome.permissions.contains({ origins })) await chrome.permissions.remove({ origins });
  else await chrome.permissions.request({ origins });
  await draw();
});
await draw();
