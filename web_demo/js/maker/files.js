// @ts-check
/** What files are, and which are taken. */

const KINDS = /^(image|video)\//;
const ENDINGS = /\.(jpe?g|png|webp|heic|heif|avif|tiff?|bmp|gif|mp4|m4v|mov|webm)$/i;
const FILMS = /\.(mp4|m4v|mov|webm)$/i;
const MEGABYTE = 1 << 20;

/** @param {File} file */
export const isFilm = (file) => file.type.startsWith("video/") || FILMS.test(file.name);

/** In kB or MB. @param {number} bytes */
export function sizeOf(bytes) {
  return bytes >= MEGABYTE ? `${(bytes / MEGABYTE).toFixed(bytes < 10 * MEGABYTE ? 1 : 0)} MB` : `${Math.ceil(bytes / 1024)} kB`;
}

/**
 * Why a file is not taken, with what to do; null when it may be a photo or a video.
 * @param {File} file
 * @param {import("../types.js").Limits} limits
 */
export function refusalOf(file, { photo_bytes: photo = Infinity, source_bytes: source = Infinity }) {
  if (/\.lipstream$/i.test(file.name)) return `${file.name} is a whole avatar already. Close this window and import it.`;
  if (!KINDS.test(file.type) && !ENDINGS.test(file.name)) return `${file.name} is no photo or video. Choose a JPEG, PNG, WebP or HEIC, or an MP4, MOV or WebM.`;
  if (!file.size) return `${file.name} is empty. Choose another file.`;
  const most = isFilm(file) ? source : Math.min(photo, source);
  if (file.size <= most) return null;
  return `${file.name} has ${sizeOf(file.size)}, and this server takes ${sizeOf(most)}. Choose a ${isFilm(file) ? "shorter or smaller video" : "smaller picture, or save it as JPEG"}.`;
}
