/** The account and the vocabulary of the key, loaded once per key. */
import { useCallback, useEffect, useState } from "react";
import type { ApiError } from "../../shared/api";
import { fetchInitialData, type InitialData } from "./api";

export type InitialDataState =
  | { state: "loading" }
  | { state: "loaded"; initial: InitialData }
  | { state: "failed"; error: ApiError; retry: () => void };

export function useInitialData(): InitialDataState {
  const [result, setResult] = useState<{ initial: InitialData } | { error: ApiError } | null>(null);
  const [attempt, setAttempt] = useState(0);
  const retry = useCallback(() => {
    setResult(null);
    setAttempt((old) => old + 1);
  }, []);
  useEffect(() => {
    let current = true;
    void fetchInitialData().then(({ data, errors }) => {
      if (!current) return;
      setResult(data ? { initial: data } : { error: errors?.[0] ?? { message: "The response contains no data." } });
    });
    return () => {
      current = false;
    };
  }, [attempt]);
  if (result === null) return { state: "loading" };
  return "initial" in result ? { state: "loaded", ...result } : { state: "failed", ...result, retry };
}
