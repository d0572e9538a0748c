// @ts-check
/** The text box with its buttons, examples, voice and speed. */

import { byId, make } from "./dom.js";
import { choices } from "./store.js";

export const MOST_CHARACTERS = 10_000;
const NEAR = 9_000;

const EXAMPLES = [
  "Hello! I am glad you are here. Ask me to say anything you like.",
  "Good morning. Your train leaves at ten past eight from platform four, and the weather stays dry.",
  "She sells sea shells by the sea shore, and the shells she sells are sea shells, I am sure.",
  "Please take your time. I will wait here, and when you are ready, we will go on.",
];
const EXAMPLE_NAMES = ["Say hello", "Train times", "Sea shells", "Take your time"];

/** @typedef {{text: string, voice?: string, speed?: number}} Wish */

/** Dispatches `speak`, `save` (CustomEvent with a wish) and `interrupt`. */
export class Composer extends EventTarget {
  #form = byId("composer", HTMLFormElement);
  #text = byId("text", HTMLTextAreaElement);
  #count = byId("text-count", HTMLElement);
  #voice = byId("voice", HTMLSelectElement);
  #speed = byId("speed", HTMLInputElement);
  #interrupt = byId("interrupt", HTMLButtonElement);
  #error = byId("form-error", HTMLElement);

  constructor() {
    super();
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send("speak");
    });
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    this.#text.addEventListener("input", () => this.#counted());
    this.#speed.addEventListener("input", () => this.#showSpeed());
    this.#voice.addEventListener("change", () => choices.set("voice", this.#voice.value));
    this.#interrupt.addEventListener("click", () => this.dispatchEvent(new Event("interrupt")));
    byId("save", HTMLButtonElement).addEventListener("click", () => this.#send("save"));
    document.addEventListener("keydown", (event) => this.#escape(event));
    byId("chips", HTMLElement).append(...EXAMPLES.map((text, i) => this.#chip(text, EXAMPLE_NAMES[i])));
    this.#speed.value = String(choices.get("speed") ?? 1);
    this.#showSpeed();
    this.#counted();
  }

  /** @param {string} text @param {string} name */
  #chip(text, name) {
    const chip = make("button", { type: "button", className: "chip", textContent: name, title: text });
    chip.addEventListener("click", () => {
      this.#text.value = text;
      this.#counted();
      this.#send("speak");
    });
    return chip;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // isComposing: Enter that ends a composition (Japanese, Chinese, Korean) belongs to the input method.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#send("speak");
  }

  /** @param {KeyboardEvent} event */
  #escape(event) {
    if (event.key !== "Escape" || event.isComposing || document.querySelector("dialog[open]") || document.fullscreenElement) return;
    if (!this.#interrupt.disabled) this.dispatchEvent(new Event("interrupt"));
  }

  /** @param {"speak"|"save"} what */
  #send(what) {
    const text = this.#text.value.trim();
    if (!text) {
      this.fail(what === "save" ? "Write first what the film should say." : "Write something first.");
      return this.#text.focus();
    }
    this.fail(null);
    this.dispatchEvent(new CustomEvent(what, { detail: this.wish(text) }));
    // What is written next replaces it; on a touch screen a selection would only bring up its handles.
    if (what === "speak" && matchMedia("(pointer: fine)").matches) this.#text.select();
  }

  /** @param {string} text @returns {Wish} */
  wish(text) {
    const speed = Number(this.#speed.value);
    return { text, ...(this.#voice.value && { voice: this.#voice.value }), ...(speed !== 1 && { speed }) };
  }

  #counted() {
    const { length } = this.#text.value;
    this.#count.textContent = `${length.toLocaleString("en")} / ${MOST_CHARACTERS.toLocaleString("en")}`;
    this.#count.classList.toggle("near", length >= NEAR && length < MOST_CHARACTERS);
    this.#count.classList.toggle("full", length >= MOST_CHARACTERS);
    this.fail(null);
  }

  #showSpeed() {
    const text = `${Number(this.#speed.value).toFixed(1)}×`;
    byId("speed-out", HTMLOutputElement).textContent = text;
    this.#speed.setAttribute("aria-valuetext", text);
    choices.set("speed", Number(this.#speed.value));
  }

  /** @param {import("./types.js").Voice[]} voices */
  voices(voices) {
    const options = voices.map((voice) => make("option", { value: voice.name, textContent: labelOf(voice), title: voice.description }));
    this.#voice.replaceChildren(make("option", { value: "", textContent: "Default" }), ...options);
    const kept = choices.get("voice");
    if (voices.some(({ name }) => name === kept)) this.#voice.value = kept;
  }

  /** @param {string} name */
  addressee(name) {
    byId("composer-who", HTMLElement).textContent = name;
  }

  /** Whether there is something to interrupt. @param {boolean} on */
  interruptible(on) {
    this.#interrupt.disabled = !on;
  }

  /** @param {string|null} message */
  fail(message) {
    this.#error.hidden = message === null;
    this.#error.textContent = message ?? "";
  }
}

/** @param {import("./types.js").Voice} voice */
function labelOf({ name, languages }) {
  const shown = name.replace(/[_-]+/g, " ").replace(/^./, (first) => first.toUpperCase());
  const [language] = languages;
  if (!language || languages.length > 1) return shown;
  try {
    return `${shown} (${new Intl.DisplayNames(["en"], { type: "language" }).of(language) ?? language})`;
  } catch {
    return `${shown} (${language})`;
  }
}
