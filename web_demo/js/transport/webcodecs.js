// @ts-check
/**
 * Plays H.264 and Opus chunks with WebCodecs. Sound is the master clock: frames are drawn when the sound of their
 * slot is heard. While sound may not play yet (autoplay rules), the wall clock stands in.
 */

import { wait } from "../dom.js";
import { outputTime } from "./clock.js";

const HEADER_BYTES = 16;
const VIDEO = 1;
const AUDIO = 2;
const SLOT_US = 40_000;
const PREBUFFER_SECONDS = 0.06;
/** Frames this much before their sound are drawn rather than kept for the next screen refresh. */
const EARLY_SECONDS = 0.008;
/** Decoders have few frames; more than this are not held. */
const MAX_FRAMES = 12;
const MAX_DECODE_QUEUE = 12;
const RESUME_MS = 400;
/** Chunks of sound are 20 ms each; more than this between two of them means that slots were left out. */
const GAP_US = 30_000;

/** @typedef {{time: number, slot: number, frame: VideoFrame}} Waiting */

export class WebCodecsPlayer {
  /** @type {AudioContext|null} */
  #context = null;
  /** @type {AudioWorkletNode|null} */
  #ring = null;
  /** @type {GainNode|null} */
  #gain = null;
  /** @type {VideoDecoder|null} */
  #video = null;
  /** @type {AudioDecoder|null} */
  #audio = null;
  /** Media time of the latest sound that came, in microseconds. */
  #heardTo = Infinity;
  /** @type {any} */
  #media = null;
  /** @type {Waiting[]} */
  #frames = [];
  /** @type {{play: number, at: number, fill: number, underruns: number}|null} */
  #clock = null;
  /** @type {{media: number, at: number}|null} */
  #wall = null;
  #closed = false;
  #needsKey = true;
  #shown = 0;
  #dropped = 0;
  #fpsCount = { frames: 0, time: performance.now(), fps: 0 };
  #muted = true;
  /** Media time before which nothing is shown or heard any more, in seconds. */
  #cutBefore = -Infinity;
  #newest = -Infinity;
  /** Media time minus slot time, in seconds. */
  #offset = 0;
  /** @type {((when: number) => void)|null} */
  #sound = null;
  #drawing = 0;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{picture: (when: number) => void, broken: (reason: string) => void, keyframe: () => void}} hooks
   * @param {import("../types.js").Probe|null} probe
   */
  constructor(canvas, hooks, probe) {
    this.canvas = canvas;
    this.hooks = hooks;
    this.probe = probe;
    this.pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  }

