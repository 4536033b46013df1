/** Links from errors to the documentation. */

/** Returns `docs` if it is a path to a document of this server, else undefined: errors never link to another host. */
export function docsLink(docs: unknown): string | undefined {
  return typeof docs === "string" && /^\/docs\/[\w.#-]+$/.test(docs) ? docs : undefined;
}
