/** The queried segments: disjoint parts of the people, composed from the vocabulary. */
import type { AgeRange, ContextQuery, FitQuery, SegmentDefinition } from "./generated/graphql.js";

/** The aliases of the segments in `queries.graphql`. */
export type SegmentKey = keyof FitQuery;
const COUNT = 20;

export interface Segment {
  key: SegmentKey;
  name: string;
  definition: SegmentDefinition;
}

// Few and wide groups, because small groups have more relative noise. Whole age bands, so that none is widened.
const AGES: { name: string; age: AgeRange }[] = [
  { name: "18-24", age: { from: 18, to: 24 } },
  { name: "25-44", age: { from: 25, to: 44 } },
  { name: "45-64", age: { from: 45, to: 64 } },
  { name: "65+", age: { from: 65 } },
];

/** Regions x ages: no two of them overlap, and each region is charged for its own people only. */
export function compose(vocabulary: ContextQuery["vocabulary"]): Segment[] {
  for (const { name, age } of AGES) {
    const starts = vocabulary.ageBands.some((band) => band.from === age.from);
    const ends = vocabulary.ageBands.some((band) => band.to === (age.to ?? null));
    if (!starts || !ends) throw new Error(`The ages ${name} are not whole age bands of this server.`);
  }
  const segments = vocabulary.regions
    .flatMap((region) =>
      AGES.map(({ name, age }) => ({ name: `${region} ${name}`, definition: { regions: [region], age } })),
    )
    .slice(0, COUNT)
    .map((segment, index) => ({ ...segment, key: `s${String(index + 1).padStart(2, "0")}` as SegmentKey }));
  if (segments.length < COUNT) {
    throw new Error(
      `${vocabulary.regions.length} regions make ${segments.length} segments; the document queries ${COUNT}.`,
    );
  }
  return segments;
}

/** The variables of the document: one definition for each alias. */
export function definitions(segments: Segment[]): Record<SegmentKey, SegmentDefinition> {
  return Object.fromEntries(segments.map(({ key, definition }) => [key, definition])) as Record<
    SegmentKey,
    SegmentDefinition
  >;
}
