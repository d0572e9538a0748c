// @ts-check
/** "Make an avatar": from a photo or a video, over its steps, to a person who talks. */

import { ApiError } from "../api.js";
import { byId } from "../dom.js";
import { Jobs } from "../jobs.js";
import { choices, tab } from "../store.js";
import { JOB } from "./door.js";
import { OrderForm } from "./form.js";
import { Made } from "./made.js";
import { Larger } from "./steps.js";
import { TalkingPreview } from "./talking.js";
import { Work } from "./work.js";

export { TalkingPreview };

/** @typedef {import("../types.js").Avatar} Avatar */
/** @typedef {import("../types.js").Job} Job */
/** @typedef {{id: string, token: string, name: string}} Ticket  of the job that this browser began */

const TITLES = { form: "Make an avatar", work: "Making", refused: "This did not work", made: "Ready" };
const GONE = new Set([401, 403, 404, 410]);
const FORGOTTEN = "The server knows nothing of it any more: it was deleted there, or is too old. Begin again.";
/** Whether the window was open is remembered, too. */
const OPEN = "maker-open";

/** Dispatches `talk` when the person goes over to the avatar, and `told` (CustomEvent with words for a toast). */
export class MakerPanel extends EventTarget {
  #dialog = byId("maker", HTMLDialogElement);
  #title = byId("maker-title", HTMLElement);
  #card = byId("maker-open", HTMLButtonElement);
  #cardText = byId("maker-card-text", HTMLElement);
  #cardBar = byId("maker-card-bar", HTMLProgressElement);
  #form;
  /** @type {keyof typeof TITLES} */
  #state = "form";
  /** @type {Ticket|null} */
  #ticket = null;
  /** The picture that was sent, while this page knows it. @type {string|null} */
  #before = null;
  #stop = new AbortController();
  #leaving = false;

