// @ts-check
/** The order for an avatar: what it is made from, its name, what is behind it, and whose face it is. */

import { byId } from "../dom.js";
import { Background } from "./background.js";
import { Source } from "./source.js";

/** @typedef {{name: string, picture: string|null, fields: FormData|Record<string, string>}} Order */

const ASK = {
  "This is me.": "",
  "The person shown agreed that this avatar is made.": "Who agreed, and how",
  "This is no real person.": "What it was made with",
};

const TWO_WAYS = "A picture or film of yours goes behind a photo that is a file. Save the photo from its address, and choose it here.";

/** Dispatches `order` (CustomEvent) when all that is needed is there. */
export class OrderForm extends EventTarget {
  #form = byId("maker-form", HTMLFormElement);
  #name = byId("maker-name", HTMLInputElement);
  #author = byId("maker-author", HTMLInputElement);
  #licence = byId("maker-licence", HTMLInputElement);
  #error = byId("maker-error", HTMLElement);
  #make = byId("maker-make", HTMLButtonElement);
  #background;
  #source;

  /** @param {import("../api.js").Api} api */
  constructor(api) {
    super();
    this.#background = new Background(api);
    this.#source = new Source(api, this.#form);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#form.addEventListener("input", () => this.fail(null));
    this.#form.addEventListener("change", () => this.#asked());
    this.#source.addEventListener("change", () => this.fail(null));
  }

  /** @param {boolean} on */
  show(on) {
    this.#form.hidden = !on;
    if (!on) this.#source.rest();
  }

  /** Another picture; all else stays. */
  another() {
    this.#source.clear();
  }

  /** Everything as it was at first. */
  reset() {
    this.#form.reset();
    this.#source.clear();
    this.#asked();
    byId("background", HTMLElement).dispatchEvent(new Event("change"));
  }

  rest() {
    this.#source.rest();
  }

  /** @param {string|null} words */
  fail(words) {
    this.#error.hidden = words === null;
    this.#error.textContent = words ?? "";
  }

  get #consent() {
    return /** @type {keyof typeof ASK|undefined} */ (new FormData(this.#form).get("consent") ?? undefined);
  }

  #asked() {
    const ask = this.#consent ? ASK[this.#consent] : "";
    byId("consent-more", HTMLElement).hidden = !ask;
    byId("consent-ask", HTMLElement).textContent = ask;
  }

  #send() {
    const missing = this.#source.missing ?? this.#background.missing ?? (this.#background.file && !this.#source.file ? TWO_WAYS : null);
    this.fail(missing);
    if (missing) return;
    const name = this.#name.value.trim();
    this.dispatchEvent(new CustomEvent("order", { detail: { name, picture: this.#source.picture, fields: this.#fields(name) } }));
  }

  /** @param {string} name @returns {FormData|Record<string, string>} */
  #fields(name) {
    const more = byId("consent-text", HTMLInputElement);
    const consent = [this.#consent, more.closest("[hidden]") ? "" : more.value.trim()].filter(Boolean).join(" ");
    const said = { name, consent, background: this.#background.word, author: this.#author.value.trim(), licence: this.#licence.value.trim() };
    const words = Object.fromEntries(Object.entries(said).filter(([, value]) => value));
    const { file, url } = this.#source;
    const { file: backdrop } = this.#background;
    if (!file) return { url, ...words };
    const form = new FormData();
    // Words come first: a server can refuse them before it has all of a long film.
    for (const [field, value] of Object.entries(words)) form.set(field, value);
    form.set("file", file);
    if (backdrop) form.set("backdrop", backdrop);
    return form;
  }
}
