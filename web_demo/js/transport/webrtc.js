// @ts-check
/** WebRTC through WHEP (draft-ietf-wish-whep): picture and sound as tracks, commands and events on the data channel "lipstream". */

import { address } from "../api.js";
import { nextSoundOf } from "../sound-tap.js";
import { VideoSound, onFirstPicture } from "./video.js";

/** @typedef {import("../types.js").ServerEvent} ServerEvent */
/** @typedef {import("../types.js").Transport} Transport */
/** @typedef {import("../types.js").MediaStats} MediaStats */

const DISCONNECTED_MS = 3000;
const FROZEN_MS = 5000;
const WATCH_MS = 1000;
const RATE_MS = 500;
/** How long sound that was on its way when an interrupt was carried out may still come out of the jitter buffer. */
const STALE_SOUND_MS = 80;
const RELEASE_MS = 2000;
const HUSH_LIMIT_MS = 2000;
/** Sound cards take about this long from the jitter buffer to the ear. */
const OUTPUT_SECONDS = 0.03;

/** @implements {Transport} */
export class WebRtcTransport {
  name = "webrtc";
  surface = /** @type {const} */ ("live");
  #location = "";
  #buffer = 0.06;
  #stopped = false;
  /** @type {MediaStreamTrack|null} */
  #audio = null;
  /** @type {number[]} */
  #timers = [];
  /** @type {(() => void)[]} */
  #undo = [];

  /**
   * @param {import("../api.js").Api} api
   * @param {import("../types.js").SessionInfo} info
   * @param {HTMLVideoElement} video
   * @param {import("../types.js").TransportHooks} hooks
   * @param {import("../types.js").Probe|null} probe
   */
  constructor(api, info, video, hooks, probe) {
    this.api = api;
    this.info = info;
    this.video = video;
    this.sound = new VideoSound(video);
    this.hooks = hooks;
    this.probe = probe;
    if (typeof RTCPeerConnection === "undefined") throw new DOMException("This browser has no WebRTC.", "NotSupportedError");
    this.peer = new RTCPeerConnection({ iceServers: info.ice_servers ?? [], bundlePolicy: "max-bundle" });
    this.channel = this.peer.createDataChannel("lipstream");
  }

  /** @param {AbortSignal} signal */
  async start(signal) {
    const { peer } = this;
    const stream = new MediaStream();
    for (const kind of ["video", "audio"]) {
      const { receiver } = peer.addTransceiver(kind, { direction: "recvonly" });
      // As little waiting as the network allows; browsers without it keep their own measure.
      if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
      stream.addTrack(receiver.track);
      if (kind === "audio") this.#audio = receiver.track;
    }
    this.channel.onmessage = ({ data }) => this.#event(JSON.parse(data));
    peer.onconnectionstatechange = () => this.#connection();
    this.#showFirst(stream);

    await peer.setLocalDescription(await peer.createOffer());
    // Sent at once, without candidates: the server is reachable and learns ours from the checks.
    const response = await this.api.request("POST", this.info.links.whep, {
      token: this.info.token,
      body: peer.localDescription?.sdp ?? "",
      type: "application/sdp",
      signal,
    });
    this.#location = response.headers.get("Location") ?? "";
    const sdp = await response.text();
    if (this.#stopped) return this.#release();
    await peer.setRemoteDescription({ type: "answer", sdp });
    this.#watch();
  }

  /** @param {MediaStream} stream */
  #showFirst(stream) {
    const { video } = this;
    video.srcObject = stream;
    video.play().catch(() => {});
    this.#undo.push(onFirstPicture(video, (when) => !this.#stopped && this.hooks.picture(when)));
    if (this.probe) {
      this.#undo.push(this.probe.watchVideo(video));
      if (this.#audio) this.#undo.push(this.probe.watchAudio(this.#audio));
    }
  }

  #connection() {
    const state = this.peer.connectionState;
    if (state === "failed" || state === "closed") this.#lost("The connection to the server broke.");
    if (state === "disconnected") this.#later(DISCONNECTED_MS, () => this.peer.connectionState === "disconnected" && this.#lost("The network went away."));
  }

