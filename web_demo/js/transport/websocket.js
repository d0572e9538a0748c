// @ts-check
/** WebSocket: commands and events as text, media as binary, played by WebCodecs or, without it, by MediaSource. */

import { socketAddress } from "../api.js";
import { MsePlayer, mediaSource } from "./mse.js";
import { WebCodecsPlayer } from "./webcodecs.js";

/** @typedef {import("../types.js").ServerEvent} ServerEvent */
/** @typedef {import("../types.js").Transport} Transport */
/** @typedef {import("../types.js").Command} Command */

const SILENT_MS = 5000;
const RATE_MS = 500;
const HUSH_LIMIT_MS = 2000;
/** The server closes the socket in order only when the session has ended. */
const ENDED = 1000;

/**
 * The best format this browser plays. WebCodecs and audio worklets exist in secure contexts only.
 * @param {string|null} [wanted]
 * @returns {"webcodecs"|"fmp4"|null}
 */
export function chooseFormat(wanted) {
  const codecs = "VideoDecoder" in globalThis && "AudioDecoder" in globalThis && "AudioWorkletNode" in globalThis;
  if (codecs && wanted !== "fmp4") return "webcodecs";
  return mediaSource() ? "fmp4" : null;
}

/** @implements {Transport} */
export class WebSocketTransport {
  /** @type {WebSocket|null} */
  #socket = null;
  #bytes = 0;
  #counted = { bytes: 0, time: performance.now(), kbps: /** @type {number|undefined} */ (undefined) };
  #heard = performance.now();
  #stopped = false;
  #rtt = /** @type {number|undefined} */ (undefined);
  #unhush = 0;
  #watch = 0;

  /**
   * @param {import("../types.js").SessionInfo} info
   * @param {import("../types.js").Surfaces} surfaces
   * @param {import("../types.js").TransportHooks} hooks
   * @param {import("../types.js").Probe|null} probe
   * @param {string|null} [wanted]  a format to prefer
   */
  constructor(info, surfaces, hooks, probe, wanted) {
    const format = chooseFormat(wanted);
    if (!format) throw new DOMException("This browser plays neither WebCodecs nor MediaSource. Use WebRTC.", "NotSupportedError");
    this.info = info;
    this.hooks = hooks;
    this.name = format;
    this.surface = format === "webcodecs" ? /** @type {const} */ ("picture") : /** @type {const} */ ("live");
    const player = {
      picture: (/** @type {number} */ when) => !this.#stopped && hooks.picture(when),
      broken: (/** @type {string} */ reason) => this.#lost(reason),
      keyframe: () => this.ready && this.send({ type: "keyframe" }),
    };
    this.player = format === "webcodecs" ? new WebCodecsPlayer(surfaces.picture, player, probe) : new MsePlayer(surfaces.live, player, probe);
  }

  /** @param {AbortSignal} signal */
  async start(signal) {
    const url = socketAddress(this.info.links.websocket);
    url.searchParams.set("format", this.name);
    url.searchParams.set("token", this.info.token);
    this.player.open();
    const socket = (this.#socket = new WebSocket(url));
    socket.binaryType = "arraybuffer";
    // Listeners first: messages may follow the handshake at once.
    socket.onmessage = ({ data }) => this.#message(data);
    await new Promise((resolve, reject) => {
      socket.onopen = () => resolve(undefined);
      socket.onclose = ({ code, reason }) => {
        reject(new Error(reason || "The server closed the connection."));
        this.#lost(reason || "The connection to the server broke.", code === ENDED);
      };
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
    this.#watch = setInterval(() => this.#check(), 1000);
  }

  /** @param {string|ArrayBuffer} data */
  #message(data) {
    this.#heard = performance.now();
    if (typeof data === "string") return this.#event(JSON.parse(data));
    this.#bytes += data.byteLength;
    this.player.data(data);
  }

  /** @param {ServerEvent} event */
  #event(event) {
    if (event.type === "media") this.player.configure(/** @type {any} */ (event));
    if (event.type === "pong") this.#rtt = performance.now() - event.time;
    // The order on a socket is kept: all media before this event is stale, all after it is new.
    if (event.type === "utterance.ended" && event.reason === "interrupted") this.#cut();
    this.hooks.event(event);
  }

  #cut() {
    clearTimeout(this.#unhush);
    this.player.cut();
  }

  /** A live line sends 25 slots a second; a silent one is dead even when TCP has not noticed. */
  #check() {
    if (performance.now() - this.#heard > SILENT_MS) return this.#lost("The server went silent.");
    if (this.ready) this.send({ type: "ping", time: performance.now() });
  }

  /** @param {string} reason @param {boolean} [ended] */
  #lost(reason, ended) {
    if (!this.#stopped) this.hooks.lost(reason, ended);
  }

  get ready() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** @param {Command} command */
  send(command) {
    this.#socket?.send(JSON.stringify(command));
  }

  /** @param {ArrayBuffer} pcm */
  sendSound(pcm) {
    this.#socket?.send(pcm);
  }

  get behind() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    return this.player.setMuted(muted);
  }

  hush() {
    this.player.hush();
    clearTimeout(this.#unhush);
    this.#unhush = setTimeout(() => this.player.cut(), HUSH_LIMIT_MS);
  }

  /** @param {number} slot */
  delay(slot) {
    return this.player.delay(slot);
  }

  /** @param {AbortSignal} signal */
  nextSound(signal) {
    return this.player.nextSound(signal);
  }

  /** @returns {Promise<import("../types.js").MediaStats>} */
  async stats() {
    const now = performance.now();
    const { bytes, time } = this.#counted;
    if (now - time >= RATE_MS) this.#counted = { bytes: this.#bytes, time: now, kbps: ((this.#bytes - bytes) * 8) / (now - time) };
    return { kbps: this.#counted.kbps, rttMs: this.#rtt, ...this.player.stats() };
  }

  abandon() {
    this.stop();
  }

  async stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#watch);
    clearTimeout(this.#unhush);
    this.#socket?.close();
    this.player.close();
  }
}
