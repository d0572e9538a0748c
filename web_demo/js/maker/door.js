// @ts-check
/** The way to "Make an avatar": its modules are fetched when somebody wants it, or when a job of before goes on. */

import { byId } from "../dom.js";
import { choices } from "../store.js";

/** What is remembered of a job until its end has been seen. */
export const JOB = "making";

/** @typedef {import("./panel.js").MakerPanel} MakerPanel */

/** Dispatches `trouble` (CustomEvent with words). */
export class MakerDoor extends EventTarget {
  /** @type {Promise<MakerPanel>|null} */
  #panel = null;

  /** @param {(modules: typeof import("./panel.js")) => MakerPanel} build */
  constructor(build) {
    super();
    this.build = build;
    const card = byId("maker-open", HTMLButtonElement);
    card.addEventListener("click", () => this.#enter((panel) => panel.open()));
    card.addEventListener("pointerenter", () => import("./panel.js").catch(() => {}), { once: true });
    if (choices.get(JOB)) this.#enter((panel) => panel.resume());
  }

  /** @param {(panel: MakerPanel) => void} act */
  async #enter(act) {
    try {
      this.#panel ??= import("./panel.js").then(this.build);
      act(await this.#panel);
    } catch {
      this.#panel = null;
      this.dispatchEvent(new CustomEvent("trouble", { detail: "The server does not answer. Check that it runs and that you are online." }));
    }
  }
}
