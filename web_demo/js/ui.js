// @ts-check
/** The stage: which surface is shown, the connection in words, trouble and what to do about it, toasts. */

import { ApiError, address } from "./api.js";
import { byId, calm } from "./dom.js";

/** @typedef {import("./types.js").Avatar} Avatar */

const TOAST_MS = 6000;
const PAUSE_IDLE_MS = 1000;
const WORDS = { connecting: "Connecting", live: "Live", reconnecting: "Reconnecting", failed: "Not connected", speaking: "Speaking" };

/** @param {Avatar} avatar */
export const posterOf = ({ poster_url }) => address(poster_url).href;
/** @param {Avatar} avatar */
export const idleOf = ({ idle_url }) => address(idle_url).href;

/** A poster; where the avatar has no background, only the person of it. @param {HTMLImageElement} image @param {Avatar} avatar */
export function showPoster(image, avatar) {
  const { alpha_url } = avatar;
  image.src = posterOf(avatar);
  image.classList.toggle("matted", Boolean(alpha_url));
  image.style.setProperty("--matte", alpha_url ? `url("${address(alpha_url).href}")` : "none");
}

/**
 * What went wrong, and what to do, for people.
 * @param {Error|null} error
 * @returns {{title: string, text: string}}
 */
export function explain(error) {
  const text = error?.message ?? "Something went wrong.";
  const code = error instanceof ApiError ? error.code : "";
  if (code === "capacity_reached") return { title: "All places are taken", text: `${text} This page also tries again by itself.` };
  if (code === "unauthorized") return { title: "An API key is needed", text: "Try again and give the key of this server." };
  if (code === "unreachable") return { title: "The server does not answer", text: "Check that it runs and that you are online, then try again." };
  if (code === "engine_unavailable") return { title: "The server cannot speak yet", text };
  if (error?.name === "NotSupportedError") return { title: "This browser cannot play it", text };
  return { title: "The connection failed", text };
}

export class Stage {
  #stage = byId("stage", HTMLElement);
  #idle = byId("idle", HTMLVideoElement);
  #poster = byId("poster", HTMLImageElement);
  #text = byId("state-text", HTMLElement);
  #trouble = byId("trouble", HTMLElement);
  #toast = byId("toast", HTMLElement);
  #toastTimer = 0;
  #idleTimer = 0;
  #shown = "";

  constructor() {
    this.live = byId("live", HTMLVideoElement);
    this.picture = byId("picture", HTMLCanvasElement);
    const full = byId("tool-full", HTMLButtonElement);
    full.hidden = !document.fullscreenEnabled;
    full.addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : this.#stage.requestFullscreen()));
  }

  /** The avatar's idle loop, under everything else: the person breathes before any connection stands. @param {Avatar} avatar */
  breathe(avatar) {
    if (this.#shown === avatar.id) return;
    this.#shown = avatar.id;
    this.#poster.src = posterOf(avatar);
    this.#poster.hidden = false;
    if (calm()) return;
    this.#idle.src = idleOf(avatar);
    if (this.#stage.dataset.surface === "idle") this.#idle.play().catch(() => {});
  }

  /** @param {"idle"|"live"|"picture"} surface */
  show(surface) {
    this.#stage.dataset.surface = surface;
    clearTimeout(this.#idleTimer);
    if (surface === "idle" && !calm()) this.#idle.play().catch(() => {});
    // Kept running below until the live picture has faded in over it.
    if (surface !== "idle") this.#idleTimer = setTimeout(() => this.#idle.pause(), PAUSE_IDLE_MS);
  }

  /** @param {keyof typeof WORDS} state */
  state(state) {
    this.#stage.dataset.state = state;
    if (this.#text.textContent !== WORDS[state]) this.#text.textContent = WORDS[state];
  }

  /** @param {Error|null} error  null: no trouble @param {boolean} [otherWay]  offer WebSocket */
  trouble(error, otherWay = false) {
    this.#trouble.hidden = error === null;
    if (!error) return;
    const { title, text } = explain(error);
    byId("trouble-title", HTMLElement).textContent = title;
    byId("trouble-text", HTMLElement).textContent = text;
    byId("trouble-switch", HTMLButtonElement).hidden = !otherWay;
  }

  /** @param {string} text */
  toast(text) {
    this.#toast.textContent = text;
    this.#toast.hidden = false;
    clearTimeout(this.#toastTimer);
    this.#toastTimer = setTimeout(() => (this.#toast.hidden = true), TOAST_MS);
  }
}
