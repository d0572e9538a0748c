// @ts-check
/** The text box with its buttons, examples, voice and speed. */

import { byId, make } from "./dom.js";
import { Recording } from "./recording.js";
import { choices } from "./store.js";

export const MOST_CHARACTERS = 10_000;
const NEAR = 9_000;

/** Shown where a voice speaks the language. @type {{language: string, name: string, text: string}[]} */
const EXAMPLES = [
  { language: "en", name: "Say hello", text: "Hello! I am glad you are here. Ask me to say anything you like." },
  { language: "en", name: "Train times", text: "Good morning. Your train leaves at ten past eight from platform four, and the weather stays dry." },
  { language: "en", name: "Sea shells", text: "She sells sea shells by the sea shore, and the shells she sells are sea shells, I am sure." },
  { language: "ja", name: "日本語", text: "こんにちは。今日はいい天気ですね。何でも話しかけてください。" },
  { language: "zh", name: "中文", text: "你好！很高兴见到你。今天的天气真不错，我们聊聊吧。" },
  { language: "es", name: "Español", text: "¡Hola! Me alegro de verte. Hoy hace buen tiempo, ¿damos un paseo por el parque?" },
  { language: "fr", name: "Français", text: "Bonjour ! Je suis ravie de vous voir. Il fait beau aujourd'hui, n'est-ce pas ?" },
  { language: "it", name: "Italiano", text: "Ciao! Sono felice di vederti. Oggi è una bella giornata, facciamo due passi?" },
  { language: "pt", name: "Português", text: "Olá! Que bom ver você. Hoje o tempo está ótimo para um passeio." },
  { language: "hi", name: "हिन्दी", text: "नमस्ते! आपसे मिलकर अच्छा लगा। आज मौसम बहुत अच्छा है।" },
  { language: "ko", name: "한국어", text: "안녕하세요! 만나서 반갑습니다. 오늘 날씨가 참 좋네요." },
];

/** @typedef {{text: string, voice?: string, speed?: number, file?: undefined}|{file: File}} Wish */

/** Dispatches `speak`, `save` (CustomEvent with a wish) and `interrupt`. */
export class Composer extends EventTarget {
  #form = byId("composer", HTMLFormElement);
  #text = byId("text", HTMLTextAreaElement);
  #count = byId("text-count", HTMLElement);
  #voice = byId("voice", HTMLSelectElement);
  #speed = byId("speed", HTMLInputElement);
  #interrupt = byId("interrupt", HTMLButtonElement);
  #error = byId("form-error", HTMLElement);
  #recording = new Recording(this.#form);

