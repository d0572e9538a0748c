// @ts-check
/** `window.lipstream`: a small read-only view for browser tests and benchmarks. */

const EVENTS = 500;

/**
 * @param {import("./session.js").LiveSession} live
 * @param {import("./latency.js").Latency} latency
 * @param {import("./probe.js").MediaProbe|null} probe
 */
export function install(live, latency, probe) {
  /** @type {{time: number, event: import("./types.js").ServerEvent}[]} */
  const events = [];
  live.addEventListener("event", (happened) => {
    const { detail: event } = /** @type {CustomEvent} */ (happened);
    if (event.type === "pong") return;
    events.push({ time: performance.now(), event });
    if (events.length > EVENTS) events.shift();
  });
  const view = Object.freeze({
    get state() {
      return live.connection;
    },
    get transport() {
      return live.transport?.name ?? null;
    },
    get session() {
      return live.info?.id ?? null;
    },
    get avatar() {
      return live.avatar;
    },
    get error() {
      return live.error?.message ?? null;
    },
    get events() {
      return events.slice();
    },
    get latency() {
      return { picture: latency.picture, accepted: latency.accepted, heard: latency.heard };
    },
    stats: () => live.transport?.stats() ?? Promise.resolve(null),
    probe,
    get frameTimes() {
      return probe?.frameTimes ?? null;
    },
    get audioLevels() {
      return probe?.audioLevels ?? null;
    },
  });
  Object.defineProperty(globalThis, "lipstream", { value: view });
}
