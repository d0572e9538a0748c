// @ts-check
/** What is remembered: choices for this browser, the session and the key for this tab. Works without storage too. */

/** @param {() => Storage} open */
function over(open) {
  return {
    /**
     * @param {string} name
     * @returns {any}
     */
    get(name) {
      try {
        return JSON.parse(open().getItem(`lipstream.${name}`) ?? "null");
      } catch {
        return null;
      }
    },
    /**
     * @param {string} name
     * @param {unknown} value  null forgets it
     */
    set(name, value) {
      try {
        if (value === null) open().removeItem(`lipstream.${name}`);
        else open().setItem(`lipstream.${name}`, JSON.stringify(value));
      } catch {
        // Storage is full or forbidden: the page works, it only remembers nothing.
      }
    },
  };
}

export const choices = over(() => localStorage);
export const tab = over(() => sessionStorage);
