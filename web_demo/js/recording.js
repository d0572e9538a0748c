// @ts-check
/** A recording to be spoken in place of text: chosen, dropped or pasted, shown with its length, and let go again. */

import { byId } from "./dom.js";

export const MOST_BYTES = 25 << 20;
const KINDS = /^(audio|video)\//;
const ENDINGS = /\.(wav|mp3|m4a|mp4|aac|ogg|oga|opus|flac|webm)$/i;

/** Minutes and seconds, as 0:07. @param {number} seconds */
export function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Seconds, as far as the browser can tell. @param {File} file @returns {Promise<number|null>} */
export async function lengthOf(file) {
  const url = URL.createObjectURL(file);
  try {
    return await new Promise((resolve) => {
      const audio = new Audio();
      audio.preload = "metadata";
      audio.onloadedmetadata = () => resolve(Number.isFinite(audio.duration) ? audio.duration : null);
      audio.onerror = () => resolve(null);
      audio.src = url;
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Dispatches `change` when a file comes or goes, and `trouble` (CustomEvent with a message). */
export class Recording extends EventTarget {
  #pick = byId("recording-file", HTMLInputElement);
  #bar = byId("recording", HTMLElement);
  #name = byId("recording-name", HTMLElement);
  #length = byId("recording-length", HTMLElement);
  /** @type {File|null} */
  #file = null;

  /** @param {HTMLElement} zone  where files may be dropped */
  constructor(zone) {
    super();
    byId("recording-pick", HTMLButtonElement).addEventListener("click", () => this.#pick.click());
    this.#pick.addEventListener("change", () => this.#take(this.#pick.files));
    byId("recording-drop", HTMLButtonElement).addEventListener("click", () => this.drop());
    zone.addEventListener("dragover", (event) => this.#hover(event, zone));
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
      zone.classList.remove("over");
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      this.#take(event.dataTransfer.files);
    });
    zone.addEventListener("paste", (event) => {
      // Spreadsheets and word processors lay a picture beside the text that they copy.
      if (!event.clipboardData?.files.length || event.clipboardData.types.includes("text/plain")) return;
      event.preventDefault();
      this.#take(event.clipboardData.files);
    });
  }

  get file() {
    return this.#file;
  }

  /** Let go of the file. */
  drop() {
    this.#file = null;
    this.#pick.value = "";
    this.#bar.hidden = true;
    this.dispatchEvent(new Event("change"));
  }

  /** @param {DragEvent} event @param {HTMLElement} zone */
  #hover(event, zone) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    zone.classList.add("over");
  }

  /** @param {FileList|null} files */
  async #take(files) {
    const file = files?.[0];
    if (!file) return;
    const trouble = refusalOf(file);
    if (trouble) {
      this.#pick.value = "";
      this.dispatchEvent(new CustomEvent("trouble", { detail: trouble }));
      return;
    }
    this.#file = file;
    this.#name.textContent = file.name;
    this.#length.textContent = "";
    this.#bar.hidden = false;
    this.dispatchEvent(new Event("change"));
    const seconds = await lengthOf(file);
    if (this.#file === file && seconds !== null) this.#length.textContent = clock(seconds);
  }
}

/** Why a file is no recording that can be sent; null when it may be one. @param {File} file */
export function refusalOf(file) {
  if (!KINDS.test(file.type) && !ENDINGS.test(file.name)) return `${file.name} is no recording. Choose a WAV, MP3, M4A, OGG or FLAC file.`;
  if (file.size > MOST_BYTES) return `${file.name} is larger than 25 MB. Choose a shorter recording, or save it as MP3.`;
  return file.size ? null : `${file.name} is empty. Choose another file.`;
}
