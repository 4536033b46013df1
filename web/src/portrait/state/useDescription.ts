/** What a segment means; asked once for each. */
import { useCallback, useEffect, useState } from "react";
import type { ApiError } from "../../shared/api";
import type { Description } from "../model/answer";
import { subjectKey, type Subject } from "../model/subject";
import { askDescription } from "./api";

export type Described =
  | { state: "asking" }
  | { state: "told"; description: Description }
  | { state: "failed"; error: ApiError; retry: () => void };

export function useDescription(subject: Subject | null): Described | null {
  const key = subject === null ? null : subjectKey(subject);
  const [known, setKnown] = useState<Record<string, { description: Description } | { error: ApiError }>>({});
  const [attempt, setAttempt] = useState(0);
  const retry = useCallback(() => {
    setKnown((old) => Object.fromEntries(Object.entries(old).filter(([, value]) => "description" in value)));
    setAttempt((old) => old + 1);
  }, []);
  useEffect(() => {
    if (subject === null || key === null || known[key] !== undefined) return;
    let current = true;
    void askDescription(subject).then(({ data, errors }) => {
      const description = data?.segment;
      const told = description
        ? { description }
        : { error: errors?.[0] ?? { message: "The server answered without a segment." } };
      if (current) setKnown((old) => ({ ...old, [key]: told }));
    });
    return () => {
      current = false;
    };
    // `known` is left out: what comes to be known of one segment starts no question about another.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key, attempt]);
  if (key === null) return null;
  const told = known[key];
  if (told === undefined) return { state: "asking" };
  return "description" in told ? { state: "told", ...told } : { state: "failed", ...told, retry };
}
