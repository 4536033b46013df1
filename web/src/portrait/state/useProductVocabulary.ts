/** The styles and features of products, loaded once, when the list is opened. */
import { useCallback, useRef, useState } from "react";
import type { ApiError } from "../../shared/api";
import { fetchProductVocabulary } from "./api";

export type ProductVocabularyState =
  | { state: "idle" }
  | { state: "loading" }
  | { state: "loaded"; styles: string[]; features: string[] }
  | { state: "failed"; error: ApiError };

export function useProductVocabulary(): [ProductVocabularyState, () => void] {
  const [terms, setTerms] = useState<ProductVocabularyState>({ state: "idle" });
  const requested = useRef(false);
  const load = useCallback(() => {
    if (requested.current) return;
    requested.current = true;
    setTerms({ state: "loading" });
    void fetchProductVocabulary().then(({ data, errors }) => {
      const list = (entries: { word: string }[]) => entries.map(({ word }) => word);
      if (data) {
        const { styles, features } = data.vocabulary;
        return setTerms({ state: "loaded", styles: list(styles), features: list(features) });
      }
      requested.current = false;
      setTerms({ state: "failed", error: errors?.[0] ?? { message: "The response contains no data." } });
    });
  }, []);
  return [terms, load];
}
