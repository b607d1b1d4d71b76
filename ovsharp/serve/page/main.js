// @ts-check
/** Tabs, files that are chosen, dropped or pasted, and the list of models. */

import { add, takeUp } from "./files.js";
import { leave } from "./live.js";
import { ask, find } from "./page.js";

const tabs = ["files", "camera"].map((name) => find(`tab-${name}`, HTMLButtonElement));

/** @param {HTMLButtonElement} tab */
function choose(tab) {
  for (const one of tabs) {
    const on = one === tab;
    one.setAttribute("aria-selected", String(on));
    one.tabIndex = on ? 0 : -1;
    find(one.getAttribute("aria-controls") ?? "", HTMLElement).hidden = !on;
  }
  if (tab.id !== "tab-camera") leave();
}

for (const tab of tabs) {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    const other = tabs[1 - tabs.indexOf(tab)];
    choose(other);
    other.focus();
  });
}

const input = find("input", HTMLInputElement);
find("choose", HTMLButtonElement).addEventListener("click", () => input.click());
input.addEventListener("change", () => {
  add([...(input.files ?? [])]);
  input.value = ""; // so that the same file can be chosen again
});

const onFiles = () => !find("files", HTMLElement).hidden;
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.toggle("dragging", onFiles());
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  if (onFiles()) add([...(event.dataTransfer?.files ?? [])]);
});
addEventListener("paste", (event) => {
  if (onFiles()) add([...(event.clipboardData?.files ?? [])]);
});
addEventListener("pagehide", leave);

const told = await (await ask("/v1/models")).json();
const model = find("model", HTMLSelectElement);
for (const name of told.models) model.append(new Option(name, name));
if (told.default !== "call") model.options[0].text = `The server's: ${told.default}`;
await takeUp();
