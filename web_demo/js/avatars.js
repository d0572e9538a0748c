// @ts-check
/** The avatars as cards: radio buttons with a face, which breathes while it is pointed at. */

import { byId, calm, make } from "./dom.js";
import { idleOf, posterOf } from "./ui.js";

/** @typedef {import("./types.js").Avatar} Avatar */

/** Dispatches `choose` (CustomEvent with the avatar). */
export class AvatarCards extends EventTarget {
  #cards = byId("avatar-cards", HTMLElement);
  /** @type {Avatar[]} */
  #avatars = [];

  constructor() {
    super();
    this.#cards.addEventListener("change", ({ target }) => {
      const chosen = this.find(/** @type {HTMLInputElement} */ (target).value);
      if (chosen) this.dispatchEvent(new CustomEvent("choose", { detail: chosen }));
    });
  }

  get size() {
    return this.#avatars.length;
  }

  /** @param {Avatar[]} avatars */
  fill(avatars) {
    this.#avatars = avatars;
    this.#cards.replaceChildren(...avatars.map((avatar) => this.#card(avatar)));
  }

  /** @param {string|null} id */
  find(id) {
    return this.#avatars.find((avatar) => avatar.id === id);
  }

  /** @param {string} id */
  select(id) {
    for (const input of this.#cards.querySelectorAll("input")) input.checked = input.value === id;
  }

  /** @param {Avatar} avatar */
  #card(avatar) {
    const face = make("span", { className: "avatar-face" });
    face.append(make("img", { src: posterOf(avatar), alt: "", loading: "lazy", decoding: "async", width: 256, height: 256 }));
    const input = make("input", { type: "radio", name: "avatar", value: avatar.id });
    const card = make("label", { className: "avatar" }, input, face, make("span", { className: "avatar-name", textContent: avatar.name ?? avatar.id }));
    card.addEventListener("pointerenter", () => this.#liven(face, avatar));
    card.addEventListener("pointerleave", () => face.querySelector("video")?.remove());
    return card;
  }

  /** @param {HTMLElement} face @param {Avatar} avatar */
  #liven(face, avatar) {
    if (calm() || face.querySelector("video")) return;
    const video = make("video", { src: idleOf(avatar), muted: true, loop: true, playsInline: true });
    face.append(video);
    video.play().catch(() => {});
  }
}
