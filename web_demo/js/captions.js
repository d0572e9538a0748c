// @ts-check
/** Captions that follow the speech word by word. Spans are counted in characters (code points), as the server does. */

/** Two lines of 42 letters, as broadcasters have it; Chinese, Japanese and Korean ones are twice as wide as others. */
const LONGEST = 84;
const WIDE = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60]/u;
const LINGER_MS = 1400;
const KEPT = 50;

/** @typedef {{chars: string[], parts: {start: number, stop: number}[]}} Script */

/**
 * Parts of a text that are shown at once: sentences, and pieces of long ones, as [start, stop) in code points.
 * @param {string[]} chars
 * @returns {{start: number, stop: number}[]}
 */
export function partsOf(chars) {
  const parts = [];
  let start = 0;
  for (const sentence of sentencesOf(chars.join(""))) {
    let left = Array.from(sentence);
    let width = widthOf(left);
    while (width > LONGEST) {
      const cut = cutOf(left, width);
      width -= widthOf(left.slice(0, cut));
      parts.push({ start, stop: start + cut });
      start += cut;
      left = left.slice(cut);
    }
    if (left.length) parts.push({ start, stop: start + left.length });
    start += left.length;
  }
  return parts;
}

/** @param {string} text @returns {string[]} */
function sentencesOf(text) {
  if ("Segmenter" in Intl) return [...new Intl.Segmenter(undefined, { granularity: "sentence" }).segment(text)].map((s) => s.segment);
  return text.match(/[^.!?。！？\n]+[.!?。！？\n]*\s*|[\s\S]/gu) ?? [text];
}

/** @param {string[]} chars */
const widthOf = (chars) => chars.reduce((width, char) => width + (WIDE.test(char) ? 2 : 1), 0);

/**
 * Where to break a long piece: after a comma if one stands late enough, else at a space, else between words.
 * @param {string[]} chars
 * @param {number} width  of them
 */
function cutOf(chars, width) {
  const most = fitting(chars, Math.min(LONGEST, Math.ceil(width / Math.ceil(width / LONGEST)) + 12));
  for (let i = most; i > most * 0.5; i--) if (/[,;:–—、，；：]/u.test(chars[i - 1])) return chars[i] === " " ? i + 1 : i;
  for (let i = most; i > most * 0.5; i--) if (/\s/u.test(chars[i - 1])) return i;
  return wordEnd(chars, most);
}

/** How many characters have room. @param {string[]} chars @param {number} room */
function fitting(chars, room) {
  let count = 0;
  for (let width = 0; count < chars.length; count++) {
    width += widthOf([chars[count]]);
    if (width > room) break;
  }
  return count;
}

/** The last place up to `most` where a word begins: many languages write no spaces. @param {string[]} chars @param {number} most */
function wordEnd(chars, most) {
  if (!("Segmenter" in Intl)) return most;
  let best = 0;
  let at = 0;
  for (const { segment, isWordLike } of new Intl.Segmenter(undefined, { granularity: "word" }).segment(chars.slice(0, 2 * most).join(""))) {
    if (at > most) break;
    if (isWordLike) best = at;
    at += Array.from(segment).length;
  }
  return best || most;
}

export class Captions {
  /** @type {Map<string, Script>} */
  #scripts = new Map();
  /** @type {Set<number>} */
  #timers = new Set();
  #hide = 0;
  /** Which utterance ended last; its late words do not keep the captions up. */
  #hiding = "";
  /** Seconds between the last word's sending and its hearing. */
  #delay = 0;
  #shown = "";

  /**
   * @param {HTMLElement} box
   * @param {HTMLElement} line
   * @param {HTMLElement} said  what screen readers hear, a sentence at a time
   */
  constructor(box, line, said) {
    this.box = box;
    this.said = said;
    this.before = Object.assign(document.createElement("span"), { className: "spoken" });
    this.now = Object.assign(document.createElement("span"), { className: "now" });
    this.after = document.createElement("span");
    line.append(this.before, this.now, this.after);
    this.enabled = true;
  }

  /** @param {string} utterance @param {string} text */
  queued(utterance, text) {
    const chars = Array.from(text);
    // Words are shown a little after they are sent, so the scripts before this one may still be needed.
    for (const old of [...this.#scripts.keys()].slice(0, -KEPT)) this.#scripts.delete(old);
    this.#scripts.set(utterance, { chars, parts: partsOf(chars) });
  }

  /** More text of an utterance that is still open. @param {string} utterance @param {string} text */
  appended(utterance, text) {
    const chars = [...(this.#scripts.get(utterance)?.chars ?? []), ...Array.from(text)];
    this.#scripts.set(utterance, { chars, parts: partsOf(chars) });
  }

  /**
   * @param {import("./types.js").ServerEvent} event
   * @param {number} delay  seconds until the word is heard
   */
  word(event, delay) {
    this.#delay = delay;
    this.#later(delay, () => this.#show(event));
  }

  /** @param {import("./types.js").ServerEvent} event */
  ended(event) {
    const completed = event.reason === "completed";
    if (!completed) this.#clear();
    clearTimeout(this.#hide);
    this.#hiding = event.utterance;
    this.#hide = setTimeout(() => this.#close(), completed ? this.#delay * 1000 + LINGER_MS : 0);
  }

  /** Nothing follows any more: the connection broke. */
  reset() {
    this.#clear();
    this.#close();
    this.#scripts.clear();
  }

  /** @param {boolean} on */
  enable(on) {
    this.enabled = on;
    this.#reveal();
  }

  /** @param {number} seconds @param {() => void} action */
  #later(seconds, action) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, seconds * 1000);
    this.#timers.add(timer);
  }

  #clear() {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** The script of an utterance; text that came before this page joined is rebuilt from its words. */
  #script(/** @type {import("./types.js").ServerEvent} */ { utterance, text, begin, stop }) {
    const known = this.#scripts.get(utterance) ?? { chars: [], parts: [] };
    if (known.chars.length < stop) {
      const chars = [...known.chars];
      while (chars.length < begin) chars.push(" ");
      chars.splice(begin, chars.length - begin, ...Array.from(text));
      const script = { chars, parts: partsOf(chars) };
      this.#scripts.set(utterance, script);
      return script;
    }
    return known;
  }

  /** @param {import("./types.js").ServerEvent} event */
  #show(event) {
    const { chars, parts } = this.#script(event);
    const part = parts.find(({ start, stop }) => event.begin >= start && event.begin < stop) ?? parts.at(-1);
    if (!part) return;
    const piece = (/** @type {number} */ from, /** @type {number} */ to) => chars.slice(from, to).join("");
    let stop = Math.min(Math.max(event.stop, event.begin), part.stop);
    // The comma belongs to its word.
    while (stop < part.stop && /[^\s\p{L}\p{N}\p{Ps}\p{Pi}]/u.test(chars[stop])) stop += 1;
    this.before.textContent = piece(part.start, event.begin).trimStart();
    this.now.textContent = piece(event.begin, stop);
    this.after.textContent = piece(stop, part.stop).trimEnd();
    const shown = `${event.utterance} ${part.start}`;
    if (shown !== this.#shown) this.said.textContent = piece(part.start, part.stop).trim();
    this.#shown = shown;
    if (event.utterance !== this.#hiding) clearTimeout(this.#hide);
    this.#reveal();
  }

  #close() {
    this.#shown = "";
    this.#reveal();
  }

  #reveal() {
    this.box.classList.toggle("shown", this.enabled && this.#shown !== "");
  }
}
