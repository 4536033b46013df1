/** The pictures of the page: titles, required scopes and components. */
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

/** A nullable field of a segment; it contains all data of a picture. */
export type Root = keyof SegmentAnswer;

export interface Spec {
  id: PictureId;
  title: string;
  about: string;
  root: Root;
  /** The part of the root field that the picture shows; the answer may contain data of other pictures. */
  part: (answer: SegmentAnswer) => unknown;
  release: (answer: SegmentAnswer) => Release | undefined;
  Picture: ComponentType<{ series: Series[] }>;
  /** The scopes that the key needs, named as in `viewer { scopes }`, the scope of the root first; none for the size. */
  scopes: string[];
  /** Whether the picture covers the selected window instead of 28 days. */
  windowed?: boolean;
  /** The column, of two; undefined for the full page width. */
  column?: 1 | 2;
}

/** Whether the API rejects the whole picture, not only parts of it, for a key with these scopes. */
export function lacksScope({ scopes: [own] }: Spec, scopes: readonly string[]): boolean {
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
  title: "Comparison",
  about: "The similarity of the people of A and B, computed from the states of their twelve dimensions.",
  root: "compare",
  release: (answer) => answer.compare?.release,
  Picture: Comparison,
  scopes: ["PERSONALITY"],
});

export const FIT = spec({
  id: "product",
  part: ({ compatibility }) => compatibility,
  title: "Product compatibility",
  about: "The similarity of the people to the stated attributes of a product. The score is 1 if all people match it.",
  root: "compatibility",
  release: (answer) => answer.compatibility?.release,
  Picture: Fit,
  scopes: ["PERSONALITY"],
});

export const SECTIONS: Section[] = [
  {
    title: "Size and behavior",
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
        about: "Means over people, equally weighted.",
        Picture: Habits,
      }),
      spec({
        ...behavior,
        id: "places",
        column: 1,
        part: ({ behavior }) => behavior?.categories,
        title: "Place categories",
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
        about: "Shares of a person's visits by day and time. Times are UTC.",
        Picture: Week,
      }),
      spec({
        ...network,
        id: "network",
        column: 2,
        part: ({ network }) => network && { ...network, implications: null },
        title: "Network",
        about: "Connections between people within their region, over 28 days.",
        Picture: Connections,
      }),
    ],
  },
  {
    title: "Personality",
    specs: [
      spec({
        ...personality,
        id: "dimensions",
        part: ({ personality }) => personality?.dimensions,
        title: "Twelve dimensions",
        about: "The personality of the people, each dimension from 0 to 1.",
        Picture: Dimensions,
      }),
      spec({
        ...personality,
        id: "archetypes",
        column: 1,
        part: ({ personality }) => personality?.archetypes,
        title: "Archetypes",
        about: "Shares of the people by the nearest of five archetypes.",
        Picture: Archetypes,
      }),
      spec({
        id: "mixture",
        column: 2,
        part: ({ quantumState }) => quantumState,
        title: "Purity and entropy",
        about: "The people as one quantum state. Purity and entropy are standard measures of homogeneity.",
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
        about: "The correlations of the dimensions, drawn as a braid.",
        root: "knot",
        release: (answer) => answer.knot?.origin?.release,
        Picture: Knot,
        scopes: ["PERSONALITY"],
      }),
    ],
  },
  {
    title: "Published rules",
    specs: [
      spec({
        ...behavior,
        id: "productRules",
        column: 1,
        part: ({ behavior }) => behavior?.implications,
        title: "Products",
        about:
          "Conventions, not measurements. One rule reads a number about all people of the regions. For this " +
          "key that counts as a viewed segment, so segments that differ from it by too few people are withheld.",
        Picture: ProductRules,
        scopes: ["BEHAVIOR", "PERSONALITY"],
      }),
      spec({
        ...network,
        id: "marketingRules",
        column: 2,
        part: ({ network }) => network?.implications,
        title: "Marketing",
        about: "Conventions, not measurements. The effectiveness of the strategies has not been measured.",
        Picture: MarketingRules,
      }),
    ],
  },
];
