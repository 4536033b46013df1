/**
 * A link may bring a document: `/#query=..&variables=..`, both as `encodeURIComponent` writes them, and the key beside
 * them (`shared/key.ts`). What stands behind `#` is not sent to the server.
 */
export interface LinkedDocument {
  query: string;
  variables: string;
}

/** Takes the document out of the address; the key, if there is one, stays for `takeKeyFromAddress`. */
export function takeDocumentFromAddress(): LinkedDocument | null {
  const names = new URLSearchParams(location.hash.slice(1));
  const query = names.get("query");
  if (query === null) return null;
  const variables = names.get("variables") ?? "";
  names.delete("query");
  names.delete("variables");
  const rest = names.toString();
  history.replaceState(null, "", location.pathname + location.search + (rest === "" ? "" : `#${rest}`));
  return { query, variables: indented(variables) };
}

/** Links carry JSON in one line; people read it in several. */
function indented(json: string): string {
  try {
    return json === "" ? "" : JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
