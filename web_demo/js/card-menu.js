// @ts-check
/** A small menu at the corner of a card: a button that opens a list of buttons. */

import { icon, make } from "./dom.js";

/** @typedef {{label: string, picture: SVGElement, action: () => void}} Entry */

/**
 * @param {string} label  what it is the menu of
 * @param {Entry[]} entries
 */
export function cardMenu(label, entries) {
  const button = make("button", { type: "button", className: "card-menu-open", title: label, ariaLabel: label, ariaExpanded: "false" }, icon("dots"));
  const list = make("div", { className: "card card-menu-list", hidden: true });
  const menu = make("div", { className: "card-menu" }, button, list);
  /** @param {boolean} on */
  const show = (on) => {
    list.hidden = !on;
    button.ariaExpanded = String(on);
    if (on) document.addEventListener("pointerdown", outside);
    else document.removeEventListener("pointerdown", outside);
    if (on) list.querySelector("button")?.focus();
  };
  /** @param {PointerEvent} event */
  function outside({ target }) {
    if (!(target instanceof Node && menu.contains(target))) show(false);
  }
  list.append(...entries.map(({ label: words, picture, action }) => {
    const entry = make("button", { type: "button", className: "card-menu-entry" }, picture, words);
    entry.addEventListener("click", () => {
      show(false);
      button.focus();
      action();
    });
    return entry;
  }));
  button.addEventListener("click", () => show(list.hidden));
  menu.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget instanceof Node && !menu.contains(relatedTarget)) show(false);
  });
  menu.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const all = [...list.querySelectorAll("button")];
    const at = all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    if (event.key === "Escape") {
      show(false);
      button.focus();
    } else if (event.key === "ArrowDown") all[(at + 1) % all.length].focus();
    else if (event.key === "ArrowUp") all[(at - 1 + all.length) % all.length].focus();
    else return;
    // Escape elsewhere interrupts what is being said.
    event.stopPropagation();
    event.preventDefault();
  });
  return menu;
}
