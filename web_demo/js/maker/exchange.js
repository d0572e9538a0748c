// @ts-check
/** Avatars as files: saved, taken in, deleted. */

import { ApiError } from "../api.js";
import { byId, make } from "../dom.js";
import { sizeOf } from "./files.js";

/** @typedef {import("../types.js").Avatar} Avatar */

const SUFFIX = ".lipstream";
const TYPE = "application/vnd.lipstream+zip";
const PATIENCE_MS = 30 * 60_000;

/** An id that is not taken yet, in all likelihood. @param {File} file */
function otherId({ name }) {
  const stem = name.replace(/\.[^.]*$/, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  return `${stem.slice(0, 48) || "avatar"}-${Math.random().toString(36).slice(2, 6)}`;
}

/** Dispatches `taken` (CustomEvent with the id of an avatar that came in) and `removed` (likewise). */
export class Exchange extends EventTarget {
  #pick = byId("import-file", HTMLInputElement);
  #button = byId("import-pick", HTMLButtonElement);
  #panel = byId("import", HTMLElement);
  #text = byId("import-text", HTMLElement);
  #bar = byId("import-bar", HTMLProgressElement);
  #cancel = byId("import-cancel", HTMLButtonElement);
  #error = byId("import-error", HTMLElement);
  #copy = byId("import-copy", HTMLButtonElement);
  #stop = new AbortController();
  /** @type {File|null} */
  #file = null;

  /** @param {import("../api.js").Api} api */
  constructor(api) {
    super();
    this.api = api;
    this.#pick.accept = `${SUFFIX},${TYPE}`;
    this.#button.addEventListener("click", () => this.#pick.click());
    this.#cancel.addEventListener("click", () => this.#stop.abort());
    this.#copy.addEventListener("click", () => this.#file && this.#take(this.#file, otherId(this.#file)));
    this.#pick.addEventListener("change", () => {
      const file = this.#pick.files?.[0];
      if (file) this.#take(file);
      this.#pick.value = "";
    });
  }

  /** Save an avatar as one file. @param {Avatar} avatar */
  async save({ id }) {
    const answer = await this.api.request("GET", `v1/avatars/${id}/bundle`, { patience: PATIENCE_MS });
    const url = URL.createObjectURL(await answer.blob());
    make("a", { href: url, download: `${id}${SUFFIX}` }).click();
    // The browser has taken hold of it by then.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  /** Delete an avatar for good, if that is meant. @param {Avatar} avatar */
  async remove({ id, name }) {
    if (!confirm(`Delete ${name}? The avatar, and all that was made for it, is removed from the server.`)) return false;
    await this.api.request("DELETE", `v1/avatars/${id}`);
    this.dispatchEvent(new CustomEvent("removed", { detail: id }));
    return true;
  }

  /** @param {File} file @param {string} [id]  another one than its own */
  async #take(file, id) {
    this.#tell(null);
    this.#file = file;
    const { avatar_bytes: most = Infinity } = this.api.limits;
    if (file.size > most) return this.#tell(`${file.name} has ${sizeOf(file.size)}, and this server takes ${sizeOf(most)}.`);
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#wait(`Sending ${file.name}`, 0);
    const progress = (/** @type {number} */ share) => this.#wait(share < 1 ? `Sending ${file.name}` : "Checking it", share < 1 ? share : null);
    try {
      const query = id ? `?id=${encodeURIComponent(id)}` : "";
      const answer = await this.api.request("POST", `v1/avatars/import${query}`, { body: file, type: TYPE, progress, signal, patience: PATIENCE_MS });
      /** @type {Avatar} */
      const avatar = await answer.json();
      this.dispatchEvent(new CustomEvent("taken", { detail: avatar.id }));
    } catch (error) {
      if (!signal.aborted) this.#tell(error);
    } finally {
      this.#wait(null, 0);
    }
  }

  /** @param {string|null} words  null when it is over @param {number|null} share  null: nobody knows */
  #wait(words, share) {
    this.#panel.hidden = words === null;
    this.#button.disabled = words !== null;
    if (this.#text.textContent !== words) this.#text.textContent = words;
    if (share === null) this.#bar.removeAttribute("value");
    else this.#bar.value = share;
  }

  /** @param {unknown} error  null: none */
  #tell(error) {
    this.#error.hidden = error === null;
    this.#error.textContent = error === null ? "" : error instanceof Error ? error.message : String(error);
    this.#copy.hidden = !(error instanceof ApiError && error.code === "avatar_exists");
  }
}
