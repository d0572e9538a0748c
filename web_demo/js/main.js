// @ts-check
/** Wires the page together. */

import { Api, ApiError } from "./api.js";
import { AvatarCards } from "./avatars.js";
import { Captions } from "./captions.js";
import { Composer } from "./composer.js";
import { Details } from "./details.js";
import { byId } from "./dom.js";
import { History } from "./history.js";
import { install } from "./hook.js";
import { Latency } from "./latency.js";
import { MakerDoor } from "./maker/door.js";
import { Exchange } from "./maker/exchange.js";
import { Microphone } from "./microphone.js";
import { MediaProbe } from "./probe.js";
import { RenderPanel } from "./render.js";
import { LiveSession } from "./session.js";
import { Sound } from "./sound.js";
import { choices } from "./store.js";
import { WebRtcTransport } from "./transport/webrtc.js";
import { WebSocketTransport } from "./transport/websocket.js";
import { Stage } from "./ui.js";
import { VoicePanel, speakable } from "./voices.js";

const query = new URLSearchParams(location.search);
const probe = query.get("probe") === "1" ? new MediaProbe() : null;

const api = new Api(askForKey);
const stage = new Stage();
const cards = new AvatarCards();
const composer = new Composer();
const captions = new Captions(byId("caption", HTMLElement), byId("caption-text", HTMLElement), byId("caption-said", HTMLElement));
const sound = new Sound();
const latency = new Latency();
const renders = new RenderPanel(api);
const history = new History((text) => speak(composer.wish(text)));
const live = new LiveSession(api, build, firstTransport());
const microphone = new Microphone(live);
const ownVoices = new VoicePanel(api);
const exchange = new Exchange(api);
const maker = new MakerDoor(({ MakerPanel, TalkingPreview }) => {
  const panel = new MakerPanel(api, new TalkingPreview(live, stage, sound), exchange, welcome, choose);
  panel.addEventListener("told", (event) => stage.toast(/** @type {CustomEvent} */ (event).detail));
  panel.addEventListener("talk", () => byId("text", HTMLElement).focus());
  return panel;
});
let speaking = false;
let voicesKnown = false;

install(live, latency, probe);
new Details(live, latency);

/** @returns {"webrtc"|"websocket"} */
function firstTransport() {
  const wanted = query.get("transport") ?? choices.get("transport");
  if (typeof RTCPeerConnection === "undefined") return "websocket";
  return wanted === "websocket" ? "websocket" : "webrtc";
}

/**
 * @param {string} kind
 * @param {import("./types.js").SessionInfo} info
 * @param {import("./types.js").TransportHooks} hooks
 * @returns {import("./types.js").Transport}
 */
function build(kind, info, hooks) {
  if (kind === "webrtc") return new WebRtcTransport(api, info, stage.live, hooks, probe);
  return new WebSocketTransport(info, stage, hooks, probe, query.get("format"));
}

async function askForKey() {
  const dialog = byId("key-dialog", HTMLDialogElement);
  const input = byId("key-input", HTMLInputElement);
  if (dialog.open) return null;
  input.value = "";
  dialog.returnValue = "cancel";
  byId("key-cancel", HTMLButtonElement).onclick = () => dialog.close("cancel");
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "ok" ? input.value.trim() || null : null;
}

/** @param {import("./types.js").Avatar|undefined} avatar */
function present(avatar) {
  if (!avatar) return;
  choices.set("last", { id: avatar.id, name: avatar.name, poster_url: avatar.poster_url, idle_url: avatar.idle_url });
  stage.breathe(avatar);
  cards.select(avatar.id);
  composer.addressee(avatar.name ?? avatar.id);
  byId("stage-name", HTMLElement).textContent = avatar.name ?? avatar.id;
}

/** What a failed start left out is asked for again once there is a connection. */
function loadLists() {
  if (!cards.size) loadAvatars().catch((error) => stage.toast(error.message));
  if (!voicesKnown) loadVoices().catch(() => {});
}

async function loadVoices() {
  const { voices, profiles, max_profiles } = await api.voices();
  composer.voices(speakable(voices, profiles));
  ownVoices.fill(profiles, max_profiles);
  voicesKnown = true;
}

async function loadAvatars() {
  const avatars = await api.avatars();
  cards.fill(avatars);
  present(cards.find(live.info?.avatar ?? live.avatar) ?? cards.preferred);
}

/** An avatar that was just made, among the cards. @param {string} id */
async function welcome(id) {
  await loadAvatars();
  return cards.find(id);
}

/** @param {import("./types.js").Avatar|undefined} avatar */
async function choose(avatar) {
  if (!avatar) return;
  present(avatar);
  await live.change(avatar.id).catch((error) => stage.toast(error.message));
}

/** @param {import("./composer.js").Wish} wish */
async function speak(wish) {
  composer.fail(null);
  if (live.transport && live.connection === "live" && !history.busy) latency.pressed(live.transport);
  try {
    await (wish.file ? live.sayRecording(wish.file) : live.say(wish));
  } catch (error) {
    latency.stop();
    composer.fail(error instanceof Error ? error.message : String(error));
  }
}

