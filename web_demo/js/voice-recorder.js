// @ts-check
/** Records a voice with the microphone, as it is: a WAV file of 16 bit. */

import { afterwards, newContext } from "./microphone.js";

/** No reference may be longer. */
export const MOST_SECONDS = 60;
const HEADER_BYTES = 44;

/**
 * 16-bit mono PCM as a WAV file.
 * @param {ArrayBuffer[]} blocks
 * @param {number} rate
 * @param {string} name
 */
function wavOf(blocks, rate, name) {
  const size = blocks.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  const letters = (/** @type {number} */ at, /** @type {string} */ text) => [...text].forEach((letter, i) => header.setUint8(at + i, letter.charCodeAt(0)));
  letters(0, "RIFF");
  header.setUint32(4, HEADER_BYTES - 8 + size, true);
  letters(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true);
  header.setUint16(22, 1, true);
  header.setUint32(24, rate, true);
  header.setUint32(28, rate * 2, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  letters(36, "data");
  header.setUint32(40, size, true);
  return new File([header, ...blocks], name, { type: "audio/wav" });
}

/** One recording at a time. */
export class VoiceRecorder {
  /** @type {AbortController|null} */
  #on = null;

  get on() {
    return this.#on !== null;
  }

  /**
   * Record until it is stopped, or a minute has passed.
   * @param {(seconds: number, level: number) => void} heard  called for every 20 ms; level is the peak, 0..1
   * @returns {Promise<File|null>}  null when nothing was heard yet
   */
  async record(heard) {
    const stop = (this.#on = new AbortController());
    const closed = new AbortController();
    try {
      // Noise suppression and echo cancellation change a voice for good.
      const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: true } });
      afterwards(closed.signal, () => stream.getTracks().forEach((track) => track.stop()));
      if (stop.signal.aborted) return null;
      stream.getAudioTracks()[0]?.addEventListener("ended", () => stop.abort());
      const context = await newContext();
      afterwards(closed.signal, () => context.close().catch(() => {}));
      await context.audioWorklet.addModule(new URL("./worklet/microphone.js", import.meta.url));
      const node = new AudioWorkletNode(context, "lipstream-microphone", { numberOfOutputs: 0 });
      /** @type {ArrayBuffer[]} */
      const blocks = [];
      let seconds = 0;
      node.port.onmessage = ({ data }) => {
        if (stop.signal.aborted) return;
        blocks.push(data.pcm);
        seconds += data.pcm.byteLength / 2 / context.sampleRate;
        heard(seconds, data.level);
        if (seconds >= MOST_SECONDS) stop.abort();
      };
      context.createMediaStreamSource(stream).connect(node);
      await context.resume();
      await new Promise((resolve) => afterwards(stop.signal, () => resolve(null)));
      return blocks.length ? wavOf(blocks, context.sampleRate, "recorded here.wav") : null;
    } finally {
      closed.abort();
      if (this.#on === stop) this.#on = null;
    }
  }

  /** Be done; idempotent. */
  stop() {
    this.#on?.abort();
    this.#on = null;
  }
}
