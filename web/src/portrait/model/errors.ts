/** Which error belongs to which place of an answer. */
import type { Answer, ApiError } from "../../shared/api";
import type { SegmentAnswer } from "./answer";

type Told = Answer<{ segment: SegmentAnswer | null }>;

export type Path = readonly (string | number)[];

/** The response key of the segment in each of our documents. */
export const ROOT = "segment";

/** The error that took a field away: it stands at the field, or above it. Errors of the whole request have no path. */
export function errorAt(errors: readonly ApiError[], path: Path): ApiError | undefined {
  return errors.find(
    ({ path: at }) => at === undefined || (at.length <= path.length && at.every((step, index) => step === path[index])),
  );
}

/** An answer with errors left out tells of a null that none of its errors explains. */
export function leftOut(answer: Told): number {
  const count = (answer.extensions as { errorsLeftOut?: number } | undefined)?.errorsLeftOut;
  return count ?? 0;
}

/** What we say of a null without an error. It is not an error of the API, so it has no code of the API. */
export function notTold(leftOutErrors: number): ApiError {
  return {
    message:
      leftOutErrors > 0
        ? `Not told. The answer names 20 errors and leaves out ${leftOutErrors} more: this may be one of them.`
        : "Not told, and the answer says no reason.",
  };
}

/** The error that took a whole field of the segment away; null if the field is there. */
export function refusal(answer: Told, root: keyof SegmentAnswer): ApiError | null {
  if (answer.data?.segment?.[root] != null) return null;
  const errors = answer.errors ?? [];
  return errorAt(errors, [ROOT, root]) ?? errors[0] ?? notTold(leftOut(answer));
}

/** Codes that the same question gets again. */
const FINAL = [
  "INSUFFICIENT_DATA",
  "FORBIDDEN",
  "AUTHENTICATION_FAILED",
  "API_KEY_EXPIRED",
  "BAD_USER_INPUT",
  "INVALID_SEGMENT",
  "QUERY_TOO_COSTLY",
];

/** Whether the same question gets the same answer for now. */
export function isFinal({ extensions }: ApiError): boolean {
  return FINAL.includes(extensions?.code ?? "");
}

/** Whether the server refused, by a code. `NETWORK` is ours, and says that no answer came. */
export function isCoded({ extensions }: ApiError): boolean {
  return extensions?.code !== undefined && extensions.code !== "NETWORK";
}