  /** Notices a picture that stands still although the connection looks alive, and keeps the buffer's depth current. */
  #watch() {
    let frames = -1;
    let since = performance.now();
    const timer = setInterval(async () => {
      const { decoded, buffer } = await this.#inbound();
      if (buffer !== undefined) this.#buffer = buffer;
      if (decoded !== frames || document.hidden) since = performance.now();
      frames = decoded;
      if (decoded > 0 && performance.now() - since > FROZEN_MS) this.#lost("The picture stopped.");
    }, WATCH_MS);
    this.#undo.push(() => clearInterval(timer));
  }

  async #inbound() {
    let decoded = 0;
    let buffer;
    for (const entry of (await this.peer.getStats()).values()) {
      if (entry.type !== "inbound-rtp") continue;
      if (entry.kind === "video") decoded = entry.framesDecoded ?? 0;
      else if (entry.jitterBufferEmittedCount) buffer = entry.jitterBufferDelay / entry.jitterBufferEmittedCount;
    }
    return { decoded, buffer };
  }

  /** @param {ServerEvent} event */
  #event(event) {
    if (event.type === "utterance.ended" && event.reason === "interrupted") this.#later(STALE_SOUND_MS, () => this.sound.unhush());
    if (event.type === "utterance.started") this.sound.unhush();
    this.hooks.event(event);
  }

  /** @param {string} reason */
  #lost(reason) {
    if (!this.#stopped) this.hooks.lost(reason);
  }

  /** @param {number} ms @param {() => void} action */
  #later(ms, action) {
    this.#timers.push(setTimeout(() => !this.#stopped && action(), ms));
  }

  get ready() {
    return this.channel.readyState === "open";
  }

  /** @param {import("../types.js").Command} command */
  send(command) {
    this.channel.send(JSON.stringify(command));
  }

  /** @param {ArrayBuffer} pcm */
  sendSound(pcm) {
    this.channel.send(pcm);
  }

  get behind() {
    return this.channel.bufferedAmount;
  }

  /** @param {boolean} muted @returns {Promise<boolean>} */
  setMuted(muted) {
    return this.sound.setMuted(muted);
  }

  hush() {
    this.sound.hush();
    this.#later(HUSH_LIMIT_MS, () => this.sound.unhush());
  }

  delay() {
    return this.#buffer + OUTPUT_SECONDS;
  }

  /** @param {AbortSignal} signal */
  nextSound(signal) {
    return this.#audio ? nextSoundOf(this.#audio, signal) : Promise.resolve(null);
  }

  #rate = { bytes: 0, time: 0, kbps: /** @type {number|undefined} */ (undefined) };

  /** @returns {Promise<MediaStats>} */
  async stats() {
    /** @type {MediaStats} */
    const found = {};
    const report = await this.peer.getStats();
    let bytes = 0;
    let time = 0;
    for (const entry of report.values()) {
      if (entry.type === "candidate-pair" && entry.nominated && entry.currentRoundTripTime !== undefined) found.rttMs = entry.currentRoundTripTime * 1000;
      if (entry.type !== "inbound-rtp") continue;
      bytes += entry.bytesReceived ?? 0;
      time = entry.timestamp;
      found.lost = (found.lost ?? 0) + (entry.packetsLost ?? 0);
      if (entry.kind !== "video") continue;
      found.codec = `${report.get(entry.codecId)?.mimeType?.replace("video/", "") ?? "?"} + Opus`;
      found.fps = entry.framesPerSecond;
      found.width = entry.frameWidth;
      found.height = entry.frameHeight;
      found.dropped = entry.framesDropped;
    }
    found.kbps = this.#kbps(bytes, time);
    found.bufferMs = this.#buffer * 1000;
    return found;
  }

  /** Over at least half a second, since several may ask. @param {number} bytes @param {number} time */
  #kbps(bytes, time) {
    const last = this.#rate;
    if (time - last.time >= RATE_MS) {
      const kbps = last.time ? ((bytes - last.bytes) * 8) / (time - last.time) : undefined;
      this.#rate = { bytes, time, kbps };
    }
    return this.#rate.kbps;
  }

  /** Tell the server that this viewer leaves; resolves when it knows, or soon after. */
  async #release() {
    if (!this.#location) return;
    const location = this.#location;
    this.#location = "";
    // keepalive lets the request outlive the page; without it the server would hold the peer for half a minute.
    const headers = { Authorization: `Bearer ${this.info.token}` };
    const signal = AbortSignal.timeout(RELEASE_MS);
    await fetch(address(location), { method: "DELETE", keepalive: true, headers, signal }).catch(() => {});
  }

  abandon() {
    this.#release();
    this.stop();
  }

  async stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const undo of this.#undo) undo();
    this.channel.onmessage = null;
    this.video.srcObject = null;
    // The connection is closed last: a server that sees it break forgets the viewer, and the request finds nothing.
    this.#release().finally(() => this.peer.close());
  }
}
