// @ts-check
/** The figures under the stage: one line of what matters, and a panel with the rest, read only while it is open. */

import { byId, inMs, make } from "./dom.js";

const EVERY_MS = 1000;

/** @param {number|null|undefined} value @param {(value: number) => string} write */
const known = (value, write) => (value === null || value === undefined || Number.isNaN(value) ? "–" : write(value));

export class Details {
  #panel = byId("details", HTMLDetailsElement);
  #facts = byId("facts", HTMLElement);
  #quick = byId("quick", HTMLElement);
  /** @type {Map<string, HTMLElement>} */
  #cells = new Map();

  /**
   * @param {import("./session.js").LiveSession} live
   * @param {import("./latency.js").Latency} latency
   */
  constructor(live, latency) {
    this.live = live;
    this.latency = latency;
    latency.addEventListener("change", () => this.#summary());
    this.#panel.addEventListener("toggle", () => this.#panel.open && this.#refresh());
    setInterval(() => this.#panel.open && !document.hidden && this.#refresh(), EVERY_MS);
  }

  #summary() {
    const { picture, accepted, heard } = this.latency;
    /** @type {[string, number|null][]} */
    const figures = accepted === null ? [["First picture ", picture]] : [["First sound ", accepted], ["heard ", heard]];
    const nodes = figures
      .filter(([, value]) => value !== null)
      .flatMap(([label, value], i) => [i ? " · " : "", label, make("b", { textContent: inMs(/** @type {number} */ (value)) })]);
    this.#quick.replaceChildren(...nodes);
    if (this.#panel.open) this.#refresh();
  }

  async #refresh() {
    const { live, latency } = this;
    const stats = (await live.transport?.stats().catch(() => null)) ?? {};
    const whole = (/** @type {number} */ value) => String(Math.round(value));
    this.#show({
      "Text accepted → first sound": known(latency.accepted, inMs),
      "Speak pressed → heard": known(latency.heard, inMs),
      "Connect → first picture": known(latency.picture, inMs),
      "Waiting in the buffer": known(stats.bufferMs, inMs),
      "Frames per second": known(stats.fps, (fps) => fps.toFixed(1)),
      "Bit rate": known(stats.kbps, (rate) => (rate >= 1000 ? `${(rate / 1000).toFixed(2)} Mbit/s` : `${Math.round(rate)} kbit/s`)),
      Codec: stats.codec ?? "–",
      Picture: stats.width ? `${stats.width} × ${stats.height}` : "–",
      "Round trip": known(stats.rttMs, inMs),
      "Frames dropped": known(stats.dropped, whole),
      "Packets lost": known(stats.lost, whole),
      Transport: { webrtc: "WebRTC (WHEP)", webcodecs: "WebSocket, WebCodecs", fmp4: "WebSocket, MP4" }[live.transport?.name ?? ""] ?? "–",
      "Speech engine": latency.engine || "–",
      Session: live.info?.id ?? "–",
    });
  }

  /** @param {Record<string, string>} facts */
  #show(facts) {
    for (const [name, value] of Object.entries(facts)) {
      let cell = this.#cells.get(name);
      if (!cell) {
        cell = make("dd");
        this.#cells.set(name, cell);
        this.#facts.append(make("div", { className: "fact" }, make("dt", { textContent: name }), cell));
      }
      if (cell.textContent !== value) cell.textContent = value;
    }
  }
}