  open() {
    this.#openSound().catch((error) => this.hooks.broken(`Sound cannot be played: ${error.message}`));
    const draw = () => {
      if (this.#closed) return;
      this.#draw();
      this.#drawing = requestAnimationFrame(draw);
    };
    this.#drawing = requestAnimationFrame(draw);
  }

  async #openSound() {
    const context = (this.#context = new AudioContext({ sampleRate: 48_000, latencyHint: "interactive" }));
    await context.audioWorklet.addModule(new URL("../worklet/ring.js", import.meta.url));
    if (this.#closed) return;
    const ring = new AudioWorkletNode(context, "lipstream-ring", {
      numberOfInputs: 0,
      outputChannelCount: [1],
      processorOptions: { prebuffer: PREBUFFER_SECONDS, probe: this.probe !== null },
    });
    ring.port.onmessage = ({ data }) => this.#report(data);
    this.#gain = new GainNode(context, { gain: this.#muted ? 0 : 1 });
    ring.connect(this.#gain).connect(context.destination);
    this.#ring = ring;
    context.onstatechange = () => context.state === "running" || (this.#clock = null);
    context.resume().catch(() => {});
  }

  /** @param {any} data */
  #report(data) {
    if (data.loud !== undefined) this.#sound?.(this.#performanceTime(data.loud));
    if (data.rms !== undefined) this.probe?.sound(data.rms, this.#performanceTime(data.heardAt), data.media);
    if (data.play !== undefined) {
      this.#clock = data.play < 0 ? null : data;
      this.probe?.audioClock({ ...data, now: performance.now(), heard: this.#performanceTime(data.at) });
    }
  }

  /** When a moment of the audio context's time is heard, as performance.now() milliseconds. @param {number} contextTime */
  #performanceTime(contextTime) {
    const { contextTime: seconds, performanceTime } = outputTime(/** @type {AudioContext} */ (this.#context));
    return performanceTime + (contextTime - seconds) * 1000;
  }

  /** @param {{video_codec: string, audio_codec: string, sample_rate: number, channels?: number, width: number, height: number}} media */
  configure(media) {
    this.#media = media;
    this.canvas.width = media.width;
    this.canvas.height = media.height;
    this.#openVideo();
    this.#audio = new AudioDecoder({
      output: (data) => this.#decodedSound(data),
      error: (error) => this.hooks.broken(`The sound cannot be decoded: ${error.message}`),
    });
    this.#heardTo = Infinity;
  }

  #openVideo() {
    this.#needsKey = true;
    const decoder = new VideoDecoder({
      output: (frame) => this.#decodedPicture(frame),
      error: () => {
        if (this.#closed || this.#video !== decoder) return;
        this.#openVideo();
        this.hooks.keyframe();
      },
    });
    decoder.configure({ codec: this.#media.video_codec, optimizeForLatency: true });
    this.#video = decoder;
  }

  /** @param {ArrayBuffer} message */
  data(message) {
    if (message.byteLength <= HEADER_BYTES || !this.#media) return;
    const header = new DataView(message);
    const key = (header.getUint8(1) & 1) === 1;
    const slot = header.getUint32(4, true);
    const timestamp = Number(header.getBigUint64(8, true));
    const data = new Uint8Array(message, HEADER_BYTES);
    this.#newest = Math.max(this.#newest, timestamp / 1e6);
    if (header.getUint8(0) === VIDEO) {
      this.#offset = (timestamp - slot * SLOT_US) / 1e6;
      this.#decodePicture(key, timestamp, data);
    } else if (header.getUint8(0) === AUDIO) {
      this.#decodeSound(timestamp, data);
    }
  }

  /** @param {number} timestamp @param {Uint8Array<ArrayBuffer>} data */
  #decodeSound(timestamp, data) {
    const decoder = this.#audio;
    if (!decoder || decoder.state === "closed") return;
    if (Math.abs(timestamp - this.#heardTo) > GAP_US) {
      // A decoder counts samples from where it began and knows nothing of slots that were left out: it begins anew.
      const { audio_codec: codec, sample_rate: sampleRate, channels: numberOfChannels = 1 } = this.#media;
      decoder.reset();
      decoder.configure({ codec, sampleRate, numberOfChannels });
    }
    this.#heardTo = timestamp;
    decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, data }));
  }

  /** @param {boolean} key @param {number} timestamp @param {Uint8Array<ArrayBuffer>} data */
  #decodePicture(key, timestamp, data) {
    const decoder = this.#video;
    if (!decoder) return;
    if (this.#needsKey && !key) return;
    if (decoder.decodeQueueSize > MAX_DECODE_QUEUE && !key) {
      // Too slow to keep up: go on from the next keyframe instead of falling behind.
      this.#needsKey = true;
      this.#dropped += decoder.decodeQueueSize;
      decoder.reset();
      decoder.configure({ codec: this.#media.video_codec, optimizeForLatency: true });
      return this.hooks.keyframe();
    }
    this.#needsKey = false;
    decoder.decode(new EncodedVideoChunk({ type: key ? "key" : "delta", timestamp, data }));
  }

  /** @param {VideoFrame} frame */
  #decodedPicture(frame) {
    if (this.#closed) return frame.close();
    const time = frame.timestamp / 1e6;
    this.#wall ??= { media: time, at: performance.now() + PREBUFFER_SECONDS * 1000 };
    this.#frames.push({ time, slot: Math.round((time - this.#offset) / (SLOT_US / 1e6)), frame });
    while (this.#frames.length > MAX_FRAMES) {
      this.#frames.shift()?.frame.close();
      this.#dropped += 1;
    }
  }

  /** @param {AudioData} data */
  #decodedSound(data) {
    // A suspended context takes nothing out of the ring: what was put in now would be heard late.
    if (this.#closed || !this.#ring || this.#context?.state !== "running") return data.close();
    const samples = new Float32Array(data.numberOfFrames);
    data.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
    this.#ring.port.postMessage({ time: data.timestamp / 1e6, samples }, [samples.buffer]);
    data.close();
  }

  /** The media time that is heard now (or would be, without sound), in seconds. */
  #mediaNow() {
    if (this.#clock && this.#context?.state === "running") {
      const { contextTime, performanceTime } = outputTime(this.#context);
      return this.#clock.play + contextTime + (performance.now() - performanceTime) / 1000 - this.#clock.at;
    }
    if (!this.#wall) return null;
    const now = this.#wall.media + (performance.now() - this.#wall.at) / 1000;
    // Far from what arrives (the tab slept, slots were skipped): take the newest as the new anchor.
    const newest = this.#frames.at(-1)?.time;
    if (newest !== undefined && Math.abs(newest - now) > 0.5) this.#wall = { media: newest, at: performance.now() };
    return now;
  }

  #draw() {
    const now = this.#mediaNow();
    if (now === null) return;
    /** @type {Waiting|undefined} */
    let due;
    while (this.#frames.length && this.#frames[0].time <= now + EARLY_SECONDS) {
      due?.frame.close();
      if (due) this.#dropped += 1;
      due = this.#frames.shift();
    }
    if (!due) return;
    if (due.time >= this.#cutBefore) {
      this.pen.drawImage(due.frame, 0, 0, this.canvas.width, this.canvas.height);
      this.probe?.presented(due.slot, due.time, now);
      this.#count();
    }
    due.frame.close();
  }

  #count() {
    const now = performance.now();
    if (this.#shown++ === 0) this.hooks.picture(now);
    const count = this.#fpsCount;
    count.frames += 1;
    if (now - count.time >= 1000) this.#fpsCount = { frames: 0, time: now, fps: (count.frames * 1000) / (now - count.time) };
  }

  /** @param {boolean} muted @returns {Promise<boolean>} */
  async setMuted(muted) {
    this.#muted = muted;
    const context = this.#context;
    if (!context) return muted;
    this.#gain?.gain.setTargetAtTime(muted ? 0 : 1, context.currentTime, 0.005);
    if (muted || context.state === "running") return true;
    // Called from the person's gesture: the moment at which a browser lets sound begin. Otherwise it waits forever.
    await Promise.race([context.resume().catch(() => {}), wait(RESUME_MS)]);
    return /** @type {string} */ (context.state) === "running";
  }

  hush() {
    this.#ring?.port.postMessage({ silentBefore: Infinity });
  }

  /** Everything received so far is stale: it is neither heard nor seen any more, and the clock runs on. */
  cut() {
    this.#cutBefore = this.#newest + 1e-4;
    this.#ring?.port.postMessage({ silentBefore: this.#cutBefore });
  }

  /** @param {number} slot */
  delay(slot) {
    const now = this.#mediaNow();
    if (now === null) return 0;
    return Math.max(0, (slot * SLOT_US) / 1e6 + this.#offset - now);
  }

  /** @param {AbortSignal} signal @returns {Promise<number|null>} */
  nextSound(signal) {
    return new Promise((resolve) => {
      if (this.#context?.state !== "running") return resolve(null);
      this.#sound = (when) => {
        this.#sound = null;
        resolve(when);
      };
      signal.addEventListener("abort", () => resolve(null), { once: true });
    });
  }

  stats() {
    const { video_codec: codec = "" } = this.#media ?? {};
    return {
      codec: `${codec.startsWith("avc1") ? "H264" : codec} + Opus`,
      fps: this.#fpsCount.fps,
      width: this.canvas.width,
      height: this.canvas.height,
      dropped: this.#dropped,
      bufferMs: this.#clock ? this.#clock.fill * 1000 : undefined,
      underruns: this.#clock?.underruns,
    };
  }

  close() {
    this.#closed = true;
    cancelAnimationFrame(this.#drawing);
    for (const { frame } of this.#frames) frame.close();
    this.#frames = [];
    if (this.#video && this.#video.state !== "closed") this.#video.close();
    if (this.#audio && this.#audio.state !== "closed") this.#audio.close();
    this.#context?.close().catch(() => {});
  }
}
