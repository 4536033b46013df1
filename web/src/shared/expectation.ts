/** What a quote expects of the numbers of a document. */

export type Quality = "HIGH" | "OK" | "LOW";

/** A segment of a quoted document. */
export interface QuotedSegment {
  bundles: QuotedBundle[];
}

/** Statistics that a document reads. */
export interface QuotedBundle {
  bundle: string;
  /** The probable quality of most numbers; null if the key has not seen the size, or if no number is returned. */
  quality: Quality | null;
  /** The reason for which no number is returned. */
  withheld: string | null;
}

/** The fields that `expectationOf` needs. */
export const QUOTED_SEGMENTS = "segments { bundles { bundle quality withheld } }";

/** The probable quality of the numbers, and the reasons for which numbers are withheld; null if nothing is known. */
export function expectationOf(segments: readonly QuotedSegment[]): string | null {
  const all = segments.flatMap(({ bundles }) => bundles);
  // Each document reads the size; its quality matters only if nothing else is read.
  const others = all.filter(({ bundle }) => bundle !== "SIZE");
  const bundles = others.length > 0 ? others : all;
  const qualities = ["HIGH", "OK", "LOW"].filter((quality) => bundles.some((bundle) => bundle.quality === quality));
  const reasons = [...new Set(bundles.flatMap(({ withheld }) => (withheld === null ? [] : [withheld])))];
  const expected = qualities.length > 0 ? [`Expected quality: ${qualities.join(" or ")}.`] : [];
  const withheld = reasons.length > 0 ? [`Numbers will be withheld: ${reasons.join(", ")}.`] : [];
  const sentences = [...expected, ...withheld];
  return sentences.length === 0 ? null : sentences.join(" ");
}
