// @ts-check
/** The figures a person feels: connect to picture, text to first sound (server), button to first sound (ear). */

/** How long to listen for the sound of what was said. */
const LISTEN_MS = 15_000;

/** Dispatches `change`. All in milliseconds, null until known. */
export class Latency extends EventTarget {
  /** @type {number|null} */
  picture = null;
  /** @type {number|null} */
  accepted = null;
  /** @type {number|null} */
  heard = null;
  engine = "";
  #listening = new AbortController();

  /** @param {number} took */
  connected(took) {
    this.#set({ picture: took });
  }

  /** @param {import("./types.js").ServerEvent} event */
  started(event) {
    this.#set({ accepted: event.latency_ms, engine: event.engine });
  }

  /**
   * The person pressed Speak, and nothing is being said: measure until it is heard.
   * @param {import("./types.js").Transport} transport
   */
  async pressed(transport) {
    const pressed = performance.now();
    this.stop();
    const listening = (this.#listening = new AbortController());
    const timer = setTimeout(() => listening.abort(), LISTEN_MS);
    const when = await transport.nextSound(listening.signal).catch(() => null);
    clearTimeout(timer);
    if (when !== null && !listening.signal.aborted) this.#set({ heard: when - pressed });
    listening.abort();
  }

  stop() {
    this.#listening.abort();
  }

  /** @param {Partial<Latency>} values */
  #set(values) {
    Object.assign(this, values);
    this.dispatchEvent(new Event("change"));
  }
}
