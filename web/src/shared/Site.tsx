/** The page header: site name, links to the other pages, and the API key field. */
import { useEffect, useId, useState, useSyncExternalStore, type ReactNode } from "react";
import { getKey, onKeyChange, setKey, takeKeyFromUrl } from "./key";

const PAGES = [
  { path: "/", name: "Explorer" },
  { path: "/portrait", name: "Portrait" },
  { path: "/docs", name: "Docs" },
];

/** The API key of this tab; the component renders again when the key changes. */
export function useKey(): string {
  return useSyncExternalStore(onKeyChange, getKey);
}

/** The header of a page; `children` are placed before the key field. */
export function SiteHeader({ current, children }: { current: string; children?: ReactNode }) {
  useEffect(() => {
    addEventListener("hashchange", takeKeyFromUrl);
    return () => removeEventListener("hashchange", takeKeyFromUrl);
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

/** The key field. The key is applied on Enter or blur, not on each keystroke, because each new key causes requests. */
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
