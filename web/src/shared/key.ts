/**
 * The API key. It is stored in the session storage of this tab and sent only in a header.
 *
 * A link can contain the key as `#key=...`, as printed by the demo. Browsers do not send the URL fragment to the
 * server, and the page removes the key from the URL immediately.
 */
const NAME = "spots.key";
const listeners = new Set<() => void>();

/** Moves a key from the URL to the storage: before the first render, and when a link on the page contains a key. */
export function takeKeyFromUrl(): void {
  const names = new URLSearchParams(location.hash.slice(1));
  const key = names.get("key");
  if (key === null) return;
  // Other parameters of the fragment, such as a document, are read elsewhere.
  names.delete("key");
  const rest = names.toString();
  history.replaceState(null, "", location.pathname + location.search + (rest === "" ? "" : `#${rest}`));
  setKey(key);
}

/** Returns the key, or "" if there is none. */
export function getKey(): string {
  return sessionStorage.getItem(NAME) ?? "";
}

/** Stores a key, and notifies the listeners if it differs from the current key. */
export function setKey(key: string): void {
  const trimmed = key.trim();
  if (trimmed === getKey()) return;
  if (trimmed === "") sessionStorage.removeItem(NAME);
  else sessionStorage.setItem(NAME, trimmed);
  for (const listener of listeners) listener();
}

/** Calls `listener` when the key changes. Returns a function that removes the listener. */
export function onKeyChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