  /**
   * @param {import("../api.js").Api} api
   * @param {TalkingPreview} talking
   * @param {import("./exchange.js").Exchange} exchange
   * @param {(id: string) => Promise<Avatar|undefined>} welcome  brings the avatar that was made among the cards
   * @param {(avatar: Avatar) => Promise<void>} choose
   */
  constructor(api, talking, exchange, welcome, choose) {
    super();
    this.jobs = new Jobs(api);
    this.#form = new OrderForm(api);
    this.welcome = welcome;
    this.choose = choose;
    const larger = new Larger();
    this.work = new Work(larger);
    this.made = new Made(talking, exchange, larger);
    byId("maker-close", HTMLButtonElement).addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => this.#closed());
    // A file that falls beside the place for it must not take the page's.
    for (const kind of ["dragover", "drop"]) this.#dialog.addEventListener(kind, (event) => event.preventDefault());
    this.#form.addEventListener("order", (event) => this.#order(/** @type {CustomEvent<import("./form.js").Order>} */ (event).detail));
    this.work.addEventListener("cancel", () => this.#cancel());
    this.work.addEventListener("other", () => this.#again(true));
    this.work.addEventListener("back", () => this.#again(false));
    this.made.addEventListener("talk", () => this.#leave());
    this.made.addEventListener("another", () => this.#again(true, true));
    this.made.addEventListener("gone", () => this.#leave());
    addEventListener("beforeunload", (event) => this.work.sending && event.preventDefault());
  }

  /** Take up what was begun before the page was loaded. */
  resume() {
    const ticket = choices.get(JOB);
    if (!ticket?.id || !ticket.token) return;
    this.work.begin(ticket.name);
    this.#show("work");
    this.#follow(ticket);
    if (tab.get(OPEN)) this.open();
  }

  open() {
    if (this.#dialog.open) return;
    this.#dialog.showModal();
    tab.set(OPEN, true);
    if (this.#state === "made") this.#introduce();
  }

  async #introduce() {
    const { avatar } = this.made;
    if (avatar) await this.choose(avatar);
    await this.made.enter();
  }

  #closed() {
    tab.set(OPEN, null);
    this.#form.rest();
    this.made.rest();
    // What has been looked at is not shown again.
    if (this.#state === "made") this.#again(true, true);
    if (this.#state === "refused") choices.set(JOB, null);
    if (this.#leaving) this.dispatchEvent(new Event("talk"));
    else this.#card.focus();
    this.#leaving = false;
  }

  /** @param {keyof typeof TITLES} state */
  #show(state) {
    const held = this.#dialog.contains(document.activeElement);
    this.#state = state;
    this.#dialog.dataset.state = state;
    const name = this.#ticket?.name || this.work.name;
    this.#title.textContent = state === "work" ? `Making ${name}` : state === "made" ? `${name} is ready` : TITLES[state];
    this.#form.show(state === "form");
    this.work.show(state === "work" || state === "refused");
    this.made.show(state === "made");
    this.#tellCard(null);
    if (held) this.#title.focus();
  }

  /** @param {number|null} share  of a job that runs */
  #tellCard(share) {
    const { name } = this.work;
    const words = { form: "Make your own", work: `Making ${name}`, refused: `${name} did not work`, made: `${name} is ready` };
    this.#card.dataset.state = this.#state;
    this.#cardText.textContent = words[this.#state];
    this.#cardBar.hidden = this.#state !== "work";
    if (share !== null) this.#cardBar.value = share;
  }

  /** @param {import("./form.js").Order} order */
  async #order({ name, picture, fields }) {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#before = picture;
    this.work.begin(name, picture);
    this.#show("work");
    try {
      const job = await this.jobs.makeAvatar(fields, (share) => this.work.sent(share), signal);
      const ticket = { id: job.id, token: job.token, name };
      if (signal.aborted) return void (await this.jobs.drop(ticket));
      choices.set(JOB, ticket);
      await this.#follow(ticket);
    } catch (error) {
      if (signal.aborted) return;
      this.#show("form");
      this.#form.fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {Ticket} ticket */
  async #follow(ticket) {
    this.#ticket = ticket;
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const heard = (/** @type {Job} */ job) => {
      this.work.heard(job);
      this.#tellCard(job.progress);
    };
    try {
      await this.#ended(await this.jobs.follow(ticket, heard, (away) => this.work.away(away), signal), ticket);
    } catch (error) {
      if (signal.aborted) return;
      const gone = error instanceof ApiError && GONE.has(error.status);
      this.#refuse({ message: gone ? FORGOTTEN : error instanceof Error ? error.message : String(error), code: null });
    }
  }

  /** @param {Job} job @param {Ticket} ticket */
  async #ended(job, ticket) {
    if (job.status === "failed") return this.#refuse(job);
    if (job.status === "cancelled") return this.#again(false);
    const avatar = job.avatar ? await this.welcome(job.avatar) : undefined;
    choices.set(JOB, null);
    if (!avatar) return this.#refuse({ message: "It was made, and is gone again: somebody deleted it.", code: null });
    this.made.fill(avatar, job, this.#before);
    this.#show("made");
    if (this.#dialog.open) await this.#introduce();
    else this.dispatchEvent(new CustomEvent("told", { detail: `${avatar.name} is ready.` }));
  }

  /** @param {{message?: string|null, code?: string|null}} job */
  #refuse(job) {
    this.work.refuse(job);
    this.#show("refused");
    if (!this.#dialog.open) this.dispatchEvent(new CustomEvent("told", { detail: `${this.work.name} did not work.` }));
  }

  async #cancel() {
    this.#stop.abort();
    const ticket = this.#ticket;
    this.#again(false);
    if (ticket) await this.jobs.drop(ticket).catch(() => {});
  }

  /** Back to the form. @param {boolean} other  with another picture @param {boolean} [fresh]  and all else empty */
  #again(other, fresh = false) {
    const ticket = this.#ticket;
    // The server need not keep what it refused.
    if (this.#state === "refused" && ticket) this.jobs.drop(ticket).catch(() => {});
    this.#ticket = null;
    choices.set(JOB, null);
    this.#show("form");
    this.#form.fail(null);
    if (fresh) this.#form.reset();
    else if (other) this.#form.another();
  }

  /** Over to the avatar, once the window has closed. */
  #leave() {
    this.#leaving = true;
    this.#dialog.close();
  }
}
