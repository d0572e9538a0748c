// @ts-check
/** The steps of a job: each with how far it is, what it found, and a picture that opens larger. */

import { address } from "../api.js";
import { icon, make } from "../dom.js";

/** @typedef {import("../types.js").Job} Job */
/** @typedef {import("../types.js").JobStep} JobStep */

const WORDS = { waiting: "to come", running: "now", done: "done", skipped: "not needed", failed: "failed" };

/** @param {JobStep} step */
function mark({ status }) {
  if (status === "done") return [icon("done")];
  if (status === "failed") return [icon("drop")];
  return [];
}

/** Seconds in words; short ones are not worth a word. @param {JobStep} step */
function tookOf({ status, seconds, progress }) {
  if (status === "running") return progress > 0 ? `${Math.round(progress * 100)} %` : "";
  return status === "done" && seconds && seconds >= 0.95 ? `${seconds.toFixed(0)} s` : "";
}

/** Where a step's picture lies; null while there is none. @param {JobStep} step */
export const pictureOf = ({ preview_url }) => (preview_url ? address(preview_url).href : null);

/** A picture over the whole page. */
export class Larger {
  #image = make("img");
  #text = make("figcaption");
  #dialog = make("dialog", { className: "larger", ariaLabel: "Preview" });

  constructor() {
    const close = make("button", { type: "button", className: "tool", title: "Close", ariaLabel: "Close" }, icon("drop"));
    this.#dialog.append(make("figure", {}, this.#image, this.#text), close);
    this.#dialog.addEventListener("click", ({ target }) => target !== this.#image && this.#dialog.close());
    document.body.append(this.#dialog);
  }

  /** @param {string} src @param {string} title */
  show(src, title) {
    this.#image.src = src;
    this.#image.alt = this.#text.textContent = title;
    this.#dialog.showModal();
  }
}

/** A list of steps; only what changed is written anew, so that nothing flickers and the focus stays. */
export class StepList {
  /** @type {Map<string, {item: HTMLElement, written: string}>} */
  #items = new Map();

  /**
   * @param {HTMLElement} list
   * @param {Larger} larger
   */
  constructor(list, larger) {
    this.list = list;
    this.larger = larger;
  }

  clear() {
    this.#items.clear();
    this.list.replaceChildren();
  }

  /** @param {JobStep[]} steps */
  show(steps) {
    for (const step of steps) {
      const written = JSON.stringify(step);
      const known = this.#items.get(step.name);
      if (known?.written === written) continue;
      if (known && this.#advanced(known.item, step, JSON.parse(known.written))) known.written = written;
      else this.#write(step, written, known?.item);
    }
  }

  /** A step that only went on: figures change, the rest stays. @param {HTMLElement} item @param {JobStep} step @param {JobStep} before */
  #advanced(item, step, before) {
    if (JSON.stringify({ ...step, progress: 0 }) !== JSON.stringify({ ...before, progress: 0 })) return false;
    item.style.setProperty("--share", String(step.progress));
    const took = item.querySelector(".step-took");
    if (took) took.textContent = tookOf(step);
    return true;
  }

  /** @param {JobStep} step @param {string} written @param {HTMLElement} [old] */
  #write(step, written, old) {
    const held = old?.contains(document.activeElement);
    const item = make("li", { className: "step" });
    item.dataset.status = step.status;
    item.style.setProperty("--share", String(step.progress));
    if (step.status === "running") item.setAttribute("aria-current", "step");
    const body = make("div", { className: "step-body" }, make("span", { className: "step-title", textContent: step.title }), make("span", { className: "hidden", textContent: `, ${WORDS[step.status]}` }));
    body.append(...(step.notes ?? []).map((note) => make("p", { className: "step-note", textContent: note })));
    item.append(make("span", { className: "step-mark", ariaHidden: "true" }, ...mark(step)), body, make("span", { className: "step-took", textContent: tookOf(step) }));
    const src = pictureOf(step);
    if (src) item.append(this.#thumbnail(step, src, old));
    if (old) old.replaceWith(item);
    else this.list.append(item);
    this.#items.set(step.name, { item, written });
    if (held) item.querySelector("button")?.focus();
  }

  /** @param {JobStep} step @param {string} src @param {HTMLElement} [old] */
  #thumbnail({ title }, src, old) {
    const there = old?.querySelector("img");
    const image = there?.src === src ? there : make("img", { src, alt: "", decoding: "async" });
    const button = make("button", { type: "button", className: "step-picture checks", title: "Larger", ariaLabel: `${title}: larger` }, image);
    button.addEventListener("click", () => this.larger.show(src, title));
    image.addEventListener("error", () => button.remove());
    return button;
  }
}
