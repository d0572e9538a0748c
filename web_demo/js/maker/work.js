// @ts-check
/** A job at work: how far it is, its steps and their pictures; and why it was refused, in words. */

import { byId } from "../dom.js";
import { StepList, pictureOf } from "./steps.js";

/** @typedef {import("../types.js").Job} Job */

const percent = (/** @type {number} */ share) => `${Math.round(share * 100)} %`;

/** Dispatches `cancel`; and `other` and `back`, after a refusal. */
export class Work extends EventTarget {
  name = "";
  /** Whether the file is still on its way. */
  sending = false;
  #section = byId("work", HTMLElement);
  #text = byId("work-text", HTMLElement);
  #share = byId("work-share", HTMLElement);
  #bar = byId("work-bar", HTMLProgressElement);
  #hint = byId("work-hint", HTMLElement);
  #frame = byId("work-frame", HTMLElement);
  #picture = byId("work-picture", HTMLImageElement);
  #caption = byId("work-caption", HTMLElement);
  #refusal = byId("refusal", HTMLElement);
  #steps;

  /** @param {import("./steps.js").Larger} larger */
  constructor(larger) {
    super();
    this.#steps = new StepList(byId("work-steps", HTMLOListElement), larger);
    byId("work-cancel", HTMLButtonElement).addEventListener("click", () => this.dispatchEvent(new Event("cancel")));
    byId("refusal-other", HTMLButtonElement).addEventListener("click", () => this.dispatchEvent(new Event("other")));
    byId("refusal-back", HTMLButtonElement).addEventListener("click", () => this.dispatchEvent(new Event("back")));
    this.#picture.addEventListener("load", () => (this.#picture.hidden = false));
    this.#picture.addEventListener("error", () => (this.#picture.hidden = true));
  }

  /** @param {boolean} on */
  show(on) {
    this.#section.hidden = !on;
    if (!on) this.sending = false;
  }

  /** @param {string} name @param {string|null} [picture]  what is being sent, as the browser shows it */
  begin(name, picture) {
    this.name = name;
    this.#steps.clear();
    this.#refused(false);
    this.#frame.classList.remove("refused");
    this.#see(picture ?? null, picture ? "What you chose" : "");
    this.#say("Starting", null);
  }

  /** @param {number} share */
  sent(share) {
    this.sending = share < 1;
    this.#hint.textContent = this.sending ? "Keep this page open until it is sent." : "";
    this.#say(this.sending ? "Sending" : "The server looks at it", this.sending ? share : null);
  }

  /** @param {Job} job */
  heard(job) {
    this.sending = false;
    this.#steps.show(job.steps);
    const now = job.steps.find(({ status }) => status === "running");
    this.#say(job.status === "queued" ? "Waiting for its turn" : now ? now.title : "Working", job.progress);
    this.#hint.textContent = "It goes on when you close this window or the page.";
    const latest = job.steps.findLast(({ preview_url }) => preview_url);
    if (latest) this.#see(pictureOf(latest), latest.title);
  }

  /** @param {boolean} on  the server does not answer */
  away(on) {
    this.#hint.textContent = on ? "The server does not answer at the moment. It takes up where it was when it is back." : "It goes on when you close this window or the page.";
  }

  /** @param {{message?: string|null, code?: string|null}} job */
  refuse({ message, code }) {
    this.#refused(true);
    this.#frame.classList.add("refused");
    byId("refusal-title", HTMLElement).textContent = TITLES[/** @type {keyof typeof TITLES} */ (code)] ?? "No avatar came of it";
    byId("refusal-text", HTMLElement).textContent = message || "Something broke on the server. Try again; its log says more.";
  }

  /** @param {boolean} on */
  #refused(on) {
    this.#refusal.hidden = !on;
    byId("refusal-actions", HTMLElement).hidden = !on;
    byId("work-now", HTMLElement).hidden = on;
    byId("work-foot", HTMLElement).hidden = on;
  }

  /** @param {string|null} src @param {string} words */
  #see(src, words) {
    this.#caption.textContent = words;
    if (src && this.#picture.src === src) return;
    this.#picture.hidden = !src;
    if (src) this.#picture.src = src;
    else this.#picture.removeAttribute("src");
  }

  /** @param {string} words @param {number|null} share  null: nobody knows */
  #say(words, share) {
    if (this.#text.textContent !== words) this.#text.textContent = words;
    this.#share.textContent = share === null ? "" : percent(share);
    if (share === null) this.#bar.removeAttribute("value");
    else this.#bar.value = share;
  }
}

/** Refusals that one can do something about, in a few words; the server's message says what. */
const TITLES = {
  no_face: "No face was found",
  several_faces: "There is more than one face",
  face_too_small: "The face is too small",
  face_turned_away: "The face is turned away",
  face_cut_off: "The face is cut off",
  face_unclear: "The face is not clear enough",
  face_too_dark: "It is too dark",
  face_overexposed: "There is too much light",
  face_blurred: "The face is out of focus",
  mouth_covered: "Something is before the mouth",
  no_still_mouth: "The mouth never rests",
  photo_not_upright: "The photo is not upright",
  not_an_image: "This is no picture",
  truncated_image: "The picture is damaged",
  image_too_small: "The picture is too small",
  image_too_large: "The picture is too large",
  not_a_video: "This is no video",
  truncated_video: "The video is damaged",
  video_too_long: "The video is too long",
  video_too_short: "The video is too short",
  video_too_small: "The video is too small",
  video_too_large: "The video is too large",
  frozen_video: "The video stands still",
  no_steady_stretch: "No part of the video is steady enough",
  bad_background: "The background cannot be used",
  matte_empty: "The person cannot be told from the background",
  matte_full: "The person cannot be told from the background",
};
