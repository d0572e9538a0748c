// @ts-check
/** The HTTP API, and its errors in words for people. */

import { tab } from "./store.js";
import { upload } from "./upload.js";

/** @typedef {import("./types.js").Avatar} Avatar */
/** @typedef {import("./types.js").Voice} Voice */
/** @typedef {import("./types.js").VoiceProfile} VoiceProfile */
/** @typedef {import("./types.js").SessionInfo} SessionInfo */
/** @typedef {import("./types.js").RenderJob} RenderJob */

/** The server's root: this file lies at demo/js/api.js below it, whatever prefix stands in front. */
const ROOT = new URL("../../", import.meta.url);

const TIMEOUT_MS = 20_000;
const BROKEN_OFF = "The connection broke off while the file was sent. Try again; if it breaks off again, the file may be larger than this server takes.";
/** A recording has to be sent first, and what is said live is taken only as fast as it is said. */
const RECORDING_TIMEOUT_MS = 20 * 60_000;

/**
 * @typedef {object} RequestOptions
 * @property {string} [token]
 * @property {unknown} [json]
 * @property {string|Blob|FormData} [body]
 * @property {string} [type]
 * @property {AbortSignal} [signal]
 * @property {boolean} [keepalive]
 * @property {number} [patience]  milliseconds
 * @property {(share: number) => void} [progress]  of sending the body, 0..1
 */

/** A request that failed. `code` is the server's stable code, or `unreachable` when no answer came. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status
   * @param {string} code
   * @param {number} [retryAfter]  seconds
   * @param {import("./types.js").VoiceCheck} [check]  what was measured in a recording that was refused
   */
  constructor(message, status, code, retryAfter, check) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
    this.check = check;
  }
}

/** @param {Response} response */
async function problemOf(response) {
  const body = await response.json().catch(() => null);
  const text = body?.detail ?? body?.title;
  const detail = typeof text === "string" ? text : `The server answered with ${response.status} ${response.statusText}.`;
  const retryAfter = Number(response.headers.get("Retry-After")) || undefined;
  return new ApiError(detail, response.status, body?.code ?? `http_${response.status}`, retryAfter, body?.check);
}

/** @param {string} path */
export const address = (path) => new URL(path.replace(/^\/(?!\/)/, ""), ROOT);

/**
 * The same as a WebSocket address.
 * @param {string} path
 */
export function socketAddress(path) {
  const url = address(path);
  url.protocol = url.protocol.replace("http", "ws");
  return url;
}

/** @param {any} body @param {string} name @returns {any[]} */
const listOf = (body, name) => (Array.isArray(body) ? body : (body?.[name] ?? []));

/** @param {File} file */
const bodyOf = (file) => ({ body: file, type: file.type || "application/octet-stream", patience: RECORDING_TIMEOUT_MS });

export class Api {
  /** @param {() => Promise<string|null>} askForKey  asks the person for the server's API key */
  constructor(askForKey) {
    this.askForKey = askForKey;
    /** Several requests may be refused at once; the person is asked once. @type {Promise<string|null>|null} */
    this.asking = null;
    /** How large files may be that this server takes, once it is known. @type {import("./types.js").Limits} */
    this.limits = {};
  }

  /** @returns {string|null} */
  get key() {
    return tab.get("key");
  }

  /**
   * One request. Asks for the API key once where the server wants it.
   * @param {string} method
   * @param {string} path
   * @param {RequestOptions} [options]
   * @returns {Promise<Response>}
   */
  async request(method, path, options = {}) {
    const sent = this.key;
    const response = await this.#fetch(method, path, options);
    if (response.ok) return response;
    if (response.status === 401 && !options.token) {
      const key = this.key !== sent ? this.key : await this.#ask();
      if (key) {
        tab.set("key", key);
        const again = await this.#fetch(method, path, options);
        if (again.ok) return again;
        if (again.status === 401) tab.set("key", null);
        throw await problemOf(again);
      }
    }
    throw await problemOf(response);
  }

