// @ts-check
/** A new avatar introduces itself: it speaks in the live session, and its picture is seen here, too. */

import { byId, wait } from "../dom.js";
import { showPoster } from "../ui.js";

/** @typedef {import("../types.js").Avatar} Avatar */

const CONNECT_MS = 15_000;
/** Pictures of whoever was there before are on their way for so long after a change. */
const SETTLE_MS = 400;

/** @param {Avatar} avatar */
const wordsOf = ({ name }) => `Hello! I am ${name}. Write something, and I will say it.`;

export class TalkingPreview {
  #canvas = byId("made-live", HTMLCanvasElement);
  #poster = byId("made-poster", HTMLImageElement);
  #pen = this.#canvas.getContext("2d");
  #drawing = 0;

  /**
   * @param {import("../session.js").LiveSession} live
   * @param {import("../ui.js").Stage} stage
   * @param {import("../sound.js").Sound} sound
   */
  constructor(live, stage, sound) {
    this.live = live;
    this.stage = stage;
    this.sound = sound;
  }

  /** Whether nothing would be heard: browsers allow sound after a gesture only. */
  get hushed() {
    return this.sound.blocked;
  }

  /** The avatar at rest, until it is live. @param {Avatar} avatar */
  show(avatar) {
    this.stop();
    showPoster(this.#poster, avatar);
    this.#canvas.hidden = true;
  }

  /**
   * Bring the avatar into the session and let it say a sentence.
   * @param {Avatar} avatar
   * @returns {Promise<string>}  what it says
   */
  async play(avatar) {
    const text = wordsOf(avatar);
    await this.#connected();
    if (this.live.avatar !== avatar.id) await this.live.change(avatar.id);
    await this.live.say({ text });
    this.mirror();
    return text;
  }

  /** Draw no longer what the session shows. */
  stop() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
  }

  async #connected() {
    if (this.live.connection === "live") return;
    const stop = new AbortController();
    const connected = new Promise((resolve) => this.live.addEventListener("connected", resolve, { once: true, signal: stop.signal }));
    const late = wait(CONNECT_MS, stop.signal).then(() => {
      throw new Error("The live picture is not connected, so it cannot speak yet. Close this window to see why.");
    });
    await Promise.race([connected, late]).finally(() => stop.abort());
  }

  /** @param {HTMLVideoElement|HTMLCanvasElement} from */
  #fit(from) {
    const [width, height] = from instanceof HTMLVideoElement ? [from.videoWidth, from.videoHeight] : [from.width, from.height];
    if (width && this.#canvas.width !== width) this.#canvas.width = width;
    if (height && this.#canvas.height !== height) this.#canvas.height = height;
  }

  /** Draw here, too, what the session shows. */
  mirror() {
    this.stop();
    const begin = performance.now() + (this.#canvas.hidden ? SETTLE_MS : 0);
    const draw = () => {
      const surface = this.live.transport?.surface;
      const from = surface === "live" ? this.stage.live : this.stage.picture;
      if (this.live.connection === "live" && surface && this.#pen && performance.now() >= begin) {
        this.#canvas.hidden = false;
        this.#fit(from);
        this.#pen.drawImage(from, 0, 0, this.#canvas.width, this.#canvas.height);
      }
      this.#drawing = requestAnimationFrame(draw);
    };
    draw();
  }
}
