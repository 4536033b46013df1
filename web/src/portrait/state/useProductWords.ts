/** Styles and features of products, asked once, when somebody looks at them. */
import { useCallback, useRef, useState } from "react";
import type { ApiError } from "../../shared/api";
import { askProductWords } from "./api";

export type ProductWordsAt =
  | { state: "not asked" }
  | { state: "asking" }
  | { state: "told"; styles: string[]; features: string[] }
  | { state: "failed"; error: ApiError };

export function useProductWords(): [ProductWordsAt, () => void] {
  const [words, setWords] = useState<ProductWordsAt>({ state: "not asked" });
  const asked = useRef(false);
  const load = useCallback(() => {
    if (asked.current) return;
    asked.current = true;
    setWords({ state: "asking" });
    void askProductWords().then(({ data, errors }) => {
      const list = (entries: { word: string }[]) => entries.map(({ word }) => word);
      if (data) {
        const { styles, features } = data.vocabulary;
        return setWords({ state: "told", styles: list(styles), features: list(features) });
      }
      asked.current = false;
      setWords({ state: "failed", error: errors?.[0] ?? { message: "The server answered nothing." } });
    });
  }, []);
  return [words, load];
}
