// @ts-check
/** Sound on and off. Browsers allow sound after a gesture only: the picture starts muted, the first gesture unmutes it. */

import { byId } from "./dom.js";

export class Sound {
  #tool = byId("tool-sound", HTMLButtonElement);
  #call = byId("sound-call", HTMLButtonElement);
  /** Whether the person wants sound. */
  #wanted = true;
  /** @type {import("./types.js").Transport|null} */
  #transport = null;
  #blocked = false;

  constructor() {
    this.#tool.addEventListener("click", () => this.#toggle());
    this.#call.addEventListener("click", () => this.#apply());
    for (const gesture of ["pointerup", "keydown"]) {
      document.addEventListener(gesture, (event) => this.#gesture(event), { capture: true, passive: true });
    }
  }

  /** Whether the browser waits for a gesture before it lets anything be heard. */
  get blocked() {
    return this.#blocked;
  }

  /** @param {import("./types.js").Transport|null} transport */
  async attach(transport) {
    this.#transport = transport;
    await this.#apply();
  }

  /** @param {Event} event */
  #gesture(event) {
    const onTool = event.target instanceof Node && this.#tool.contains(event.target);
    if (this.#blocked && this.#wanted && !onTool) this.#apply();
  }

  #toggle() {
    this.#wanted = this.#blocked || !this.#wanted;
    this.#apply();
  }

  async #apply() {
    const transport = this.#transport;
    const done = (await transport?.setMuted(!this.#wanted)) ?? true;
    if (transport !== this.#transport) return;
    this.#blocked = this.#wanted && !done;
    const on = this.#wanted && !this.#blocked;
    this.#tool.setAttribute("aria-pressed", String(on));
    this.#tool.title = on ? "Turn the sound off" : "Turn the sound on";
    this.#call.hidden = !this.#blocked || !transport;
  }
}
