/** The view of the address bar: read from it, written to it. */
import { useCallback, useEffect, useRef, useState } from "react";
import { readView, writeView, type View } from "../model/address";

/** Sliding writes the address when it rests: browsers refuse to change it more often. */
const PAUSE_MS = 400;

function here(): View {
  return readView(new URLSearchParams(location.search));
}

function address(view: View): string {
  const query = writeView(view);
  return `${location.pathname}${query === "" ? "" : `?${query}`}`;
}

/** A change of segments is a step that "back" undoes; sliding a product is not. */
export function useView(): [View, (change: Partial<View>) => void] {
  const [view, setView] = useState(here);
  const newest = useRef(view);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const take = useCallback((next: View) => {
    clearTimeout(timer.current);
    newest.current = next;
    setView(next);
  }, []);
  useEffect(() => {
    const back = () => take(here());
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, [take]);
  const update = useCallback(
    (change: Partial<View>) => {
      take({ ...newest.current, misread: false, ...change });
      if ("product" in change) {
        timer.current = setTimeout(() => history.replaceState(null, "", address(newest.current)), PAUSE_MS);
      } else {
        history.pushState(null, "", address(newest.current));
      }
    },
    [take],
  );
  return [view, update];
}
