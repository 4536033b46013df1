/** The data of one or two segments in a picture, and the content of its cells. */
import type { ApiError } from "../../shared/api";
import type { Measure, SegmentAnswer } from "../model/answer";
import { errorAt, missingValueError, ROOT, type Path } from "../model/errors";

export interface Series {
  /** A or B; determines the color and the shape of the marks. */
  tag: "A" | "B";
  name: string;
  answer: SegmentAnswer;
  errors: readonly ApiError[];
  errorsOmitted: number;
}

/** A number; the error for which it is withheld; or text, such as for a part that is counted in *other*. */
export type Cell = { measure: Measure } | { error: ApiError } | { text: string };

/** The cell of a field that is null if it has an error. `path` is relative to the segment. */
export function cellAt(series: Series, path: Path, measure: Measure | null): Cell {
  return measure === null ? { error: errorOf(series, path) } : { measure };
}

export function errorOf({ errors, errorsOmitted }: Series, path: Path): ApiError {
  return errorAt(errors, [ROOT, ...path]) ?? missingValueError(errorsOmitted);
}

/** The cell of a part of a whole. A withheld part is counted in *other*; there is no *other* if no part is withheld. */
export function partCell(measure: Measure | null | undefined, isOther = false): Cell {
  return measure == null ? { text: isOther ? "none" : "counted in other" } : { measure };
}
