/** The definition of a segment, loaded once per segment. */
import { useCallback, useEffect, useState } from "react";
import type { ApiError } from "../../shared/api";
import type { Description } from "../model/answer";
import { subjectKey, type Subject } from "../model/subject";
import { fetchDescription } from "./api";

export type Described =
  | { state: "loading" }
  | { state: "loaded"; description: Description }
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
    void fetchDescription(subject).then(({ data, errors }) => {
      const description = data?.segment;
      const result = description
        ? { description }
        : { error: errors?.[0] ?? { message: "The response contains no segment." } };
      if (current) setKnown((old) => ({ ...old, [key]: result }));
    });
    return () => {
      current = false;
    };
    // `known` is not a dependency: a loaded description must not start a request for another segment.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key, attempt]);
  if (key === null) return null;
  const entry = known[key];
  if (entry === undefined) return { state: "loading" };
  return "description" in entry ? { state: "loaded", ...entry } : { state: "failed", ...entry, retry };
}
