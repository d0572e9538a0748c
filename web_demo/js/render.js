// @ts-check
/** "Save as MP4": starts a render, follows it, offers the film and its captions. */

import { address } from "./api.js";
import { byId, make, wait } from "./dom.js";

/** @typedef {import("./types.js").RenderJob} RenderJob */

const POLL_MS = 500;

/** @param {RenderJob} job */
function errorOf({ message }) {
  return message || "The film could not be made. Try again; the server's log says more.";
}

export class RenderPanel {
  #panel = byId("render", HTMLElement);
  #text = byId("render-text", HTMLElement);
  #bar = byId("render-bar", HTMLProgressElement);
  #cancel = byId("render-cancel", HTMLButtonElement);
  #files = byId("render-files", HTMLElement);
  #button = byId("save", HTMLButtonElement);
  /** @type {RenderJob|null} */
  #job = null;
  #stop = new AbortController();

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.api = api;
    this.#cancel.addEventListener("click", () => this.#abort());
  }

  /** @param {import("./composer.js").Wish} wish @param {string|null} avatar */
  async save(wish, avatar) {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#job = null;
    this.#busy(true, "Starting…", 0);
    try {
      let job = (this.#job = await this.#start(wish, avatar));
      const { token } = job;
      if (signal.aborted) return void (await this.api.cancelRender(job));
      while (job.status === "queued" || job.status === "running") {
        this.#busy(true, job.status === "queued" ? "Waiting for its turn…" : `Making the film… ${Math.round(job.progress * 100)} %`, job.progress);
        await wait(POLL_MS, signal);
        job = this.#job = { ...(await this.api.readRender({ ...job, token }, signal)), token };
      }
      this.#finish(job);
    } catch (error) {
      if (signal.aborted) return;
      this.#busy(false, error instanceof Error ? error.message : String(error), null);
    }
  }

  /** @param {import("./composer.js").Wish} wish @param {string|null} avatar */
  #start(wish, avatar) {
    if (wish.file) return this.api.createRenderOf(wish.file, avatar);
    return this.api.createRender({ ...(avatar && { avatar }), ...wish });
  }

  /** @param {RenderJob} job */
  #finish(job) {
    if (job.status === "cancelled") return this.#busy(false, "Cancelled.", null);
    if (job.status === "failed") return this.#busy(false, errorOf(job), null);
    this.#busy(false, "The film is ready.", null);
    const links = [this.#link(job, job.result_url ?? `v1/renders/${job.id}/video.mp4`, "Download MP4", `lipstream-${job.id.slice(0, 8)}.mp4`)];
    const captions = job.captions_url;
    if (captions) links.push(this.#link(job, captions, "Download captions (.vtt)", `lipstream-${job.id.slice(0, 8)}.vtt`));
    this.#files.replaceChildren(...links);
    this.#files.hidden = false;
  }

  /**
   * Links cannot carry a header, so a render's token goes into the address, where the server takes it for media.
   * @param {RenderJob} job
   * @param {string} path
   * @param {string} label
   * @param {string} download
   */
  #link(job, path, label, download) {
    const url = address(path);
    if (job.token && !url.searchParams.has("token")) url.searchParams.set("token", job.token);
    return make("a", { href: url.href, download, textContent: label });
  }

  async #abort() {
    this.#stop.abort();
    const job = this.#job;
    this.#busy(false, "Cancelled.", null);
    if (job) await this.api.cancelRender(job).catch(() => {});
  }

  /** @param {boolean} busy @param {string} text @param {number|null} progress  null hides the bar */
  #busy(busy, text, progress) {
    this.#panel.hidden = false;
    if (this.#text.textContent !== text) this.#text.textContent = text;
    this.#bar.hidden = progress === null;
    this.#bar.value = progress ?? 0;
    this.#cancel.hidden = !busy;
    this.#button.disabled = busy;
    this.#files.hidden = true;
  }
}
