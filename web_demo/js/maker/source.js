// @ts-check
/** What the avatar is made from: a file that is dropped, pasted or chosen, a photo just taken, or an address. */

import { byId } from "../dom.js";
import { Camera } from "./camera.js";
import { isFilm, refusalOf, sizeOf } from "./files.js";

const ACCEPT = "image/*,video/mp4,video/quicktime,video/webm,.heic,.heif,.avif,.mov,.m4v";

/** Dispatches `change` when there is something else, or nothing any more. */
export class Source extends EventTarget {
  #zone = byId("zone", HTMLElement);
  #pick = byId("source-file", HTMLInputElement);
  #url = byId("source-url", HTMLInputElement);
  #image = byId("source-image", HTMLImageElement);
  #video = byId("source-video", HTMLVideoElement);
  #error = byId("source-error", HTMLElement);
  #camera = new Camera();
  /** @type {File|null} */
  #file = null;

  /** @param {import("../api.js").Api} api @param {HTMLElement} around  where files may be dropped and pasted */
  constructor(api, around) {
    super();
    this.api = api;
    this.#pick.accept = ACCEPT;
    byId("source-pick", HTMLButtonElement).addEventListener("click", () => this.#pick.click());
    this.#pick.addEventListener("change", () => this.#chosen(this.#pick.files?.[0]));
    byId("source-drop", HTMLButtonElement).addEventListener("click", () => this.clear());
    this.#url.addEventListener("input", () => this.#typed());
    this.#camera.addEventListener("photo", (event) => this.take(/** @type {CustomEvent<File>} */ (event).detail));
    this.#camera.addEventListener("trouble", (event) => this.tell(/** @type {CustomEvent<string>} */ (event).detail));
    this.#camera.addEventListener("change", () => this.#lay());
    this.#image.addEventListener("error", () => this.#blind());
    this.#video.addEventListener("error", () => this.#blind());
    this.#zone.addEventListener("dragleave", () => this.#zone.classList.remove("over"));
    around.addEventListener("dragover", (event) => this.#hover(event));
    around.addEventListener("drop", (event) => this.#dropped(event));
    around.addEventListener("paste", (event) => this.#pasted(event));
  }

  get file() {
    return this.#file;
  }

  /** The address that was given in place of a file. */
  get url() {
    return this.#file ? "" : this.#url.value.trim();
  }

  /** Where its local preview lies; null when there is none that is a picture. */
  get picture() {
    return this.#file && !this.#image.hidden ? this.#image.src : null;
  }

  /** Why nothing can be sent as it is; null when it can. */
  get missing() {
    if (this.#file) return null;
    if (!this.url) return "Choose a photo or a video first.";
    return URL.canParse(this.url) && /^https?:/i.test(this.url) ? null : "This is no address of the web. It begins with https://";
  }

  /** @param {File} file */
  take(file) {
    const trouble = refusalOf(file, this.api.limits);
    this.#set(trouble ? null : file);
    this.tell(trouble);
  }

  /** Nothing is chosen any more. */
  clear() {
    this.#set(null);
    this.#url.value = "";
    this.tell(null);
    byId("source-pick", HTMLButtonElement).focus();
  }

  /** Let go of the camera, and keep what there is. */
  rest() {
    this.#camera.close();
    this.#video.pause();
  }

  /** @param {string|null} words */
  tell(words) {
    this.#error.hidden = words === null;
    this.#error.textContent = words ?? "";
  }

  /** @param {File|undefined} file */
  #chosen(file) {
    if (file) this.take(file);
    this.#pick.value = "";
  }

  #typed() {
    this.tell(null);
    this.dispatchEvent(new Event("change"));
  }

  /** @param {File|null} file */
  #set(file) {
    this.#camera.close();
    for (const element of [this.#image, this.#video]) {
      URL.revokeObjectURL(element.src);
      element.removeAttribute("src");
      element.hidden = true;
    }
    this.#file = file;
    byId("source-blind", HTMLElement).hidden = true;
    if (file) {
      const shown = isFilm(file) ? this.#video : this.#image;
      shown.src = URL.createObjectURL(file);
      shown.hidden = false;
      if (shown instanceof HTMLVideoElement) shown.play().catch(() => {});
      byId("source-name", HTMLElement).textContent = file.name;
      byId("source-size", HTMLElement).textContent = sizeOf(file.size);
    }
    this.#lay();
    this.dispatchEvent(new Event("change"));
  }

  /** The browser cannot show it; the server may know better. */
  #blind() {
    if (!this.#file) return;
    this.#image.hidden = this.#video.hidden = true;
    byId("source-blind", HTMLElement).hidden = false;
    byId("source-blind-text", HTMLElement).textContent = `This browser cannot show ${this.#file.name}. The server looks at it all the same.`;
    this.dispatchEvent(new Event("change"));
  }

  #lay() {
    const { on } = this.#camera;
    byId("zone-empty", HTMLElement).hidden = on || this.#file !== null;
    byId("zone-shown", HTMLElement).hidden = on || this.#file === null;
    byId("source-bar", HTMLElement).hidden = on || this.#file === null;
    byId("source-link", HTMLElement).hidden = on || this.#file !== null;
    if (on) this.tell(null);
  }

  /** @param {DragEvent} event */
  #hover(event) {
    if (!event.dataTransfer?.types.includes("Files") && !event.dataTransfer?.types.includes("text/uri-list")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    this.#zone.classList.add("over");
  }

  /** @param {DragEvent} event */
  #dropped(event) {
    this.#zone.classList.remove("over");
    const { files } = event.dataTransfer ?? {};
    const address = event.dataTransfer?.getData("text/uri-list").split("\n")[0] ?? "";
    if (!files?.length && !address) return;
    event.preventDefault();
    if (files?.length) this.take(files[0]);
    else this.#point(address);
  }

  /** @param {ClipboardEvent} event */
  #pasted(event) {
    const typing = event.target instanceof HTMLInputElement && event.target.type === "text";
    const file = event.clipboardData?.files[0];
    const text = event.clipboardData?.getData("text/plain").trim() ?? "";
    if (file && !text) this.take(file);
    else if (!typing && /^https?:\/\/\S+$/i.test(text)) this.#point(text);
    else return;
    event.preventDefault();
  }

  /** @param {string} address */
  #point(address) {
    this.#set(null);
    this.#url.value = address.trim();
    this.#typed();
  }
}
