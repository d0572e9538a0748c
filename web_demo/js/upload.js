// @ts-check
/** Sends a body and tells how much of it has left, which `fetch` cannot. */

/**
 * @param {URL} url
 * @param {object} request
 * @param {string} request.method
 * @param {Headers} request.headers
 * @param {XMLHttpRequestBodyInit|undefined} request.body
 * @param {AbortSignal} request.signal
 * @param {(share: number) => void} request.progress  0..1, 1 when all of it has left
 * @returns {Promise<Response>}
 */
export function upload(url, { method, headers, body, signal, progress }) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.responseType = "blob";
    headers.forEach((value, name) => request.setRequestHeader(name, value));
    request.upload.addEventListener("progress", ({ lengthComputable, loaded, total }) => lengthComputable && progress(loaded / total));
    request.upload.addEventListener("load", () => progress(1));
    request.addEventListener("load", () => resolve(answerOf(request)));
    request.addEventListener("error", () => reject(new TypeError("The connection broke off.")));
    request.addEventListener("abort", () => reject(signal.reason));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

/** As `fetch` would have it. @param {XMLHttpRequest} request */
function answerOf(request) {
  const { status, statusText, response } = request;
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().trim().split(/\r?\n/)) {
    const [name, ...value] = line.split(":");
    if (name) headers.append(name, value.join(":").trim());
  }
  return new Response(status === 204 ? null : response, { status, statusText, headers });
}
