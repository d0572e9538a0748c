// @ts-check
/** Turns what a microphone hears into 16-bit PCM, 20 ms at a time. Out: {pcm: ArrayBuffer, level: peak 0..1}. */

const BLOCK_SECONDS = 0.02;

class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.size = Math.round(sampleRate * BLOCK_SECONDS);
    this.block = new Int16Array(this.size);
    this.filled = 0;
    this.peak = 0;
  }

  /** @param {Float32Array[][]} inputs */
  process([[heard]]) {
    if (!heard) return true;
    for (const sample of heard) {
      const clipped = Math.max(-1, Math.min(1, sample));
      this.peak = Math.max(this.peak, Math.abs(clipped));
      this.block[this.filled++] = Math.round(clipped * 32_767);
      if (this.filled === this.size) this.flush();
    }
    return true;
  }

  flush() {
    const pcm = this.block.buffer;
    this.port.postMessage({ pcm, level: this.peak }, [pcm]);
    // What was handed over is empty now.
    this.block = new Int16Array(this.size);
    this.filled = 0;
    this.peak = 0;
  }
}

registerProcessor("lipstream-microphone", Microphone);
