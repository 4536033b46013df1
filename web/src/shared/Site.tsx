/** What every page has on top: its name, the other pages, and the field for the key. */
import { useEffect, useId, useState, useSyncExternalStore, type ReactNode } from "react";
import { getKey, onKeyChange, setKey, takeKeyFromAddress } from "./key";

const PAGES = [
  { path: "/", name: "Explorer" },
  { path: "/portrait", name: "Portrait" },
  { path: "/docs", name: "Docs" },
];

/** The key of this tab; draws anew when it changes. */
export function useKey(): string {
  return useSyncExternalStore(onKeyChange, getKey);
}

/** The bar on top of a page; `children` stand before the key. */
export function SiteHeader({ current, children }: { current: string; children?: ReactNode }) {
  useEffect(() => {
    addEventListener("hashchange", takeKeyFromAddress);
    return () => removeEventListener("hashchange", takeKeyFromAddress);
  }, []);
  return (
    <header className="site">
      <a className="site-name" href="/">
        spots-enrichment
      </a>
      <nav aria-label="Pages">
        {PAGES.map(({ path, name }) => (
          <a key={path} href={path} aria-current={name === current ? "page" : undefined}>
            {name}
          </a>
        ))}
      </nav>
      {children}
      <KeyField />
    </header>
  );
}

/** The key as one types it; taken when the field is left or with Enter, not at each letter: each would be a request. */
function KeyField() {
  const key = useKey();
  const [text, setText] = useState(key);
  const [shown, setShown] = useState(false);
  const id = useId();
  useEffect(() => setText(key), [key]);
  return (
    <form
      className="site-key"
      onSubmit={(event) => {
        event.preventDefault();
        setKey(text);
      }}
    >
      <label htmlFor={id}>API key</label>
      <input
        id={id}
        type={shown ? "text" : "password"}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={() => setKey(text)}
        autoComplete="off"
        spellCheck={false}
        placeholder="spots_…"
      />
      <button type="button" aria-pressed={shown} onClick={() => setShown(!shown)}>
        {shown ? "Hide" : "Show"}
      </button>
    </form>
  );
}
