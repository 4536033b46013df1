/** Links from errors to the documents. */

/** Where the server says that a code is explained, if that is a document of this server: no link leaves it. */
export function docsLink(docs: unknown): string | undefined {
  return typeof docs === "string" && /^\/docs\/[\w.#-]+$/.test(docs) ? docs : undefined;
}
