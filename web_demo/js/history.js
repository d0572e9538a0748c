// @ts-check
/** What was said, newest first, with how it ended; each can be said again. */

import { byId, icon, inMs, make } from "./dom.js";

const MOST = 50;

/** What went otherwise than asked for, by the code of the notice; toasts that tell more are gone after a while. */
const REMARKS = {
  engine_fallback: "another engine took over",
  face_failed: "the face could not be drawn",
  memory_low: "the graphics card ran out of memory",
};

/** @typedef {{item: HTMLElement, said: HTMLElement, note: HTMLElement, latency: number|null, remarks: Map<string, string>}} Entry */

export class History {
  #list = byId("history", HTMLOListElement);
  #empty = byId("history-empty", HTMLElement);
  /** @type {Map<string, Entry>} */
  #entries = new Map();

  /** @param {(text: string) => void} again */
  constructor(again) {
    this.again = again;
  }

  /** Whether something is being said or waits. */
  get busy() {
    return [...this.#entries.values()].some(({ item }) => item.dataset.status === "waiting" || item.dataset.status === "speaking");
  }

  /** @param {import("./types.js").ServerEvent} event */
  take(event) {
    const entry = this.#entries.get(event.utterance);
    if (event.type === "utterance.queued") this.#add(event.utterance, event.text, event.kind === "audio");
    else if (!entry) return;
    else if (event.type === "utterance.appended") entry.said.textContent += event.text;
    else if (event.type === "utterance.started") {
      entry.latency = event.latency_ms;
      this.#note(entry, "speaking", "Speaking now");
    } else if (event.type === "notice") this.#remark(entry, event);
    else if (event.type === "utterance.ended") this.#ended(entry, event);
  }

  /** The connection broke: what was under way will not be told to its end. */
  reset() {
    for (const entry of this.#entries.values()) {
      if (entry.item.dataset.status === "waiting" || entry.item.dataset.status === "speaking") this.#note(entry, "unknown", "Connection lost meanwhile");
    }
    this.#entries.clear();
  }

  /** @param {string} utterance @param {string} text @param {boolean} recorded */
  #add(utterance, text, recorded) {
    this.#empty.hidden = true;
    const note = make("p", { className: "said-note" });
    const again = make("button", { type: "button", className: "said-again", title: "Say again", ariaLabel: `Say again: ${text.slice(0, 60)}` }, icon("again"));
    const said = make("p", { className: "said-text", textContent: recorded ? "Recorded speech" : text });
    again.addEventListener("click", () => this.again(said.textContent ?? ""));
    const item = make("li", { className: "said-item" }, said, again, note);
    again.hidden = recorded;
    this.#list.prepend(item);
    const entry = { item, said, note, latency: null, remarks: new Map() };
    this.#entries.set(utterance, entry);
    this.#note(entry, "waiting", "Waits for its turn");
    while (this.#list.children.length > MOST) this.#list.lastElementChild?.remove();
  }

  /** @param {Entry} entry @param {import("./types.js").ServerEvent} event */
  #ended(entry, { utterance, reason, spoken_seconds: seconds, message }) {
    const first = entry.latency === null ? "" : ` · first sound after ${inMs(entry.latency)}`;
    const spoken = `${seconds.toFixed(1)} s`;
    if (reason === "completed") this.#note(entry, "done", `${spoken}${first}`);
    else if (reason === "interrupted") this.#note(entry, "interrupted", seconds > 0 ? `Interrupted after ${spoken}${first}` : "Interrupted before it began");
    else this.#note(entry, "failed", message ?? "It could not be spoken.");
    this.#entries.delete(utterance);
  }

  /** @param {Entry} entry @param {import("./types.js").ServerEvent} event */
  #remark(entry, { code, message }) {
    const words = REMARKS[/** @type {keyof typeof REMARKS} */ (code)];
    if (!words) return;
    entry.remarks.set(words, message);
    entry.note.title = [...entry.remarks.values()].join("\n");
    this.#note(entry, entry.item.dataset.status ?? "waiting", entry.note.firstChild?.textContent ?? "");
  }

  /** @param {Entry} entry @param {string} status @param {string} text */
  #note(entry, status, text) {
    entry.item.dataset.status = status;
    entry.note.replaceChildren(text, ...[...entry.remarks.keys()].map((words) => ` · ${words}`));
  }
}
