// @ts-check
/** A live session's life: create or resume, connect a transport, reconnect with backoff, carry commands. */

import { ApiError } from "./api.js";
import { wait } from "./dom.js";
import { choices, tab } from "./store.js";

/** @typedef {import("./types.js").SessionInfo} SessionInfo */
/** @typedef {import("./types.js").Transport} Transport */
/** @typedef {import("./types.js").ServerEvent} ServerEvent */
/** @typedef {import("./types.js").Command} Command */
/** @typedef {"connecting"|"live"|"reconnecting"|"failed"} Connection */

const BACKOFF_MS = [300, 700, 1500, 3000, 5000, 8000, 8000, 8000];
const PICTURE_TIMEOUT_MS = 5000;
const ACK_TIMEOUT_MS = 6000;
const CAPACITY_RETRY_SECONDS = 10;
const GONE = new Set([401, 403, 404, 410]);

/** Failures that waiting a moment does not mend: the person is told at once. */
const FINAL = new Set(["capacity_reached", "unauthorized", "avatar_not_found", "engine_unavailable"]);

/**
 * Dispatches `state` (connection changed), `event` (CustomEvent with a server event), `connected` (a picture shows)
 * and `fallback` (WebRTC gave up in favour of WebSocket).
 */
export class LiveSession extends EventTarget {
  /** @type {Connection} */
  connection = "connecting";
  /** @type {SessionInfo|null} */
  info = null;
  /** @type {Transport|null} */
  transport = null;
  /** @type {ApiError|Error|null} */
  error = null;
  /** Which avatar is wanted. @type {string|null} */
  avatar;
  connectStarted = 0;
  #attempts = 0;
  #stop = new AbortController();
  #wake = new AbortController();
  #commands = 0;
  /** @type {Map<string, {resolve: (ack: ServerEvent) => void, reject: (error: Error) => void, timer: number}>} */
  #waiting = new Map();

  /**
   * @param {import("./api.js").Api} api
   * @param {(kind: string, info: SessionInfo, hooks: import("./types.js").TransportHooks) => Transport} build
   * @param {"webrtc"|"websocket"} kind
   */
  constructor(api, build, kind) {
    super();
    this.api = api;
    this.build = build;
    this.kind = kind;
    this.avatar = choices.get("avatar");
    addEventListener("online", () => this.#wake.abort());
    document.addEventListener("visibilitychange", () => document.hidden || this.#wake.abort());
    addEventListener("pagehide", () => this.transport?.abandon());
    addEventListener("pageshow", (event) => event.persisted && this.connect());
  }

  /** Connect from the start; whatever was there before ends. */
  async connect() {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#attempts = 0;
    this.#set("connecting");
    await this.#run(this.#stop.signal);
  }

  /** @param {"webrtc"|"websocket"} kind */
  async use(kind) {
    this.kind = kind;
    await this.connect();
  }

  /** @param {AbortSignal} signal */
  async #run(signal) {
    while (!signal.aborted) {
      try {
        await this.#attempt(signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        await this.#drop();
        this.error = error instanceof Error ? error : new Error(String(error));
        if (this.#isFinal(this.error)) {
          this.#set("failed");
          if (!(await this.#placeFree(this.error, signal))) return;
          continue;
        }
        if (this.#noPicture(this.error)) continue;
        this.#set(this.#attempts === 0 && this.connection === "connecting" ? "connecting" : "reconnecting");
        await this.#pause(signal);
        this.#attempts += 1;
      }
    }
  }

  /** @param {AbortSignal} signal */
  async #attempt(signal) {
    this.connectStarted = performance.now();
    await this.#drop();
    const info = (this.info = await this.#session(signal));
    signal.throwIfAborted();
    /** @type {(when: number) => void} */
    let shown = () => {};
    /** @type {(error: Error) => void} */
    let broken = () => {};
    /** @type {Promise<number>} */
    const picture = new Promise((resolve, reject) => {
      shown = resolve;
      broken = reject;
    });
    picture.catch(() => {});
    let live = false;
    const transport = this.build(this.kind, info, {
      event: (event) => this.#received(event),
      picture: (when) => shown(when),
      lost: (reason, ended) => {
        if (ended) this.#forget();
        if (live && this.transport === transport) this.#lost(reason);
        else broken(new TransportLost(reason));
      },
    });
    this.transport = transport;
    // Stopped from outside (another transport, another attempt): do not wait for a picture that will not come.
    signal.addEventListener("abort", () => broken(new TransportLost("stopped")), { once: true });
    await Promise.race([transport.start(signal), picture]);
    const timer = setTimeout(() => broken(new NoPicture()), PICTURE_TIMEOUT_MS);
    const when = await picture.finally(() => clearTimeout(timer));
    live = true;
    this.#attempts = 0;
    this.error = null;
    this.#set("live");
    this.dispatchEvent(new CustomEvent("connected", { detail: { when, took: when - this.connectStarted } }));
  }

  /** @param {string} reason */
  #lost(reason) {
    this.error = new TransportLost(reason);
    this.#set("reconnecting");
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#run(this.#stop.signal);
  }

  /** WebRTC that is answered but shows nothing is blocked on the way: go over to WebSocket. @param {Error} error */
  #noPicture(error) {
    if (!(error instanceof NoPicture) || this.kind !== "webrtc") return false;
    this.kind = "websocket";
    this.dispatchEvent(new Event("fallback"));
    return true;
  }

  /** @param {Error} error */
  #isFinal(error) {
    if (error instanceof ApiError && FINAL.has(error.code)) {
      if (error.code === "avatar_not_found") {
        this.avatar = null;
        choices.set("avatar", null);
      }
      return true;
    }
    return error.name === "NotSupportedError" || this.#attempts >= BACKOFF_MS.length;
  }

  /**
   * All places are taken: say so, and try again quietly at the pace the server names.
   * @param {Error} error
   * @param {AbortSignal} signal
   */
  async #placeFree(error, signal) {
    if (!(error instanceof ApiError) || error.code !== "capacity_reached") return false;
    await wait((error.retryAfter ?? CAPACITY_RETRY_SECONDS) * 1000, signal).catch(() => {});
    return !signal.aborted;
  }

