// @ts-check
/** The avatars as cards: radio buttons with a face, which breathes while it is pointed at. Own ones have a menu. */

import { cardMenu } from "./card-menu.js";
import { byId, calm, icon, make } from "./dom.js";
import { idleOf, showPoster } from "./ui.js";

/** @typedef {import("./types.js").Avatar} Avatar */

/** Dispatches `choose`, and `save` and `remove` for one's own (CustomEvents with the avatar). */
export class AvatarCards extends EventTarget {
  #cards = byId("avatar-cards", HTMLElement);
  /** The way to another one stands behind them. */
  #maker = byId("maker-open", HTMLElement);
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
    this.#maker.hidden = false;
    this.#cards.replaceChildren(...avatars.map((avatar) => this.#slot(avatar)), this.#maker);
  }

  /** Who is shown where nobody was chosen. */
  get preferred() {
    return this.#avatars.find((avatar) => avatar.default) ?? this.#avatars[0];
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
  #slot(avatar) {
    const card = this.#card(avatar);
    if (avatar.builtin !== false) return card;
    const tell = (/** @type {"save"|"remove"} */ what) => this.dispatchEvent(new CustomEvent(what, { detail: avatar }));
    const menu = cardMenu(`${avatar.name ?? avatar.id}: save or delete`, [
      { label: "Save as a file", picture: icon("film"), action: () => tell("save") },
      { label: "Delete", picture: icon("bin"), action: () => tell("remove") },
    ]);
    return make("div", { className: "avatar-own" }, card, menu);
  }

  /** @param {Avatar} avatar */
  #card(avatar) {
    const face = make("span", { className: `avatar-face${avatar.alpha_url ? " checks" : ""}` });
    const poster = make("img", { alt: "", loading: "lazy", decoding: "async", width: 256, height: 256 });
    showPoster(poster, avatar);
    face.append(poster);
    const input = make("input", { type: "radio", name: "avatar", value: avatar.id });
    const card = make("label", { className: "avatar" }, input, face, make("span", { className: "avatar-name", textContent: avatar.name ?? avatar.id }));
    card.addEventListener("pointerenter", () => this.#liven(face, avatar));
    card.addEventListener("pointerleave", () => face.querySelector("video")?.remove());
    return card;
  }

  /** @param {HTMLElement} face @param {Avatar} avatar */
  #liven(face, avatar) {
    // The loop would hide that there is nothing behind.
    if (calm() || avatar.alpha_url || face.querySelector("video")) return;
    const video = make("video", { src: idleOf(avatar), muted: true, loop: true, playsInline: true });
    face.append(video);
    video.play().catch(() => {});
  }
}
