// @ts-check
/** The avatar says what the microphone hears, as it hears it. */

import { byId } from "./dom.js";

/** A pause this long ends what is said; what follows is said as something new. */
const PAUSE_SECONDS = 1;
/** The server takes no higher rate. */
const MOST_HERTZ = 48_000;
/** Sound that the network cannot carry is left out from here on, so that the rest is not late for good. */
const MOST_BEHIND_SECONDS = 0.5;
const BYTES_PER_SAMPLE = 2;
/** The level bar falls by this share from one 20 ms block to the next. */
const FALL = 0.85;

/** What keeps a microphone from being used, and what to do. @param {unknown} error @returns {string} */
export function wordsFor(error) {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError") return "The browser does not let this page use the microphone. Allow it next to the address, then try again.";
  if (name === "NotFoundError") return "No microphone was found. Connect one, then try again.";
  if (name === "NotReadableError") return "Another program uses the microphone. Close it, then try again.";
  return error instanceof Error ? error.message : String(error);
}

/** Run an action once this has been stopped, or now if it has. @param {AbortSignal} signal @param {() => void} action */
export function afterwards(signal, action) {
  if (signal.aborted) action();
  else signal.addEventListener("abort", action, { once: true });
}

/** The microphone's own rate, as far as the server takes it. @returns {Promise<AudioContext>} */
export async function newContext() {
  const context = new AudioContext({ latencyHint: "interactive" });
  if (context.sampleRate <= MOST_HERTZ) return context;
  await context.close();
  return new AudioContext({ latencyHint: "interactive", sampleRate: MOST_HERTZ });
}

/** Whether this browser can hear. */
export const canHear = () => Boolean(navigator.mediaDevices?.getUserMedia) && typeof AudioWorkletNode !== "undefined";

/** Dispatches `trouble` (CustomEvent with a message). */
export class Microphone extends EventTarget {
  #button = byId("microphone", HTMLButtonElement);
  #label = byId("microphone-label", HTMLElement);
  #hint = byId("microphone-hint", HTMLElement);
  /** @type {AbortController|null} */
  #on = null;
  #level = 0;

  /** @param {import("./session.js").LiveSession} live */
  constructor(live) {
    super();
    this.live = live;
    this.#button.hidden = !canHear();
    this.#button.addEventListener("click", () => (this.#on ? this.stop() : this.#start()));
    live.addEventListener("state", () => live.connection === "live" || this.stop());
  }

  /** Whether it listens. */
  get on() {
    return this.#on !== null;
  }

  async #start() {
    const stop = (this.#on = new AbortController());
    this.#show();
    try {
      if (!this.live.transport?.ready) throw new Error("Not connected yet. Try again in a moment.");
      const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
      afterwards(stop.signal, () => stream.getTracks().forEach((track) => track.stop()));
      // Granted after somebody changed their mind.
      stop.signal.throwIfAborted();
      stream.getAudioTracks()[0]?.addEventListener("ended", () => this.stop());
      await this.#stream(stream, stop.signal);
    } catch (error) {
      if (stop.signal.aborted) return;
      this.stop();
      this.dispatchEvent(new CustomEvent("trouble", { detail: wordsFor(error) }));
    }
  }

  /** @param {MediaStream} stream @param {AbortSignal} signal */
  async #stream(stream, signal) {
    const context = await newContext();
    afterwards(signal, () => context.close().catch(() => {}));
    await context.audioWorklet.addModule(new URL("./worklet/microphone.js", import.meta.url));
    signal.throwIfAborted();
    const { transport } = this.live;
    const { utterance } = await this.live.command({
      type: "say_audio",
      live: true,
      encoding: "pcm_s16le",
      sample_rate: context.sampleRate,
      end_after_silence: PAUSE_SECONDS,
    });
    // Whatever happens from here on, what was begun is ended: the server holds it open for minutes.
    afterwards(signal, () => {
      if (this.live.transport === transport && transport?.ready) this.live.command({ type: "append_audio", utterance, final: true }).catch(() => {});
    });
    signal.throwIfAborted();
    const most = context.sampleRate * BYTES_PER_SAMPLE * MOST_BEHIND_SECONDS;
    const node = new AudioWorkletNode(context, "lipstream-microphone", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }) => {
      if (signal.aborted) return;
      // The sound belongs to the connection that began it.
      if (this.live.transport !== transport || !transport?.ready) return this.stop();
      if (transport.behind <= most) transport.sendSound(data.pcm);
      this.#shine(data.level);
    };
    afterwards(signal, () => (node.port.onmessage = null));
    context.createMediaStreamSource(stream).connect(node);
    await context.resume();
  }

  /** Listen no more; idempotent. */
  stop() {
    this.#on?.abort();
    this.#on = null;
    this.#show();
  }

  #show() {
    const on = this.#on !== null;
    this.#button.setAttribute("aria-pressed", String(on));
    this.#label.textContent = on ? "Stop the microphone" : "Microphone";
    this.#hint.hidden = !on;
    if (!on) this.#shine(0);
  }

  /** @param {number} level */
  #shine(level) {
    this.#level = Math.max(level, this.#level * FALL, 0);
    if (level === 0 && !this.#on) this.#level = 0;
    this.#button.style.setProperty("--level", this.#level.toFixed(2));
  }
}
