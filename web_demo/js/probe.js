// @ts-check
/**
 * What browser tests and benchmarks read, collected only with `?probe=1`. Times are performance.now() milliseconds;
 * add `timeOrigin` for Unix time. Lists are bounded: the oldest entries go first.
 */

/** @typedef {import("./types.js").Probe} Probe */

const MOST = 60_000;
const CHUNK_SECONDS = 0.01;
const LOUD_RMS = 0.01;

/** @template T @param {T[]} list @param {T} entry */
function keep(list, entry) {
  list.push(entry);
  if (list.length > MOST) list.splice(0, MOST / 10);
}

/** @implements {Probe} */
export class MediaProbe {
  timeOrigin = performance.timeOrigin;
  /** WebRTC and fMP4: metadata of each presented frame. WebCodecs: slot, media time and the audio clock at drawing. @type {any[]} */
  frameTimes = [];
  /** {time, rms} per 10 ms: when it left the decoder (WebRTC) or is heard (WebCodecs, with `media` seconds). @type {any[]} */
  audioLevels = [];
  /** Each chunk of sound: {time, timestamp (µs), frames, rate}. @type {any[]} */
  audioChunks = [];
  /** WebCodecs: {now, play, at, heard, fill, underruns}. @type {any[]} */
  audioClocks = [];
  /** When it was last loud. @type {number|null} */
  lastLoud = null;

  /** @param {HTMLVideoElement} video */
  watchVideo(video) {
    let handle = 0;
    const frame = (/** @type {number} */ now, /** @type {VideoFrameCallbackMetadata} */ data) => {
      const { expectedDisplayTime, presentationTime, mediaTime, presentedFrames, processingDuration, width, height } = data;
      const { rtpTimestamp, receiveTime, captureTime } = data;
      keep(this.frameTimes, { now, expectedDisplayTime, presentationTime, mediaTime, presentedFrames, processingDuration, width, height, rtpTimestamp, receiveTime, captureTime });
      handle = video.requestVideoFrameCallback(frame);
    };
    handle = video.requestVideoFrameCallback(frame);
    return () => video.cancelVideoFrameCallback(handle);
  }

  /** @param {MediaStreamTrack} track */
  watchAudio(track) {
    const Processor = /** @type {any} */ (globalThis).MediaStreamTrackProcessor;
    if (!Processor) return () => {};
    const copy = track.clone();
    const reader = new Processor({ track: copy }).readable.getReader();
    this.#read(reader).catch(() => {});
    return () => {
      reader.cancel().catch(() => {});
      copy.stop();
    };
  }

  /** @param {ReadableStreamDefaultReader<any>} reader */
  async #read(reader) {
    let samples = new Float32Array(4800);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const time = performance.now();
      const { numberOfFrames: frames, sampleRate: rate, timestamp } = value;
      if (samples.length < frames) samples = new Float32Array(frames);
      value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      value.close();
      keep(this.audioChunks, { time, timestamp, frames, rate });
      const step = Math.round(rate * CHUNK_SECONDS);
      for (let from = 0; from < frames; from += step) {
        const part = samples.subarray(from, Math.min(from + step, frames));
        const rms = Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length);
        this.sound(rms, time - ((frames - from - part.length) / rate) * 1000, timestamp / 1e6 + from / rate);
      }
    }
  }

  /** @param {number} slot @param {number} mediaTime @param {number} heard  media time of the audio clock then */
  presented(slot, mediaTime, heard) {
    keep(this.frameTimes, { now: performance.now(), slot, mediaTime, audioTime: heard });
  }

  /** @param {Record<string, any>} clock */
  audioClock(clock) {
    keep(this.audioClocks, clock);
  }

  /** @param {number} rms @param {number} time @param {number} media */
  sound(rms, time, media) {
    keep(this.audioLevels, { time, rms, media });
    if (rms > LOUD_RMS) this.lastLoud = time;
  }
}
