// @ts-check
/** Plays a fragmented MP4 through MediaSource: the way in for browsers without WebCodecs. Later, but it plays. */

import { nextSoundOf } from "../sound-tap.js";
import { VideoSound, onFirstPicture } from "./video.js";

/** How far behind the live edge to stay, in seconds; the browser needs this much to play without halting. */
const TARGET = 0.12;
/** Beyond this the picture jumps to the live edge; below it, it only runs a little faster. */
const JUMP = 1;
const FASTER = 1.1;
/** Played media beyond this is dropped from memory, in seconds. */
const KEEP = 20;

/** @returns {typeof MediaSource|null} */
export function mediaSource() {
  const scope = /** @type {any} */ (globalThis);
  return scope.ManagedMediaSource ?? scope.MediaSource ?? null;
}

export class MsePlayer {
  /** @type {MediaSource|null} */
  #source = null;
  /** @type {SourceBuffer|null} */
  #buffer = null;
  /** @type {Uint8Array[]} */
  #queue = [];
  #url = "";
  #closed = false;
  #frames = { total: 0, time: performance.now(), fps: 0 };
  /** @type {any} */
  #media = null;
  /** @type {MediaStream|null|undefined} */
  #captured;
  /** @type {(() => void)[]} */
  #undo = [];

  /**
   * @param {HTMLVideoElement} video
   * @param {{picture: (when: number) => void, broken: (reason: string) => void, keyframe: () => void}} hooks
   * @param {import("../types.js").Probe|null} probe
   */
  constructor(video, hooks, probe) {
    this.video = video;
    this.sound = new VideoSound(video);
    this.hooks = hooks;
    this.probe = probe;
  }

  open() {
    const Source = /** @type {typeof MediaSource} */ (mediaSource());
    const source = (this.#source = new Source());
    const { video } = this;
    this.#url = URL.createObjectURL(source);
    video.disableRemotePlayback = true;
    video.src = this.#url;
    source.addEventListener("sourceopen", () => this.#attach());
    const failed = () => video.error && this.hooks.broken(`The picture cannot be decoded: ${video.error.message || "unknown format"}`);
    video.addEventListener("error", failed);
    this.#undo.push(() => video.removeEventListener("error", failed));
    this.#showFirst();
    video.play().catch(() => {});
  }

  #showFirst() {
    const { video } = this;
    this.#undo.push(onFirstPicture(video, (when) => !this.#closed && this.hooks.picture(when)));
    if (this.probe) {
      this.#undo.push(this.probe.watchVideo(video));
      video.addEventListener("playing", () => this.#probeSound(), { once: true });
    }
  }

  /** @param {{mime?: string|null, video_codec: string, audio_codec: string, width: number, height: number}} media */
  configure(media) {
    this.#media = { ...media, mime: media.mime ?? `video/mp4; codecs="${media.video_codec}, ${media.audio_codec}"` };
    this.#attach();
  }

  /** Once both the source is open and the format is known, in whichever order. */
  #attach() {
    const source = this.#source;
    if (!source || source.readyState !== "open" || !this.#media || this.#buffer || this.#closed) return;
    if (!mediaSource()?.isTypeSupported(this.#media.mime)) return this.hooks.broken(`This browser does not play ${this.#media.mime}.`);
    this.#buffer = source.addSourceBuffer(this.#media.mime);
    this.#buffer.addEventListener("updateend", () => this.#pump());
    this.#pump();
  }

  /** @param {ArrayBuffer} message */
  data(message) {
    this.#queue.push(new Uint8Array(message));
    this.#pump();
    this.#chase();
  }

  #pump() {
    const buffer = this.#buffer;
    if (!buffer || buffer.updating || this.#closed || !this.#queue.length) return;
    const played = this.video.currentTime - KEEP;
    try {
      if (buffer.buffered.length && played - buffer.buffered.start(0) > KEEP) return buffer.remove(0, played);
      const size = this.#queue.reduce((sum, part) => sum + part.length, 0);
      const all = new Uint8Array(size);
      let at = 0;
      for (const part of this.#queue.splice(0)) {
        all.set(part, at);
        at += part.length;
      }
      buffer.appendBuffer(all);
    } catch (error) {
      this.hooks.broken(`The picture cannot be played: ${error instanceof Error ? error.message : error}`);
    }
  }

  #edge() {
    const { buffered } = this.video;
    return buffered.length ? buffered.end(buffered.length - 1) : null;
  }

  /** Stay close to the live edge. */
  #chase() {
    const { video } = this;
    const edge = this.#edge();
    if (edge === null) return;
    const gap = edge - video.currentTime;
    if (gap > JUMP && !video.seeking) video.currentTime = edge - TARGET;
    video.playbackRate = gap > TARGET + 0.1 ? FASTER : 1;
    if (video.paused) video.play().catch(() => {});
  }

  /** @param {boolean} muted @returns {Promise<boolean>} */
  setMuted(muted) {
    return this.sound.setMuted(muted);
  }

  hush() {
    this.sound.hush();
  }

  /** Everything received so far is stale: go on from the live edge. */
  cut() {
    const edge = this.#edge();
    if (edge !== null) this.video.currentTime = Math.max(this.video.currentTime, edge - 0.02);
    this.sound.unhush();
  }

  delay() {
    const edge = this.#edge();
    return edge === null ? 0 : Math.max(0, edge - this.video.currentTime);
  }

  /** What is played, as a stream; asked for once, since each asking takes the sound away from the one before. */
  #capture() {
    this.#captured ??= /** @type {any} */ (this.video).captureStream?.() ?? null;
    return this.#captured;
  }

  /** Follows the newest sound track: the player may end one and begin another. */
  #probeSound() {
    const stream = this.#capture();
    let stop = () => {};
    const watch = () => {
      const track = stream?.getAudioTracks().at(-1);
      stop();
      if (track && this.probe && !this.#closed) stop = this.probe.watchAudio(track);
    };
    watch();
    stream?.addEventListener("addtrack", watch);
    this.#undo.push(() => stop());
  }

  /** @param {AbortSignal} signal @returns {Promise<number|null>} */
  async nextSound(signal) {
    const track = this.#capture()?.getAudioTracks().at(-1);
    return track ? nextSoundOf(track, signal) : null;
  }

  stats() {
    const quality = this.video.getVideoPlaybackQuality();
    const now = performance.now();
    const { total, time, fps } = this.#frames;
    if (now - time >= 900) this.#frames = { total: quality.totalVideoFrames, time: now, fps: ((quality.totalVideoFrames - total) * 1000) / (now - time) };
    return {
      codec: "H264 in fMP4",
      fps: this.#frames.fps || fps,
      width: this.video.videoWidth,
      height: this.video.videoHeight,
      dropped: quality.droppedVideoFrames,
      bufferMs: this.delay() * 1000,
    };
  }

  close() {
    this.#closed = true;
    for (const undo of this.#undo) undo();
    this.video.playbackRate = 1;
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.#url);
  }
}
