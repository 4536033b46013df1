/** The saved segments that the key can access, loaded page by page. */
import { useCallback, useEffect, useId, useRef, useState } from "react";
import type { ApiError } from "../../shared/api";
import { describe } from "../model/format";
import { CodedError, TryAgain } from "../panel/CodedError";
import { fetchSegments, type SavedSegment } from "../state/api";

/** Time after the last keystroke before the search request is sent. */
const DEBOUNCE_MS = 350;

export function Saved({ current, onUse }: { current: string | null; onUse: (slug: string) => void }) {
  const [search, setSearch] = useState("");
  const [list, setList] = useState<SavedSegment[] | null>(null);
  /** The search text to which the list belongs. */
  const [listed, setListed] = useState("");
  const [after, setAfter] = useState<string | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const newest = useRef(0);
  const id = useId();

  const load = useCallback(async (text: string, cursor: string | null) => {
    const sequence = ++newest.current;
    setError(null);
    const { data, errors } = await fetchSegments(text.trim(), cursor);
    if (sequence !== newest.current) return;
    if (data == null) return setError(errors?.[0] ?? { message: "The response contains no data." });
    const { nodes, pageInfo } = data.segments;
    setListed(text.trim());
    setList((old) => (cursor === null ? nodes : [...(old ?? []), ...nodes]));
    setAfter(pageInfo.hasNextPage ? pageInfo.endCursor : null);
  }, []);

  const first = useRef(true);
  useEffect(() => {
    const timer = setTimeout(() => void load(search, null), first.current ? 0 : DEBOUNCE_MS);
    first.current = false;
    return () => clearTimeout(timer);
  }, [search, load]);

  return (
    <div className="saved">
      <label className="sr-only" htmlFor={id}>
        Search saved segments
      </label>
      <input
        id={id}
        type="search"
        placeholder="search by name"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      {error === null ? null : (
        <CodedError error={error}>
          <TryAgain after={error.extensions?.retryAfterSeconds} onClick={() => void load(search, null)}>
            Try again
          </TryAgain>
        </CodedError>
      )}
      {list === null && error === null ? <p className="hint">Loading the saved segments.</p> : null}
      {list !== null && list.length === 0 ? (
        <p className="hint">
          {listed === ""
            ? "This key can access no saved segment. Compose one, or ask the operator for shared segments."
            : `No saved segment has “${listed}” in its name or slug.`}
        </p>
      ) : null}
      <ul>
        {(list ?? []).map(({ slug, name, shared, definition }) => (
          <li key={slug}>
            <button type="button" aria-current={slug === current ? "true" : undefined} onClick={() => onUse(slug)}>
              {/* A name may contain characters that change the text direction. */}
              <bdi className="saved-name">{name}</bdi>
              <span className="hint">
                <code>{slug}</code> · {describe(definition)}
                {shared ? "" : " · your own"}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {after === null ? null : (
        <button type="button" className="quiet" onClick={() => void load(search, after)}>
          More segments
        </button>
      )}
    </div>
  );
}
