// @ts-check
/** "Your own voice": a recording, a name and a consent make a voice; the list of them, and what the check found. */

import { ApiError } from "./api.js";
import { nameOf } from "./composer.js";
import { byId, icon, make } from "./dom.js";
import { canHear, wordsFor } from "./microphone.js";
import { clock, lengthOf, refusalOf } from "./recording.js";
import { choices } from "./store.js";
import { VoiceRecorder } from "./voice-recorder.js";

/** @typedef {import("./types.js").VoiceProfile} VoiceProfile */
/** @typedef {import("./types.js").VoiceCheck} VoiceCheck */
/** @typedef {import("./types.js").Voice} Voice */

/** Where the tokens of voices that were made here are remembered. */
const TOKENS = "voice-tokens";
const MINUS = "\u2212";

/**
 * The voices to choose from: those that the engines name, and own ones made since they were asked.
 * @param {Voice[]} voices
 * @param {VoiceProfile[]} profiles
 * @returns {Voice[]}
 */
export function speakable(voices, profiles) {
  const known = new Set(voices.map(({ name }) => name));
  const made = profiles.filter(({ id, engines }) => engines.length && !known.has(id));
  return [...voices, ...made.map(({ id, name, engines, language }) => ({ name: id, engine: engines[0], languages: [language ?? "en"], description: name }))];
}

/** @param {number} value */
const decibels = (value) => `${value < 0 ? MINUS : ""}${Math.abs(value).toFixed(0)} dB`;

/** @param {VoiceCheck} check @returns {[string, string][]} */
function factsOf({ seconds, speech_seconds, level_db, noise_db, clipped_share }) {
  return [
    ["Length", `${seconds.toFixed(1)} s`],
    ["Speech", `${speech_seconds.toFixed(1)} s`],
    ["Level", level_db === null ? "no speech" : decibels(level_db)],
    ["Background", decibels(noise_db)],
    ["Cut off", `${(clipped_share * 100).toFixed(2)} %`],
  ];
}

/** Dispatches `change` when a voice was made or deleted, and `refused` (CustomEvent with a message). */
export class VoicePanel extends EventTarget {
  #panel = byId("voices", HTMLDetailsElement);
  #form = byId("voice-form", HTMLFormElement);
  #list = byId("voice-list", HTMLUListElement);
  #record = byId("voice-record", HTMLButtonElement);
  #pick = byId("voice-file", HTMLInputElement);
  #error = byId("voice-error", HTMLElement);
  #state = byId("voice-state", HTMLElement);
  #recorder = new VoiceRecorder();
  #player = new Audio();
  /** @type {File|null} */
  #file = null;
  #busy = false;
  /** What is being recorded, until it is there. @type {Promise<void>|undefined} */
  #listening;

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    super();
    this.api = api;
    this.#record.hidden = !canHear();
    this.#record.addEventListener("click", () => (this.#recorder.on ? this.#recorder.stop() : (this.#listening = this.#listen())));
    byId("voice-pick", HTMLButtonElement).addEventListener("click", () => this.#pick.click());
    this.#pick.addEventListener("change", () => this.#chosen(this.#pick.files?.[0]));
    byId("voice-drop", HTMLButtonElement).addEventListener("click", () => this.#take(null));
    byId("voice-play", HTMLButtonElement).addEventListener("click", () => this.#file && this.#play(this.#file));
    this.#panel.addEventListener("toggle", () => this.#panel.open || this.#recorder.stop());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#make();
    });
  }

  /** Show the voices that there are; the panel stays away where the server takes none. @param {VoiceProfile[]} profiles @param {number} most */
  fill(profiles, most) {
    this.#panel.hidden = most === 0 && profiles.length === 0;
    this.#form.hidden = profiles.length >= most;
    byId("voice-full", HTMLElement).hidden = !this.#form.hidden;
    this.#list.replaceChildren(...profiles.map((profile) => this.#item(profile)));
    const needs = profiles.find((profile) => profile.needs)?.needs;
    const hint = byId("voice-needs", HTMLElement);
    hint.hidden = !needs;
    hint.textContent = needs ? `No engine of this server can speak with these yet. ${needs}` : "";
  }

