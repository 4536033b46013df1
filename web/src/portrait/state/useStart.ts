/** What there is to choose from, asked once for a key. */
import { useCallback, useEffect, useState } from "react";
import type { ApiError } from "../../shared/api";
import { askStart, type Start } from "./api";

export type Started =
  { state: "asking" } | { state: "told"; start: Start } | { state: "failed"; error: ApiError; retry: () => void };

export function useStart(): Started {
  const [result, setResult] = useState<{ start: Start } | { error: ApiError } | null>(null);
  const [attempt, setAttempt] = useState(0);
  const retry = useCallback(() => {
    setResult(null);
    setAttempt((old) => old + 1);
  }, []);
  useEffect(() => {
    let current = true;
    void askStart().then(({ data, errors }) => {
      if (!current) return;
      setResult(data ? { start: data } : { error: errors?.[0] ?? { message: "The server answered nothing." } });
    });
    return () => {
      current = false;
    };
  }, [attempt]);
  if (result === null) return { state: "asking" };
  return "start" in result ? { state: "told", ...result } : { state: "failed", ...result, retry };
}