  /** Wait before the next attempt; coming online or back to the tab ends the wait. @param {AbortSignal} signal */
  async #pause(signal) {
    this.#wake = new AbortController();
    const base = BACKOFF_MS[Math.min(this.#attempts, BACKOFF_MS.length - 1)];
    const woken = new Promise((resolve) => this.#wake.signal.addEventListener("abort", resolve, { once: true }));
    await Promise.race([wait(base * (0.8 + 0.4 * Math.random()), signal).catch(() => {}), woken]);
  }

  /** The session of this tab while it exists, otherwise a new one. @param {AbortSignal} signal @returns {Promise<SessionInfo>} */
  async #session(signal) {
    const saved = this.info ?? tab.get("session");
    if (saved?.id && saved?.token) {
      try {
        const fresh = await this.api.readSession(saved, signal);
        if (/** @type {any} */ (fresh).state !== "closed") {
          const info = { ...saved, ...fresh };
          if (this.avatar && info.avatar !== this.avatar) await this.api.command(info, { type: "avatar", avatar: this.avatar });
          return info;
        }
      } catch (error) {
        if (!(error instanceof ApiError && GONE.has(error.status))) throw error;
      }
      this.#forget();
    }
    const info = await this.api.createSession(this.avatar, signal);
    tab.set("session", info);
    return info;
  }

  #forget() {
    this.info = null;
    tab.set("session", null);
  }

  async #drop() {
    const old = this.transport;
    this.transport = null;
    for (const entry of this.#waiting.values()) entry.reject(new Error("The connection was lost. Try again."));
    this.#waiting.clear();
    await old?.stop().catch(() => {});
  }

  /** @param {Connection} connection */
  #set(connection) {
    this.connection = connection;
    this.dispatchEvent(new Event("state"));
  }

  /** @param {ServerEvent} event */
  #received(event) {
    const entry = event.id ? this.#waiting.get(event.id) : undefined;
    if (entry && (event.type === "ack" || event.type === "error")) {
      this.#waiting.delete(event.id);
      clearTimeout(entry.timer);
      if (event.type === "ack") entry.resolve(event);
      else entry.reject(new ApiError(event.message, 0, event.code));
    }
    this.dispatchEvent(new CustomEvent("event", { detail: event }));
    if (event.type === "session.state" && event.state === "closed") {
      this.#forget();
      if (this.connection === "live") this.#lost("The session ended.");
    }
  }

  /**
   * Send a command over the transport, or over HTTP while it is not open.
   * @param {Command} command
   * @returns {Promise<any>}  the ack
   */
  async command(command) {
    const transport = this.transport;
    if (!transport?.ready) {
      if (!this.info) throw new Error("Not connected yet. Try again in a moment.");
      return this.api.command(this.info, command);
    }
    const id = `c${(this.#commands += 1)}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error("The server did not answer in time. Try again."));
      }, ACK_TIMEOUT_MS);
      this.#waiting.set(id, { resolve, reject, timer });
      transport.send({ ...command, id });
    });
  }

  /** @param {{text: string} & import("./types.js").SayOptions} wish */
  say(wish) {
    return this.command({ type: "say", ...wish });
  }

  /** @param {File} file */
  async sayRecording(file) {
    if (!this.info) throw new Error("Not connected yet. Try again in a moment.");
    return this.api.sayRecording(this.info, file);
  }

  interrupt() {
    this.transport?.hush();
    return this.command({ type: "interrupt" });
  }

  /** @param {string} avatar */
  async change(avatar) {
    this.avatar = avatar;
    choices.set("avatar", avatar);
    if (this.connection === "live") await this.command({ type: "avatar", avatar });
    else if (this.connection === "failed") await this.connect();
  }
}

/** The transport ended or never came to be. */
export class TransportLost extends Error {}

/** Everything was answered, but no picture came. */
class NoPicture extends Error {
  constructor() {
    super("The connection was answered, but no picture arrived.");
  }
}
