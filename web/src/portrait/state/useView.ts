/** Synchronizes the view with the URL in both directions. */
import { useCallback, useEffect, useRef, useState } from "react";
import { readView, writeView, type View } from "../model/viewUrl";

/** Slider changes update the URL with a delay, because browsers limit the rate of URL changes. */
const DEBOUNCE_MS = 400;

function currentView(): View {
  return readView(new URLSearchParams(location.search));
}

function urlOf(view: View): string {
  const query = writeView(view);
  return `${location.pathname}${query === "" ? "" : `?${query}`}`;
}

/** A change of segments adds a history entry; a change of the product replaces the current entry. */
export function useView(): [View, (change: Partial<View>) => void] {
  const [view, setView] = useState(currentView);
  const newest = useRef(view);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const apply = useCallback((next: View) => {
    clearTimeout(timer.current);
    newest.current = next;
    setView(next);
  }, []);
  useEffect(() => {
    const back = () => apply(currentView());
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, [apply]);
  const update = useCallback(
    (change: Partial<View>) => {
      apply({ ...newest.current, unrecognized: false, ...change });
      if ("product" in change) {
        timer.current = setTimeout(() => history.replaceState(null, "", urlOf(newest.current)), DEBOUNCE_MS);
      } else {
        history.pushState(null, "", urlOf(newest.current));
      }
    },
    [apply],
  );
  return [view, update];
}