  constructor() {
    super();
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send("speak");
    });
    this.#recording.addEventListener("change", () => this.#recorded());
    this.#recording.addEventListener("trouble", (event) => this.fail(/** @type {CustomEvent} */ (event).detail));
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    this.#text.addEventListener("input", () => this.#counted());
    this.#speed.addEventListener("input", () => this.#showSpeed());
    this.#voice.addEventListener("change", () => choices.set("voice", this.#voice.value));
    this.#interrupt.addEventListener("click", () => this.dispatchEvent(new Event("interrupt")));
    byId("save", HTMLButtonElement).addEventListener("click", () => this.#send("save"));
    document.addEventListener("keydown", (event) => this.#escape(event));
    this.#offer(new Set(["en"]));
    this.#speed.value = String(choices.get("speed") ?? 1);
    this.#showSpeed();
    this.#counted();
  }

  /** @param {Set<string>} languages */
  #offer(languages) {
    const chips = EXAMPLES.filter(({ language }) => languages.has(language)).map((example) => this.#chip(example));
    byId("chips", HTMLElement).replaceChildren(...chips);
  }

  /** @param {{language: string, name: string, text: string}} example */
  #chip({ language, name, text }) {
    const chip = make("button", { type: "button", className: "chip", textContent: name, title: text, lang: language });
    chip.addEventListener("click", () => {
      this.#text.value = text;
      this.#counted();
      this.#send("speak");
    });
    return chip;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    // isComposing: Enter that ends a composition (Japanese, Chinese, Korean) belongs to the input method.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#send("speak");
  }

  /** @param {KeyboardEvent} event */
  #escape(event) {
    if (event.key !== "Escape" || event.isComposing || document.querySelector("dialog[open]") || document.fullscreenElement) return;
    if (!this.#interrupt.disabled) this.dispatchEvent(new Event("interrupt"));
  }

  /** @param {"speak"|"save"} what */
  #send(what) {
    const { file } = this.#recording;
    if (file) {
      this.fail(null);
      return this.dispatchEvent(new CustomEvent(what, { detail: { file } }));
    }
    const text = this.#text.value.trim();
    if (!text) {
      this.fail(what === "save" ? "Write first what the film should say." : "Write something first.");
      return this.#text.focus();
    }
    this.fail(null);
    this.dispatchEvent(new CustomEvent(what, { detail: this.wish(text) }));
    // What is written next replaces it; on a touch screen a selection would only bring up its handles.
    if (what === "speak" && matchMedia("(pointer: fine)").matches) this.#text.select();
  }

  /** @param {string} text @returns {Wish} */
  wish(text) {
    const speed = Number(this.#speed.value);
    return { text, ...(this.#voice.value && { voice: this.#voice.value }), ...(speed !== 1 && { speed }) };
  }

  #recorded() {
    this.#form.classList.toggle("recorded", this.#recording.file !== null);
    this.fail(null);
  }

  #counted() {
    const { length } = this.#text.value;
    this.#count.textContent = `${length.toLocaleString("en")} / ${MOST_CHARACTERS.toLocaleString("en")}`;
    this.#count.classList.toggle("near", length >= NEAR && length < MOST_CHARACTERS);
    this.#count.classList.toggle("full", length >= MOST_CHARACTERS);
    this.fail(null);
  }

  #showSpeed() {
    const text = `${Number(this.#speed.value).toFixed(1)}×`;
    byId("speed-out", HTMLOutputElement).textContent = text;
    this.#speed.setAttribute("aria-valuetext", text);
    choices.set("speed", Number(this.#speed.value));
  }

  /** @param {import("./types.js").Voice[]} voices */
  voices(voices) {
    const groups = groupsOf(voices);
    const options = groups.map(({ name, members }) => {
      const entries = members.map((voice) => make("option", { value: voice.name, textContent: labelOf(voice), title: voice.description }));
      return groups.length > 1 ? [make("optgroup", { label: name }, ...entries)] : entries;
    });
    this.#voice.replaceChildren(make("option", { value: "", textContent: "Default" }), ...options.flat());
    this.#offer(new Set(voices.flatMap(({ languages }) => languages.map(baseOf))));
    const kept = choices.get("voice");
    if (voices.some(({ name }) => name === kept)) this.#voice.value = kept;
  }

  /** @param {string} name */
  addressee(name) {
    byId("composer-who", HTMLElement).textContent = name;
  }

  /** Whether there is something to interrupt. @param {boolean} on */
  interruptible(on) {
    this.#interrupt.disabled = !on;
  }

  /** @param {string|null} message */
  fail(message) {
    this.#error.hidden = message === null;
    this.#error.textContent = message ?? "";
  }
}

/** The language of a tag without its region. @param {string} tag */
const baseOf = (tag) => tag.split("-")[0].toLowerCase();

/** A language in English words. @param {string} language */
export function nameOf(language) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(language) ?? language;
  } catch {
    return language;
  }
}

/** An engine of one robotic voice per language: they stand together, below all others. */
const ROBOTIC = "espeak";

/** @param {import("./types.js").Voice} voice */
function groupOf({ engine, languages }) {
  if (engine === ROBOTIC) return "More languages, robotic";
  return languages.length === 1 ? nameOf(baseOf(languages[0])) : "Many languages";
}

/**
 * Voices by the language that they speak, in the order in which the server names them.
 * @param {import("./types.js").Voice[]} voices
 */
function groupsOf(voices) {
  /** @type {Map<string, import("./types.js").Voice[]>} */
  const groups = new Map();
  for (const voice of voices) {
    const name = groupOf(voice);
    groups.set(name, [...(groups.get(name) ?? []), voice]);
  }
  return [...groups].map(([name, members]) => ({ name, members }));
}

/** @param {import("./types.js").Voice} voice */
function labelOf({ name, languages }) {
  const shown = name.replace(/[_-]+/g, " ").replace(/^./, (first) => first.toUpperCase());
  return languages.length === 1 ? `${shown} (${nameOf(languages[0])})` : shown;
}
