/**
 * Links to a document: `/#query=..&variables=..`, both encoded with `encodeURIComponent`, with an optional key
 * (`shared/key.ts`). Browsers do not send the URL fragment to the server.
 */
export interface LinkedDocument {
  query: string;
  variables: string;
}

/** Removes the document from the URL and returns it; the key, if any, is left for `takeKeyFromUrl`. */
export function takeDocumentFromUrl(): LinkedDocument | null {
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

/** Indents the JSON of a link; returns text that is not JSON unchanged. */
function indented(json: string): string {
  try {
    return json === "" ? "" : JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}