  /** @param {VoiceProfile} profile */
  #item({ id, name, language, seconds, has_transcript }) {
    const facts = [`${seconds.toFixed(1)} s`, ...(language ? [nameOf(language)] : []), has_transcript ? "with transcript" : "sound only"];
    const item = make("li", { className: "voice-item" }, make("span", { className: "voice-title", textContent: name }), make("span", { className: "voice-about", textContent: facts.join(", ") }));
    const token = this.#tokens()[id];
    // A voice obeys who made it here, and who has the key.
    if (token || this.api.key) {
      item.append(
        this.#tool(id, "play", `Listen to ${name}`, async () => this.#play(await this.api.hearVoice(id, token))),
        this.#tool(id, "bin", `Delete ${name}`, () => this.#delete(id, name, token)),
      );
    }
    return item;
  }

  /** @param {string} id @param {"play"|"bin"} picture @param {string} label @param {() => Promise<void>} action */
  #tool(id, picture, label, action) {
    const button = make("button", { type: "button", className: "recording-drop", title: label, ariaLabel: label }, picture === "play" ? icon("play") : icon("bin"));
    button.addEventListener("click", () => action().catch((error) => this.#lose(id, error)));
    return button;
  }

  /** A voice that is gone, or somebody else's by now, is no longer ours. @param {string} id @param {unknown} error */
  #lose(id, error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 404)) {
      this.#forget(id);
      this.dispatchEvent(new Event("change"));
    }
    this.#tell(error);
  }

  /** @returns {Record<string, string>} */
  #tokens() {
    return choices.get(TOKENS) ?? {};
  }

  /** @param {string} id @param {string} name @param {string} [token] */
  async #delete(id, name, token) {
    if (!confirm(`Delete the voice of ${name}? Its recording is removed from the server.`)) return;
    await this.api.deleteVoice(id, token);
    this.#forget(id);
    this.#clear();
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} id */
  #forget(id) {
    const { [id]: _gone, ...kept } = this.#tokens();
    choices.set(TOKENS, kept);
  }

  async #listen() {
    this.#take(null);
    this.#record.setAttribute("aria-pressed", "true");
    byId("voice-hint", HTMLElement).hidden = false;
    try {
      const file = await this.#recorder.record((seconds, level) => {
        byId("voice-record-label", HTMLElement).textContent = `Stop (${clock(seconds)})`;
        this.#record.style.setProperty("--level", level.toFixed(2));
      });
      if (file) this.#take(file);
    } catch (error) {
      this.#fail(new Error(wordsFor(error)));
    } finally {
      byId("voice-hint", HTMLElement).hidden = true;
      this.#record.setAttribute("aria-pressed", "false");
      this.#record.style.setProperty("--level", "0");
      byId("voice-record-label", HTMLElement).textContent = "Record";
    }
  }

  /** @param {File|undefined} file */
  #chosen(file) {
    if (!file) return;
    const trouble = refusalOf(file);
    this.#take(trouble ? null : file);
    if (trouble) this.#fail(new Error(trouble));
  }

  /** @param {File|null} file */
  async #take(file) {
    this.#file = file;
    this.#player.pause();
    this.#clear();
    if (!file) this.#pick.value = "";
    byId("voice-recording", HTMLElement).hidden = !file;
    byId("voice-recording-name", HTMLElement).textContent = file?.name ?? "";
    const length = byId("voice-recording-length", HTMLElement);
    length.textContent = "";
    const seconds = file && (await lengthOf(file));
    if (this.#file === file && seconds) length.textContent = clock(seconds);
  }

  /** @param {Blob} sound */
  async #play(sound) {
    URL.revokeObjectURL(this.#player.src);
    this.#player.src = URL.createObjectURL(sound);
    await this.#player.play();
  }

  async #make() {
    if (this.#busy) return;
    this.#busy = true;
    this.#recorder.stop();
    // Once it has stopped, what was said is the file.
    await this.#listening;
    this.#clear();
    if (!this.#file) {
      this.#busy = false;
      return this.#fail(new Error("Record your voice, or choose a file, first."));
    }
    const form = new FormData();
    form.set("file", this.#file);
    form.set("name", byId("voice-name", HTMLInputElement).value);
    form.set("transcript", byId("voice-transcript", HTMLTextAreaElement).value.replace(/\s+/g, " "));
    form.set("consent", byId("voice-consent-text", HTMLElement).textContent ?? "");
    this.#wait("Checking the recording…");
    try {
      const made = await this.api.createVoice(form);
      choices.set(TOKENS, { ...this.#tokens(), [made.id]: made.token });
      this.#form.reset();
      await this.#take(null);
      if (made.check) this.#show(made.check);
      this.#say(`The voice of ${made.name} is made.`);
      this.dispatchEvent(new Event("change"));
    } catch (error) {
      this.#say(null);
      this.#fail(error);
    } finally {
      this.#wait(null);
    }
  }

  /** @param {VoiceCheck} check */
  #show({ problems, warnings, ...figures }) {
    const facts = factsOf({ problems, warnings, ...figures }).map(([term, text]) => make("div", { className: "fact" }, make("dt", { textContent: term }), make("dd", { textContent: text })));
    const list = byId("voice-facts", HTMLDListElement);
    list.replaceChildren(...facts);
    list.hidden = false;
    // What is wrong stands in the error already.
    const notes = byId("voice-notes", HTMLUListElement);
    notes.replaceChildren(...warnings.map(({ message }) => make("li", { textContent: message })));
    notes.hidden = warnings.length === 0;
  }

  /** @param {unknown} error */
  #fail(error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
      this.#panel.hidden = true;
      this.dispatchEvent(new CustomEvent("refused", { detail: error.message }));
      return;
    }
    this.#tell(error);
  }

  /** @param {unknown} error */
  #tell(error) {
    this.#error.textContent = error instanceof Error ? error.message : String(error);
    this.#error.hidden = false;
    if (error instanceof ApiError && error.check) this.#show(error.check);
  }

  #clear() {
    this.#say(null);
    for (const id of ["voice-error", "voice-facts", "voice-notes"]) byId(id, HTMLElement).hidden = true;
  }

  /** @param {string|null} text */
  #say(text) {
    this.#state.hidden = text === null;
    this.#state.textContent = text ?? "";
  }

  /** @param {string|null} text  null when it is over */
  #wait(text) {
    this.#busy = text !== null;
    byId("voice-make", HTMLButtonElement).disabled = this.#busy;
    if (text) this.#say(text);
  }
}
