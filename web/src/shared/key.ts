/**
 * The API key: kept for this tab only (session storage), and sent as a header only.
 *
 * A link may bring it as `#key=...`, as the demo prints it: what stands behind `#` never leaves the browser, and it is
 * taken out of the address at once.
 */
const NAME = "spots.key";
const listeners = new Set<() => void>();

/** Takes a key out of the address: before the page is drawn, and whenever a link with a key is followed on it. */
export function takeKeyFromAddress(): void {
  const names = new URLSearchParams(location.hash.slice(1));
  const key = names.get("key");
  if (key === null) return;
  // What stands beside it, such as a document, is left for others.
  names.delete("key");
  const rest = names.toString();
  history.replaceState(null, "", location.pathname + location.search + (rest === "" ? "" : `#${rest}`));
  setKey(key);
}

/** The key, or "". */
export function getKey(): string {
  return sessionStorage.getItem(NAME) ?? "";
}

/** Keeps a key and tells the listeners, if it is another one. */
export function setKey(key: string): void {
  const trimmed = key.trim();
  if (trimmed === getKey()) return;
  if (trimmed === "") sessionStorage.removeItem(NAME);
  else sessionStorage.setItem(NAME, trimmed);
  for (const listener of listeners) listener();
}

/** Calls back when the key changes, until the function that it returns is called. */
export function onKeyChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
