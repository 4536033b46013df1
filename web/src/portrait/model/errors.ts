/** Assigns errors to the fields of an answer. */
import type { Answer, ApiError } from "../../shared/api";
import type { SegmentAnswer } from "./answer";

type SegmentResponse = Answer<{ segment: SegmentAnswer | null }>;

export type Path = readonly (string | number)[];

/** The response key of the segment in every document of this page. */
export const ROOT = "segment";

/** The error of a field: an error at its path or at a parent path. Errors of the whole request have no path. */
export function errorAt(errors: readonly ApiError[], path: Path): ApiError | undefined {
  return errors.find(
    ({ path: at }) => at === undefined || (at.length <= path.length && at.every((step, index) => step === path[index])),
  );
}

/** The number of errors that the server omitted from the answer. A null may belong to one of them. */
export function omittedErrorCount(answer: SegmentResponse): number {
  const count = (answer.extensions as { errorsLeftOut?: number } | undefined)?.errorsLeftOut;
  return count ?? 0;
}

/** The message for a null without an error. It is created by this page, so it has no API code. */
export function missingValueError(omitted: number): ApiError {
  return {
    message:
      omitted > 0
        ? `Withheld. The response lists 20 errors and omits ${omitted} more; one of them may apply here.`
        : "Withheld. The response contains no reason.",
  };
}

/** The error of a top-level field of the segment; null if the field has a value. */
export function fieldError(answer: SegmentResponse, root: keyof SegmentAnswer): ApiError | null {
  if (answer.data?.segment?.[root] != null) return null;
  const errors = answer.errors ?? [];
  return errorAt(errors, [ROOT, root]) ?? errors[0] ?? missingValueError(omittedErrorCount(answer));
}

/** Codes that the same request returns again. */
const PERMANENT_CODES = [
  "INSUFFICIENT_DATA",
  "FORBIDDEN",
  "AUTHENTICATION_FAILED",
  "API_KEY_EXPIRED",
  "BAD_USER_INPUT",
  "INVALID_SEGMENT",
  "QUERY_TOO_COSTLY",
];

/** Whether repeating the request would return the same error. */
export function isPermanent({ extensions }: ApiError): boolean {
  return PERMANENT_CODES.includes(extensions?.code ?? "");
}

/** Whether the error has a code of the API. `NETWORK` is set by this page if there was no response. */
export function hasApiCode({ extensions }: ApiError): boolean {
  return extensions?.code !== undefined && extensions.code !== "NETWORK";
}
