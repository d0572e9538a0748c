// @ts-check
/** The server's jobs: asked for, followed over lost connections and restarts, cancelled. */

import { ApiError, address } from "./api.js";
import { wait } from "./dom.js";

/** @typedef {import("./types.js").Job} Job */
/** @typedef {{id: string, token: string}} Ticket  what it takes to see a job */

/** How long the server holds an answer back until something has changed. */
const WAIT_SECONDS = 20;
const PATIENCE_MS = 35_000;
/** A server that answers at once is not asked more often than this. */
const PAUSE_MS = 250;
const BACKOFF_MS = [500, 1000, 2000, 4000, 8000];
/** A photo of 20 MB over a slow line takes minutes, a film longer. */
const UPLOAD_MS = 60 * 60_000;
/** A picture that changes while its step runs is not fetched more often than this. */
const PICTURE_MS = 1500;
const ENDED = new Set(["done", "failed", "cancelled"]);

/** Whether the server may answer later what it does not answer now. @param {unknown} error */
const passes = (error) => error instanceof ApiError && (error.status === 0 || error.status >= 500 || error.status === 429);

export class Jobs {
  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.api = api;
  }

  /**
   * Have an avatar made.
   * @param {FormData|Record<string, unknown>} order  a form where files are sent, fields where there are only addresses
   * @param {(share: number) => void} progress  of sending
   * @param {AbortSignal} signal
   * @returns {Promise<Job & {token: string}>}
   */
  async makeAvatar(order, progress, signal) {
    const body = order instanceof FormData ? { body: order, progress } : { json: order };
    return (await this.api.request("POST", "v1/avatars", { ...body, signal, patience: UPLOAD_MS })).json();
  }

  /** Cancel it while it runs; forget it, and what was sent, when it has ended. @param {Ticket} ticket */
  async drop({ id, token }) {
    await this.api.request("DELETE", `v1/jobs/${id}`, { token });
  }

  /**
   * Until the job has ended. A server that does not answer, as while it is restarted, is asked again and again.
   * @param {Ticket} ticket
   * @param {(job: Job) => void} heard  of every change
   * @param {(away: boolean) => void} away  whether the server answers
   * @param {AbortSignal} signal
   * @returns {Promise<Job>}
   */
  async follow({ id, token }, heard, away, signal) {
    let seen = -1;
    let failures = 0;
    const steady = steadied();
    for (;;) {
      try {
        const path = seen < 0 ? `v1/jobs/${id}` : `v1/jobs/${id}?wait=${WAIT_SECONDS}&seen=${seen}`;
        /** @type {Job} */
        const job = await (await this.api.request("GET", path, { token, signal, patience: PATIENCE_MS })).json();
        if (failures) away(false);
        failures = 0;
        if (job.revision !== seen) heard(steady(job));
        if (ENDED.has(job.status)) return job;
        seen = job.revision;
        await wait(PAUSE_MS, signal);
      } catch (error) {
        if (signal.aborted || !passes(error)) throw error;
        if (failures === 0) away(true);
        // Revisions begin anew with the server.
        seen = -1;
        await wait(BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)], signal);
        failures += 1;
      }
    }
  }
}

/** Gives jobs with addresses of pictures that do not change all the time. */
function steadied() {
  /** @type {Map<string, {preview_url: string, until: number}>} */
  const shown = new Map();
  /** @param {Job} job @returns {Job} */
  return (job) => ({ ...job, steps: job.steps.map((step) => {
    const now = performance.now();
    const before = shown.get(step.name);
    if (!step.preview_url || step.status !== "running") return step;
    if (before && now < before.until) return { ...step, preview_url: before.preview_url };
    shown.set(step.name, { preview_url: step.preview_url, until: now + PICTURE_MS });
    return step;
  }) });
}
