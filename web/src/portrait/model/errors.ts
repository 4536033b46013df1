/** Which error belongs to which place of an answer. */
import type { Answer, ApiError } from "../../shared/api";
import type { SegmentAnswer } from "./answer";

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
export function leftOut(answer: Answer<{ segment: SegmentAnswer | null }>): number {
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
