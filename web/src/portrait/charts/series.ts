/** One or two segments beside each other in a picture, and what stands in one place of it. */
import type { ApiError } from "../../shared/api";
import type { Measure, SegmentAnswer } from "../model/answer";
import { errorAt, notTold, ROOT, type Path } from "../model/errors";

export interface Series {
  /** A or B; also its color and the shape of its mark. */
  tag: "A" | "B";
  name: string;
  answer: SegmentAnswer;
  errors: readonly ApiError[];
  errorsLeftOut: number;
}

/** A number; the error that took it away; or words: a part of a whole that is counted in *other*. */
export type Cell = { measure: Measure } | { error: ApiError } | { words: string };

/** The cell of a field that may be null with an error. `path` begins below the segment. */
export function cellAt(series: Series, path: Path, measure: Measure | null): Cell {
  return measure === null ? { error: errorOf(series, path) } : { measure };
}

export function errorOf({ errors, errorsLeftOut }: Series, path: Path): ApiError {
  return errorAt(errors, [ROOT, ...path]) ?? notTold(errorsLeftOut);
}

/** The cell of a part of a whole: what is not told alone is in *other*; where nothing is, there is no *other*. */
export function partCell(measure: Measure | null | undefined, isOther = false): Cell {
  return measure == null ? { words: isOther ? "none" : "counted in other" } : { measure };
}
