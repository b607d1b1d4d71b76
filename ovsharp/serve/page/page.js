// @ts-check
/** What every part of the page needs: elements, words, and requests that know the token. */

/**
 * Find an element that is there.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function find(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`there is no ${kind.name} called ${id}`);
  return element;
}

/**
 * Make an element.
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Say something to who listens to the page. @param {string} text */
export function say(text) {
  find("news", HTMLElement).textContent = text;
}

/** @param {number} seconds */
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** An answer of the server that is no result. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} sentence
   * @param {number} retryAfter seconds; 0 for never
   */
  constructor(status, sentence, retryAfter) {
    super(sentence);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** @param {number} status @param {string} body @param {string | null} retryAfter */
export function refusal(status, body, retryAfter) {
  let sentence = `the server answered ${status}`;
  try {
    sentence = JSON.parse(body).error || sentence;
  } catch {
    // Not from the server itself: the number has to do.
  }
  return new Refusal(status, sentence, Number(retryAfter) || 0);
}

/** @type {Promise<void> | null} */
let entering = null;

/**
 * Ask the server; where it needs the token, ask for that first.
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>} of a result; anything else is thrown
 */
export async function ask(path, options = {}) {
  const answer = await fetch(path, options);
  if (answer.ok) return answer;
  if (answer.status === 401) {
    entering ??= enter().finally(() => (entering = null));
    await entering;
    return ask(path, options);
  }
  throw refusal(answer.status, await answer.text(), answer.headers.get("Retry-After"));
}

/** Change the token, from the address or from a person, for a cookie. */
async function enter() {
  const dialog = find("enter", HTMLDialogElement);
  const field = find("token", HTMLInputElement);
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  history.replaceState(null, "", location.pathname);
  let token = given;
  for (;;) {
    if (!token) {
      field.value = "";
      dialog.showModal();
      await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
      token = field.value;
    }
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch("/v1/enter", { method: "POST", headers });
    if (answer.ok) return;
    find("enter-error", HTMLElement).textContent = "That is not the token of this server.";
    token = null;
  }
}
