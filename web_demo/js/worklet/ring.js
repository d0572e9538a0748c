// @ts-check
/**
 * Plays decoded sound in order and says which media time it is at. It waits for a little sound before it begins
 * (after an underrun too), and takes out 20 ms at a quiet moment when more piles up than it needs, so that latency
 * does not grow with a stall or with clocks that differ.
 *
 * In: {time, samples} | {silentBefore}. Out: {play, at, fill, underruns} about every 11 ms | {loud: context time}.
 */

const LOUD = 0.01;
const QUIET_SECONDS = 0.1;
const REPORT_BLOCKS = 4;
const SPARE_SECONDS = 0.04;
const MOST_SECONDS = 0.25;
const WATCH_SECONDS = 2;
const MEASURE_SECONDS = 0.01;
/** An underrun asks for this much more sound in advance; a while without any gives it back. */
const STEP_SECONDS = 0.02;
const MOST_PREBUFFER_SECONDS = 0.16;
const CALM_SECONDS = 10;

class Ring extends AudioWorkletProcessor {
  /** @param {{processorOptions: {prebuffer: number, probe: boolean}}} options */
  constructor({ processorOptions }) {
    super();
    this.leastPrebuffer = processorOptions.prebuffer * sampleRate;
    this.prebuffer = this.leastPrebuffer;
    this.calm = 0;
    this.probe = processorOptions.probe;
    /** @type {{time: number, samples: Float32Array}[]} */
    this.queue = [];
    this.offset = 0;
    this.fill = 0;
    this.running = false;
    this.play = -1;
    this.underruns = 0;
    this.blocks = 0;
    this.silentBefore = -Infinity;
    this.quiet = Infinity;
    this.least = Infinity;
    this.watched = 0;
    this.energy = 0;
    this.measured = 0;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  /** @param {{time: number, samples: Float32Array} | {silentBefore: number}} message */
  take(message) {
    if ("silentBefore" in message) {
      this.silentBefore = message.silentBefore;
      return;
    }
    this.queue.push(message);
    this.fill += message.samples.length;
    if (this.fill > MOST_SECONDS * sampleRate) this.skipTo(this.prebuffer);
  }

  /** Drop the oldest sound until `samples` remain. @param {number} samples */
  skipTo(samples) {
    while (this.queue.length > 1 && this.fill - (this.queue[0].samples.length - this.offset) >= samples) this.shift();
  }

  shift() {
    const gone = this.queue.shift();
    if (gone) this.fill -= gone.samples.length - this.offset;
    this.offset = 0;
  }

  /** @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs */
  process(_inputs, outputs) {
    const out = outputs[0][0];
    if (!this.running && this.fill >= this.prebuffer) this.running = true;
    if (this.running) {
      const made = this.pull(out);
      if (made < out.length) {
        this.underruns += 1;
        this.running = false;
        this.adapt(STEP_SECONDS);
      } else if ((this.calm += out.length) > CALM_SECONDS * sampleRate) {
        this.adapt(-STEP_SECONDS);
      }
      this.trim(out.length);
      this.listen(out);
      if (this.blocks++ % REPORT_BLOCKS === 0) this.report(made);
    }
    if (this.probe) this.measure(out);
    return true;
  }

  /** @param {Float32Array} out @returns {number} how many samples there were */
  pull(out) {
    let made = 0;
    while (made < out.length && this.queue.length) {
      const { time, samples } = this.queue[0];
      const count = Math.min(out.length - made, samples.length - this.offset);
      if (time + this.offset / sampleRate >= this.silentBefore) out.set(samples.subarray(this.offset, this.offset + count), made);
      made += count;
      this.offset += count;
      this.fill -= count;
      this.play = time + this.offset / sampleRate;
      if (this.offset >= samples.length) this.shift();
    }
    return made;
  }

  /** @param {number} seconds */
  adapt(seconds) {
    const wanted = Math.max(this.leastPrebuffer, this.prebuffer + seconds * sampleRate);
    this.prebuffer = Math.min(wanted, MOST_PREBUFFER_SECONDS * sampleRate);
    this.calm = 0;
  }

  /** @param {number} block */
  trim(block) {
    this.least = Math.min(this.least, this.fill);
    this.watched += block;
    if (this.watched < WATCH_SECONDS * sampleRate) return;
    // Never below this for two seconds: sound waits longer than it must. Only silence is cut.
    const spare = this.least > this.prebuffer + SPARE_SECONDS * sampleRate;
    if (spare && this.quiet < 0.02 * sampleRate) return;
    if (spare && this.queue.length > 1) this.shift();
    this.least = Infinity;
    this.watched = 0;
  }

  /** @param {Float32Array} out */
  listen(out) {
    for (let i = 0; i < out.length; i++) {
      if (Math.abs(out[i]) <= LOUD) {
        this.quiet += 1;
        continue;
      }
      if (this.quiet > QUIET_SECONDS * sampleRate) this.port.postMessage({ loud: (currentFrame + i) / sampleRate });
      this.quiet = 0;
    }
  }

  /** @param {number} made */
  report(made) {
    this.port.postMessage({
      play: this.play,
      at: (currentFrame + made) / sampleRate,
      fill: this.fill / sampleRate,
      underruns: this.underruns,
    });
  }

  /** Only with the probe: RMS per 10 ms, with the media time at its end. @param {Float32Array} out */
  measure(out) {
    for (const sample of out) this.energy += sample * sample;
    this.measured += out.length;
    if (this.measured < MEASURE_SECONDS * sampleRate) return;
    this.port.postMessage({ rms: Math.sqrt(this.energy / this.measured), heardAt: (currentFrame + out.length) / sampleRate, media: this.play });
    this.energy = 0;
    this.measured = 0;
  }
}

registerProcessor("lipstream-ring", Ring);
