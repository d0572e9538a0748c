// @ts-check
/** Takes a photo with the camera: seen as in a mirror, kept as others see it. */

import { byId } from "../dom.js";

const WISH = { facingMode: "user", width: { ideal: 1920 }, height: { ideal: 1080 } };
const JPEG_QUALITY = 0.95;

/** Why there is no picture, for people. @param {unknown} error */
function wordsFor(error) {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError") return "The camera was not allowed. Allow it for this page in the browser's settings, or choose a file.";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "There is no camera here. Choose a file instead.";
  if (name === "NotReadableError") return "Another program uses the camera. Close it there, or choose a file.";
  return `The camera gives no picture (${error instanceof Error ? error.message : error}). Choose a file instead.`;
}

/** Dispatches `photo` (CustomEvent with a file), `trouble` (CustomEvent with words), and `change` when it opens or closes. */
export class Camera extends EventTarget {
  #panel = byId("camera", HTMLElement);
  #video = byId("camera-video", HTMLVideoElement);
  #take = byId("camera-take", HTMLButtonElement);
  /** @type {MediaStream|null} */
  #stream = null;
  /** Counts openings: a camera that is allowed after it was closed again stays off. */
  #opening = 0;

  constructor() {
    super();
    byId("camera-open", HTMLButtonElement).addEventListener("click", () => this.#open());
    byId("camera-close", HTMLButtonElement).addEventListener("click", () => this.close());
    this.#take.addEventListener("click", () => this.#photograph());
    this.#video.addEventListener("playing", () => (this.#take.disabled = false));
  }

  get on() {
    return !this.#panel.hidden;
  }

  async #open() {
    if (!navigator.mediaDevices) {
      this.#fail("Browsers give the camera only to pages that come over https, or from this machine. Choose a file instead.");
      return;
    }
    const opening = (this.#opening += 1);
    this.#show(true);
    this.#take.focus();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: WISH });
      if (opening !== this.#opening) return stream.getTracks().forEach((track) => track.stop());
      this.#stream = stream;
      stream.getVideoTracks()[0]?.addEventListener("ended", () => this.#stream === stream && this.#fail("The camera went away. Choose a file instead."));
      this.#video.srcObject = stream;
      await this.#video.play();
      this.#take.focus();
    } catch (error) {
      if (opening === this.#opening) this.#fail(wordsFor(error));
    }
  }

  /** Let go of the camera; idempotent. */
  close() {
    if (this.on) this.#show(false);
  }

  /** @param {boolean} on */
  #show(on) {
    if (!on) {
      this.#opening += 1;
      for (const track of this.#stream?.getTracks() ?? []) track.stop();
      this.#stream = null;
      this.#video.srcObject = null;
    }
    this.#take.disabled = true;
    this.#panel.hidden = !on;
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} words */
  #fail(words) {
    this.close();
    this.dispatchEvent(new CustomEvent("trouble", { detail: words }));
  }

  async #photograph() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d")?.drawImage(this.#video, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: JPEG_QUALITY });
    this.close();
    this.dispatchEvent(new CustomEvent("photo", { detail: new File([blob], "photo.jpg", { type: blob.type }) }));
  }
}
