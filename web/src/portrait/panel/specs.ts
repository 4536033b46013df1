/** The pictures of the page: what they are called, what they need, and how they are drawn. */
import type { ComponentType } from "react";
import type { Series } from "../charts/series";
import type { PictureId } from "../documents/fragments";
import type { Release, SegmentAnswer } from "../model/answer";
import { Dimensions } from "../pictures/Dimensions";
import { Comparison, Connections, Habits, Mixture } from "../pictures/Figures";
import { Fit } from "../pictures/Fit";
import { Knot } from "../pictures/Knot";
import { MarketingRules, ProductRules } from "../pictures/Rules";
import { Archetypes, Dwell, Places } from "../pictures/Shares";
import { Size } from "../pictures/Size";
import { Week } from "../pictures/Week";

/** A field of a segment that may be null; all of a picture lies below it. */
export type Root = keyof SegmentAnswer;

export interface Spec {
  id: PictureId;
  title: string;
  about: string;
  root: Root;
  /** What of the root the picture shows: the answer may hold more, for other pictures. */
  part: (answer: SegmentAnswer) => unknown;
  release: (answer: SegmentAnswer) => Release | undefined;
  Picture: ComponentType<{ series: Series[] }>;
  /** Scopes that the key needs, as `viewer { scopes }` names them, that of the root first; none for the size. */
  scopes: string[];
  /** Whether it covers the window that one chooses, and not 28 days. */
  windowed?: boolean;
  /** Which of two columns it stands in; without one it is as wide as the page. */
  column?: 1 | 2;
}

/** Whether a key with these scopes is refused all of a picture, and not only parts of it. */
export function lacks({ scopes: [own] }: Spec, scopes: readonly string[]): boolean {
  return own !== undefined && !scopes.includes(own);
}

export interface Section {
  title: string;
  specs: Spec[];
}

const behavior = {
  root: "behavior",
  release: (answer: SegmentAnswer) => answer.behavior?.release,
  scopes: ["BEHAVIOR"],
  windowed: true,
} as const;
const personality = {
  root: "personality",
  release: (answer: SegmentAnswer) => answer.personality?.release,
  scopes: ["PERSONALITY"],
} as const;
const network = {
  root: "network",
  release: (answer: SegmentAnswer) => answer.network?.release,
  scopes: ["NETWORK"],
} as const;

function habitsOf({ behavior }: SegmentAnswer): unknown {
  if (behavior == null) return null;
  const { visitsPerPerson, averageDwellMinutes, returnVisitRate, explorationTendency, communityEngagement } = behavior;
  return { visitsPerPerson, averageDwellMinutes, returnVisitRate, explorationTendency, communityEngagement };
}

const spec = (one: Omit<Spec, "scopes"> & { scopes: readonly string[] }): Spec => ({ ...one, scopes: [...one.scopes] });

export const COMPARISON = spec({
  id: "comparison",
  part: ({ compare }) => compare,
  title: "The two segments",
  about: "How alike the people of A and B are, by the states of their twelve dimensions.",
  root: "compare",
  release: (answer) => answer.compare?.release,
  Picture: Comparison,
  scopes: ["PERSONALITY"],
});

export const FIT = spec({
  id: "product",
  part: ({ compatibility }) => compatibility,
  title: "A product and its people",
  about: "How alike the people are to a product, in what it states. A score is 1 if all people are equal to it.",
  root: "compatibility",
  release: (answer) => answer.compatibility?.release,
  Picture: Fit,
  scopes: ["PERSONALITY"],
});

export const SECTIONS: Section[] = [
  {
    title: "How many, and how they behave",
    specs: [
      spec({
        id: "size",
        part: ({ size }) => size,
        title: "Size",
        about: "People with at least one visit in 28 days and a complete profile.",
        root: "size",
        release: (answer) => answer.size?.release,
        Picture: Size,
        scopes: [],
      }),
      spec({
        ...behavior,
        id: "habits",
        column: 1,
        part: habitsOf,
        title: "Habits",
        about: "Means over people, each with the same weight.",
        Picture: Habits,
      }),
      spec({
        ...behavior,
        id: "places",
        column: 1,
        part: ({ behavior }) => behavior?.categories,
        title: "Kinds of places",
        about: "Shares of a person's visits, averaged over people.",
        Picture: Places,
      }),
      spec({
        ...behavior,
        id: "dwell",
        column: 2,
        part: ({ behavior }) => behavior?.timeSpent,
        title: "Length of stay",
        about: "Shares of a person's visits, averaged over people.",
        Picture: Dwell,
      }),
      spec({
        ...behavior,
        id: "week",
        column: 2,
        part: ({ behavior }) => behavior?.dayParts,
        title: "Week",
        about: "When people go out: shares of a person's visits. Times are UTC.",
        Picture: Week,
      }),
      spec({
        ...network,
        id: "network",
        column: 2,
        part: ({ network }) => network && { ...network, implications: null },
        title: "Network",
        about: "How people are connected inside their region, over 28 days.",
        Picture: Connections,
      }),
    ],
  },
  {
    title: "What they are like",
    specs: [
      spec({
        ...personality,
        id: "dimensions",
        part: ({ personality }) => personality?.dimensions,
        title: "Twelve dimensions",
        about: "What the people are like, each dimension from 0 to 1.",
        Picture: Dimensions,
      }),
      spec({
        ...personality,
        id: "archetypes",
        column: 1,
        part: ({ personality }) => personality?.archetypes,
        title: "Archetypes",
        about: "Shares of the people by the nearest of five targets.",
        Picture: Archetypes,
      }),
      spec({
        id: "mixture",
        column: 2,
        part: ({ quantumState }) => quantumState,
        title: "How mixed they are",
        about: "The people as one quantum state: a well-known way to say how alike the parts of a mixture are.",
        root: "quantumState",
        release: (answer) => answer.quantumState?.release,
        Picture: Mixture,
        scopes: ["PERSONALITY"],
      }),
      FIT,
      spec({
        id: "knot",
        part: ({ knot }) => knot?.origin?.correlations,
        title: "Knot",
        about: "How the dimensions go together, drawn as a braid.",
        root: "knot",
        release: (answer) => answer.knot?.origin?.release,
        Picture: Knot,
        scopes: ["PERSONALITY"],
      }),
    ],
  },
  {
    title: "What published rules say",
    specs: [
      spec({
        ...behavior,
        id: "productRules",
        column: 1,
        part: ({ behavior }) => behavior?.implications,
        title: "Products",
        about:
          "Conventions, not measurements. One rule looks at everybody in the regions of the segment: to this key that " +
          "counts as a segment it was shown, and segments nearly as large are then too near to it.",
        Picture: ProductRules,
        scopes: ["BEHAVIOR", "PERSONALITY"],
      }),
      spec({
        ...network,
        id: "marketingRules",
        column: 2,
        part: ({ network }) => network?.implications,
        title: "Marketing",
        about: "Conventions, not measurements. How effective a strategy is nobody has measured.",
        Picture: MarketingRules,
      }),
    ],
  },
];
