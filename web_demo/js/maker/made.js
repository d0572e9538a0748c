// @ts-check
/** The avatar is made: it introduces itself beside the picture it was made from; what one can do with it. */

import { byId, make } from "../dom.js";
import { factsOf } from "./report.js";
import { StepList, pictureOf } from "./steps.js";

/** @typedef {import("../types.js").Avatar} Avatar */
/** @typedef {import("../types.js").Job} Job */

/** @param {import("./report.js").Fact} fact */
function factOf({ term, text, verdict }) {
  const fact = make("div", { className: "fact" }, make("dt", { textContent: term }), make("dd", { textContent: text }));
  fact.dataset.verdict = verdict;
  return fact;
}

/** Dispatches `talk`, `another`, and `gone` once it is deleted. */
export class Made extends EventTarget {
  #section = byId("made", HTMLElement);
  #line = byId("made-line", HTMLElement);
  #said = byId("made-said", HTMLElement);
  #error = byId("made-error", HTMLElement);
  #again = byId("made-again", HTMLButtonElement);
  #larger = byId("made-larger", HTMLButtonElement);
  #before = byId("made-before", HTMLImageElement);
  /** @type {Avatar|null} */
  avatar = null;
  #steps;

  /**
   * @param {import("./talking.js").TalkingPreview} talking
   * @param {import("./exchange.js").Exchange} exchange
   * @param {import("./steps.js").Larger} larger
   */
  constructor(talking, exchange, larger) {
    super();
    this.talking = talking;
    this.exchange = exchange;
    this.#steps = new StepList(byId("made-steps", HTMLOListElement), larger);
    byId("made-talk", HTMLButtonElement).addEventListener("click", () => this.dispatchEvent(new Event("talk")));
    byId("made-another", HTMLButtonElement).addEventListener("click", () => this.dispatchEvent(new Event("another")));
    this.#again.addEventListener("click", () => this.#speak());
    byId("made-export", HTMLButtonElement).addEventListener("click", () => this.#try((avatar) => exchange.save(avatar)));
    byId("made-delete", HTMLButtonElement).addEventListener("click", () => this.#try(async (avatar) => {
      if (await exchange.remove(avatar)) this.dispatchEvent(new Event("gone"));
    }));
    this.#before.addEventListener("error", () => (this.#larger.hidden = true));
    this.#larger.addEventListener("click", () => larger.show(this.#before.src, "What it was made from"));
  }

  /** @param {boolean} on */
  show(on) {
    this.#section.hidden = !on;
    if (!on) this.rest();
  }

  /** @param {Avatar} avatar @param {Job} job @param {string|null} before  the picture that was sent, as the browser shows it */
  fill(avatar, job, before) {
    this.avatar = avatar;
    const first = job.steps.find(({ preview_url }) => preview_url);
    const src = before ?? (first ? pictureOf(first) : null);
    this.#larger.hidden = src === null;
    if (src) this.#before.src = src;
    this.talking.show(avatar);
    this.#line.textContent = avatar.engines?.length === 0 ? "It plays its loop; its lips stand still until a part for them is built." : "";
    // What belongs to a step stands there.
    const told = new Set(job.steps.flatMap(({ notes }) => notes ?? []));
    const notes = (job.notes ?? []).filter((note) => !told.has(note));
    const list = byId("made-notes", HTMLUListElement);
    list.replaceChildren(...notes.map((note) => make("li", { textContent: note })));
    list.hidden = notes.length === 0;
    const facts = byId("made-facts", HTMLDListElement);
    facts.replaceChildren(...factsOf(job.report ?? {}).map(factOf));
    facts.hidden = facts.childElementCount === 0;
    this.#steps.clear();
    this.#steps.show(job.steps);
  }

  /** The window is open: let it speak by itself, where the browser lets it. */
  async enter() {
    if (!this.talking.hushed) return this.#speak();
    this.talking.mirror();
    this.#label("Hear it speak");
    this.#again.focus();
  }

  /** Be still. */
  rest() {
    this.talking.stop();
  }

  async #speak() {
    const avatar = this.avatar;
    if (!avatar) return;
    this.#tell(null);
    try {
      this.#said.textContent = `“${await this.talking.play(avatar)}”`;
      this.#label("Hear it again");
    } catch (error) {
      this.#label("Try again");
      this.#tell(error);
    }
  }

  /** @param {(avatar: Avatar) => Promise<unknown>} action */
  async #try(action) {
    this.#tell(null);
    try {
      if (this.avatar) await action(this.avatar);
    } catch (error) {
      this.#tell(error);
    }
  }

  /** @param {string} words */
  #label(words) {
    byId("made-again-text", HTMLElement).textContent = words;
  }

  /** @param {unknown} error  null: none */
  #tell(error) {
    this.#error.hidden = error === null;
    this.#error.textContent = error === null ? "" : error instanceof Error ? error.message : String(error);
  }
}
