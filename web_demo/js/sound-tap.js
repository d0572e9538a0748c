// @ts-check
/** When the next sound after silence comes out of a track: for the "pressed to heard" figure, only while it is wanted. */

/** About -40 dBFS: above codec noise, below any spoken onset. */
export const LOUD = 0.01;

/** What was being said when listening began does not count: first this long a silence, then the sound. */
const QUIET_MS = 150;

/**
 * @param {MediaStreamTrack} track
 * @param {AbortSignal} signal
 * @returns {Promise<number|null>}  performance.now() milliseconds; null where the browser cannot tell
 */
export function nextSoundOf(track, signal) {
  if ("MediaStreamTrackProcessor" in globalThis) return throughProcessor(track, signal);
  if ("AudioContext" in globalThis) return throughAnalyser(track, signal);
  return Promise.resolve(null);
}

/** Follows the level of a signal; silence before listening is assumed. */
function onset() {
  let quietSince = -Infinity;
  /** @param {boolean} loud @param {number} now */
  return (loud, now) => {
    if (!loud) return false;
    const found = now - quietSince >= QUIET_MS;
    quietSince = now;
    return found;
  };
}

/** @param {MediaStreamTrack} track @param {AbortSignal} signal */
async function throughProcessor(track, signal) {
  const copy = track.clone();
  const Processor = /** @type {any} */ (globalThis).MediaStreamTrackProcessor;
  /** @type {ReadableStreamDefaultReader<any>} */
  const reader = new Processor({ track: copy }).readable.getReader();
  const stop = () => reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop, { once: true });
  const heard = onset();
  let samples = new Float32Array(4800);
  try {
    while (!signal.aborted) {
      const { value, done } = await reader.read();
      if (done) return null;
      const now = performance.now();
      const count = value.numberOfFrames;
      if (samples.length < count) samples = new Float32Array(count);
      value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      const rate = value.sampleRate;
      value.close();
      const first = samples.subarray(0, count).findIndex((sample) => Math.abs(sample) > LOUD);
      if (heard(first >= 0, now)) return now + (first / rate) * 1000;
    }
    return null;
  } catch {
    return null;
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
    copy.stop();
  }
}

/** @param {MediaStreamTrack} track @param {AbortSignal} signal */
async function throughAnalyser(track, signal) {
  const context = new AudioContext();
  try {
    if (context.state !== "running") await context.resume();
    const analyser = context.createAnalyser();
    analyser.fftSize = 1024;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const heard = onset();
    while (!signal.aborted) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      analyser.getFloatTimeDomainData(samples);
      const now = performance.now();
      if (heard(samples.some((sample) => Math.abs(sample) > LOUD), now)) return now;
    }
    return null;
  } catch {
    return null;
  } finally {
    context.close().catch(() => {});
  }
}
