// @ts-check
/** A video element as the transports use it: when its first picture shows, and whether it is heard. */

/**
 * Calls `shown` with performance.now() milliseconds once a picture shows.
 * @param {HTMLVideoElement} video
 * @param {(when: number) => void} shown
 * @returns {() => void}  stops waiting for it
 */
export function onFirstPicture(video, shown) {
  const now = () => shown(performance.now());
  if ("requestVideoFrameCallback" in video) {
    const handle = video.requestVideoFrameCallback(now);
    return () => video.cancelVideoFrameCallback(handle);
  }
  const element = /** @type {HTMLMediaElement} */ (video);
  element.addEventListener("playing", now, { once: true });
  return () => element.removeEventListener("playing", now);
}

/** The sound of a video: on or off as the person wishes, and silent while what it plays is stale. */
export class VideoSound {
  #muted = true;
  #hushed = false;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
  }

  /**
   * Browsers pause a video that is unmuted before any gesture: then it plays on, muted.
   * @param {boolean} muted
   * @returns {Promise<boolean>}  whether it is as wished
   */
  async setMuted(muted) {
    this.#muted = muted;
    const { video } = this;
    video.muted = muted || this.#hushed;
    if (video.muted) return true;
    try {
      await video.play();
      return true;
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return true;
      this.#muted = video.muted = true;
      video.play().catch(() => {});
      return false;
    }
  }

  hush() {
    this.#hushed = true;
    this.video.muted = true;
  }

  unhush() {
    this.#hushed = false;
    this.video.muted = this.#muted;
  }
}
