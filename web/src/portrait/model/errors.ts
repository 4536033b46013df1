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

/** What two errors with the same cause have in common. */
export function causeOf({ message, extensions }: ApiError): string {
  return `${extensions?.code ?? ""} ${extensions?.reason ?? ""} ${message}`;
}

/** The different errors of parts of a picture, below its root field: each cause once. */
export function partErrors(errors: readonly ApiError[], root: string, ofRules: boolean): ApiError[] {
  const parts = errors.filter(({ path = [], extensions }) => {
    const isBelow = path.length > 2 && path[0] === ROOT && path[1] === root;
    return isBelow && extensions?.code !== undefined && path.includes("implications") === ofRules;
  });
  return [...new Map(parts.map((error) => [causeOf(error), error])).values()];
}

/** Whether repeating the request would return the same error. */
export function isPermanent({ extensions }: ApiError): boolean {
  return PERMANENT_CODES.includes(extensions?.code ?? "");
}

/** Whether the error has a code of the API. `NETWORK` is set by this page if there was no response. */
export function hasApiCode({ extensions }: ApiError): boolean {
  return extensions?.code !== undefined && extensions.code !== "NETWORK";
}