/** Who was shown and is gone makes room for the default. @param {string} id */
async function removed(id) {
  const shown = live.avatar === id;
  if (shown) live.avatar = null;
  await loadAvatars().catch((error) => stage.toast(error.message));
  if (shown) choose(cards.preferred);
}

async function interrupt() {
  latency.stop();
  try {
    await live.interrupt();
  } catch (error) {
    composer.fail(error instanceof Error ? error.message : String(error));
  }
}

function showState() {
  const { connection, transport } = live;
  const on = connection === "live";
  stage.show(on && transport ? transport.surface : "idle");
  stage.state(on && speaking ? "speaking" : connection);
  stage.trouble(connection === "failed" ? live.error : null, live.kind === "webrtc" && !(live.error instanceof ApiError));
  if (!on) {
    speaking = false;
    captions.reset();
    history.reset();
    composer.interruptible(false);
    sound.attach(null);
  }
  for (const input of document.querySelectorAll("#transport input")) {
    if (input instanceof HTMLInputElement) input.checked = input.value === live.kind;
  }
}

/** @param {import("./types.js").ServerEvent} event */
function take(event) {
  history.take(event);
  composer.interruptible(history.busy || speaking);
  switch (event.type) {
    case "session.state":
      speaking = event.state === "speaking";
      live.avatar = event.avatar;
      present(cards.find(event.avatar));
      if (live.connection === "live") stage.state(speaking ? "speaking" : "live");
      composer.interruptible(history.busy || speaking);
      break;
    case "utterance.queued":
      captions.queued(event.utterance, event.text);
      break;
    case "utterance.appended":
      captions.appended(event.utterance, event.text);
      break;
    case "utterance.started":
      latency.started(event);
      break;
    case "word":
      captions.word(event, live.transport?.delay(event.slot) ?? 0);
      break;
    case "utterance.ended":
      captions.ended(event);
      if (event.reason === "failed" && event.message) stage.toast(event.message);
      break;
    case "notice":
      stage.toast(event.message);
      break;
    case "error":
      if (!event.id) stage.toast(event.message);
      break;
  }
}

live.addEventListener("state", showState);
live.addEventListener("event", (event) => take(/** @type {CustomEvent} */ (event).detail));
live.addEventListener("connected", (event) => {
  latency.connected(/** @type {CustomEvent} */ (event).detail.took);
  sound.attach(live.transport);
  loadLists();
});
live.addEventListener("fallback", () => stage.toast("WebRTC finds no way through this network, so the picture now comes over WebSocket."));

composer.addEventListener("speak", (event) => speak(/** @type {CustomEvent} */ (event).detail));
composer.addEventListener("interrupt", interrupt);
composer.addEventListener("save", (event) => renders.save(/** @type {CustomEvent} */ (event).detail, live.avatar));
ownVoices.addEventListener("change", () => loadVoices().catch((error) => stage.toast(error.message)));
ownVoices.addEventListener("refused", (event) => stage.toast(/** @type {CustomEvent} */ (event).detail));
microphone.addEventListener("trouble", (event) => composer.fail(/** @type {CustomEvent} */ (event).detail));
cards.addEventListener("choose", (event) => choose(/** @type {CustomEvent} */ (event).detail));
cards.addEventListener("save", (event) => exchange.save(/** @type {CustomEvent} */ (event).detail).catch((error) => stage.toast(error.message)));
cards.addEventListener("remove", (event) => exchange.remove(/** @type {CustomEvent} */ (event).detail).catch((error) => stage.toast(error.message)));
exchange.addEventListener("taken", (event) => welcome(/** @type {CustomEvent} */ (event).detail).then(choose, (error) => stage.toast(error.message)));
exchange.addEventListener("removed", (event) => removed(/** @type {CustomEvent} */ (event).detail));
maker.addEventListener("trouble", (event) => stage.toast(/** @type {CustomEvent} */ (event).detail));

byId("transport", HTMLElement).addEventListener("change", ({ target }) => {
  const kind = /** @type {"webrtc"|"websocket"} */ (/** @type {HTMLInputElement} */ (target).value);
  choices.set("transport", kind);
  live.use(kind);
});
byId("trouble-retry", HTMLButtonElement).addEventListener("click", () => live.connect());
byId("trouble-switch", HTMLButtonElement).addEventListener("click", () => live.use("websocket"));
byId("tool-captions", HTMLButtonElement).addEventListener("click", ({ currentTarget }) => {
  const button = /** @type {HTMLElement} */ (currentTarget);
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  captions.enable(on);
});

// The loop of the avatar last seen needs no list: it starts while everything else is asked for.
const last = choices.get("last");
if (last?.idle_url) present(last);
showState();
live.connect();
// The connection tells what is wrong, if something is; the lists are asked for again when it stands.
loadAvatars().catch(() => {});
loadVoices().catch(() => {});