  #ask() {
    this.asking ??= this.askForKey().finally(() => (this.asking = null));
    return this.asking;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {RequestOptions} options
   */
  async #fetch(method, path, { token, json, body, type, signal, keepalive, progress, patience = TIMEOUT_MS }) {
    const headers = new Headers({ Accept: "application/json, application/sdp, */*;q=0.5" });
    const secret = token ?? this.key;
    if (secret) headers.set("Authorization", `Bearer ${secret}`);
    if (json !== undefined) headers.set("Content-Type", "application/json");
    else if (type) headers.set("Content-Type", type);
    const limit = AbortSignal.timeout(patience);
    const either = signal && "any" in AbortSignal ? AbortSignal.any([signal, limit]) : (signal ?? limit);
    try {
      if (progress) return await upload(address(path), { method, headers, body, signal: either, progress });
      return await fetch(address(path), {
        method,
        headers,
        body: json !== undefined ? JSON.stringify(json) : body,
        signal: either,
        keepalive,
        cache: "no-store",
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      if (progress) throw new ApiError(BROKEN_OFF, 0, "unreachable");
      throw new ApiError("The server does not answer. Check that it runs and that you are online.", 0, "unreachable");
    }
  }

  /** Also learns how large files may be. @returns {Promise<Avatar[]>} */
  async avatars() {
    const body = await (await this.request("GET", "v1/avatars")).json();
    this.limits = body?.limits ?? {};
    return listOf(body, "avatars");
  }

  /** @returns {Promise<{voices: Voice[], profiles: VoiceProfile[], max_profiles: number}>} */
  async voices() {
    const body = await (await this.request("GET", "v1/voices")).json();
    return { voices: listOf(body, "voices"), profiles: body?.profiles ?? [], max_profiles: body?.max_profiles ?? 0 };
  }

  /**
   * Make a voice of a recording.
   * @param {FormData} form
   * @returns {Promise<VoiceProfile & {token: string}>}
   */
  async createVoice(form) {
    return (await this.request("POST", "v1/voices", { body: form, patience: RECORDING_TIMEOUT_MS })).json();
  }

  /** @param {string} id @param {string} [token] */
  async deleteVoice(id, token) {
    await this.request("DELETE", `v1/voices/${id}`, { token });
  }

  /** The recording that a voice is cloned from. @param {string} id @param {string} [token] */
  async hearVoice(id, token) {
    return (await this.request("GET", `v1/voices/${id}/reference.wav`, { token })).blob();
  }

  /**
   * @param {string|null} avatar
   * @param {AbortSignal} signal
   * @returns {Promise<SessionInfo>}
   */
  async createSession(avatar, signal) {
    return (await this.request("POST", "v1/sessions", { json: avatar ? { avatar } : {}, signal })).json();
  }

  /**
   * @param {{id: string, token: string}} session
   * @param {AbortSignal} signal
   * @returns {Promise<Partial<SessionInfo>>}
   */
  async readSession({ id, token }, signal) {
    return (await this.request("GET", `v1/sessions/${id}`, { token, signal })).json();
  }

  /**
   * A live command over HTTP, for when the transport cannot carry it.
   * @param {{id: string, token: string}} session
   * @param {import("./types.js").Command} command
   * @returns {Promise<any>}
   */
  async command({ id, token }, command) {
    const { type, id: _echo, ...json } = command;
    const path = `v1/sessions/${id}`;
    if (type === "interrupt") return (await this.request("POST", `${path}/interrupt`, { token })).json();
    if (type === "avatar") return (await this.request("PUT", `${path}/avatar`, { token, json })).json();
    return (await this.request("POST", `${path}/say`, { token, json })).json();
  }

  /**
   * Say a recording; the answer comes when the server has taken all of it.
   * @param {{id: string, token: string}} session
   * @param {File} file
   * @returns {Promise<any>}
   */
  async sayRecording({ id, token }, file) {
    return (await this.request("POST", `v1/sessions/${id}/say/audio`, { token, ...bodyOf(file) })).json();
  }

  /**
   * @param {File} file
   * @param {string|null} avatar
   * @returns {Promise<RenderJob>}
   */
  async createRenderOf(file, avatar) {
    const query = avatar ? `?avatar=${encodeURIComponent(avatar)}` : "";
    return (await this.request("POST", `v1/renders/audio${query}`, bodyOf(file))).json();
  }

  /**
   * @param {{text: string, avatar?: string, voice?: string, speed?: number}} wish
   * @returns {Promise<RenderJob>}
   */
  async createRender(wish) {
    return (await this.request("POST", "v1/renders", { json: wish })).json();
  }

  /**
   * @param {RenderJob} job
   * @param {AbortSignal} signal
   * @returns {Promise<RenderJob>}
   */
  async readRender({ id, token }, signal) {
    return (await this.request("GET", `v1/renders/${id}`, { token, signal })).json();
  }

  /** @param {RenderJob} job */
  async cancelRender({ id, token }) {
    await this.request("DELETE", `v1/renders/${id}`, { token });
  }
}
