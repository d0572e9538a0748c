// @ts-check
/** What is behind the person: as it is, blurred, a colour, a picture or a film, or nothing. */

import { byId, icon, make } from "../dom.js";
import { isFilm, refusalOf, sizeOf } from "./files.js";

const COLOURS = { "#e8ebee": "Mist", "#ffffff": "White", "#d9cfc1": "Sand", "#b9c7b4": "Sage", "#9fb4c7": "Sky", "#2f4858": "Slate", "#1c1b1a": "Black", "#00b140": "Green screen" };

/** By its word: what it is called, how its tile looks, and what there is to say about it. */
const CHOICES = {
  keep: { name: "Keep", look: "room", hint: "" },
  blur: { name: "Blur", look: "room soft", hint: "" },
  colour: { name: "Colour", look: "plain", hint: "" },
  file: { name: "Picture, film", look: "place", hint: "It fills all that is behind the person, cut to its middle." },
  transparent: { name: "Nothing", look: "checks", hint: "The person alone. Films can be saved with transparency; live, there is a plain colour behind." },
};
/** @typedef {keyof typeof CHOICES} Choice */

/** A person's outline, to see what is behind it. */
function person() {
  const outline = icon("person");
  outline.setAttribute("class", "person");
  return outline;
}

export class Background {
  #field = byId("background", HTMLElement);
  #swatches = byId("swatches", HTMLElement);
  #other = byId("colour-other", HTMLInputElement);
  #bar = byId("backdrop-bar", HTMLElement);
  #pick = byId("backdrop-file", HTMLInputElement);
  #name = byId("backdrop-name", HTMLElement);
  #tiles = byId("tiles", HTMLElement);
  #hint = byId("background-hint", HTMLElement);
  #colour = Object.keys(COLOURS)[0];
  /** @type {File|null} */
  #file = null;
  #shown = "";

  /** @param {import("../api.js").Api} api */
  constructor(api) {
    this.api = api;
    this.#pick.accept = "image/*,video/mp4,video/quicktime,video/webm";
    this.#tiles.append(...Object.keys(CHOICES).map((choice) => this.#tile(/** @type {Choice} */ (choice))));
    this.#swatches.prepend(...Object.entries(COLOURS).map(([colour, name]) => this.#swatch(colour, name)));
    this.#field.addEventListener("change", ({ target }) => target !== this.#pick && this.#changed());
    this.#other.addEventListener("input", () => this.#changed());
    byId("backdrop-pick", HTMLButtonElement).addEventListener("click", () => this.#pick.click());
    this.#pick.addEventListener("change", () => this.#take(this.#pick.files?.[0]));
    this.#changed();
  }

  /** "keep", "blur", "colour", "file" or "transparent". */
  get choice() {
    return /** @type {Choice} */ (this.#checked("background") ?? "keep");
  }

  /** What the server is told; nothing beside a picture or film, which speaks for itself. */
  get word() {
    if (this.choice === "colour") return this.#colour;
    return this.choice === "file" ? "" : this.choice;
  }

  /** The picture or film, where that is the choice. */
  get file() {
    return this.choice === "file" ? this.#file : null;
  }

  /** What has to be chosen first; null when nothing has. */
  get missing() {
    return this.choice === "file" && !this.#file ? "Choose the picture or the film that is to be behind, or keep what is there." : null;
  }

  /** @param {string} name */
  #checked(name) {
    return /** @type {HTMLInputElement|null} */ (this.#field.querySelector(`input[name="${name}"]:checked`))?.value;
  }

  /** @param {Choice} choice */
  #tile(choice) {
    const { name, look } = CHOICES[choice];
    const input = make("input", { type: "radio", name: "background", value: choice, defaultChecked: choice === "keep" });
    return make("label", { className: "tile" }, input, make("span", { className: `tile-look ${look}` }, person()), make("span", { className: "tile-name", textContent: name }));
  }

  /** @param {string} colour @param {string} name */
  #swatch(colour, name) {
    const input = make("input", { type: "radio", name: "swatch", value: colour, defaultChecked: colour === this.#colour });
    input.setAttribute("aria-label", name);
    const swatch = make("label", { className: "swatch", title: name }, input, icon("done"));
    swatch.style.setProperty("--colour", colour);
    swatch.classList.toggle("dark", parseInt(colour.slice(1, 3), 16) < 128);
    return swatch;
  }

  #changed() {
    const { activeElement } = document;
    // The field of the browser stands for a colour of one's own as soon as it is touched.
    if (activeElement === this.#other) {
      for (const input of this.#swatches.querySelectorAll("input")) input.checked = false;
    }
    this.#colour = this.#checked("swatch") ?? this.#other.value;
    this.#other.parentElement?.classList.toggle("on", !this.#checked("swatch"));
    this.#other.parentElement?.style.setProperty("--colour", this.#other.value);
    this.#tiles.style.setProperty("--colour", this.#colour);
    this.#swatches.hidden = this.choice !== "colour";
    this.#bar.hidden = this.choice !== "file";
    this.#say(CHOICES[this.choice].hint);
  }

  /** @param {File|undefined} file */
  #take(file) {
    this.#pick.value = "";
    if (!file) return;
    const trouble = refusalOf(file, this.api.limits);
    if (trouble) return this.#say(trouble);
    this.#file = file;
    this.#name.textContent = `${file.name}, ${sizeOf(file.size)}`;
    byId("backdrop-pick", HTMLButtonElement).textContent = "Choose another";
    this.#say(CHOICES.file.hint);
    this.#picture(file);
  }

  /** The tile shows the picture itself. @param {File} file */
  #picture(file) {
    URL.revokeObjectURL(this.#shown);
    this.#shown = isFilm(file) ? "" : URL.createObjectURL(file);
    this.#tiles.style.setProperty("--picture", this.#shown ? `url("${this.#shown}")` : "none");
  }

  /** @param {string} words */
  #say(words) {
    this.#hint.textContent = words;
  }
}
