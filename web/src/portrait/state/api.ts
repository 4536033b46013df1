/** The requests of this page beside those for pictures. None of them asks about people. */
import { ask, type Answer, type ApiError } from "../../shared/api";
import type { Request } from "../documents/document";
import type { Description, ProductWords, Vocabulary } from "../model/answer";
import { ROOT } from "../model/errors";
import { tidy, type Subject } from "../model/subject";

/** What there is to choose from, and what the key may read. */
export interface Start {
  viewer: { partner: string; scopes: string[] };
  vocabulary: Vocabulary;
}

export function askStart(): Promise<Answer<Start>> {
  return ask(`query Start {
  viewer { partner scopes }
  vocabulary {
    regions
    interests
    categories
    ageBands { name from to }
    priceBands { band dimension value }
  }
}`);
}

/** Words that describe products; asked when they are looked at, for they cost more points than all the rest. */
export function askProductWords(): Promise<Answer<{ vocabulary: ProductWords }>> {
  return ask("query ProductWords {\n  vocabulary { styles { word } features { word } }\n}");
}

export interface SavedSegment {
  slug: string;
  name: string;
  shared: boolean;
  definition: Description["definition"];
}

export interface SegmentPage {
  segments: { nodes: SavedSegment[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
}

export function askSegments(search: string, after: string | null): Promise<Answer<SegmentPage>> {
  return ask(
    `query Segments($search: String, $after: String) {
  segments(first: 20, search: $search, after: $after) {
    nodes { slug name shared definition { regions ageBands interests categories } }
    pageInfo { hasNextPage endCursor }
  }
}`,
    { search: search === "" ? null : search, after },
  );
}

const DESCRIPTION = `{
    slug
    name
    definition { regions ageBands interests categories }
    window { start end epoch length }
  }`;

/** What a segment means. It finds unknown slugs and words before anything is paid. */
export function askDescription(subject: Subject): Promise<Answer<{ segment: Description | null }>> {
  return "slug" in subject
    ? ask(`query Describe($slug: String!) {\n  segment(slug: $slug) ${DESCRIPTION}\n}`, { slug: subject.slug })
    : ask(
        `query Describe($definition: SegmentDefinition!) {
  ${ROOT}: cohort(definition: $definition) ${DESCRIPTION}
}`,
        { definition: tidy(subject.definition) },
      );
}

export interface Price {
  points: number;
  maxQueryPoints: number;
  fits: boolean;
  units: number;
  unitsLeft: number;
}

/** What is left of the key. */
export interface Left {
  units: number;
  points: number;
  requests: number;
}

interface PriceData {
  viewer: {
    privacyBudget: { left: number };
    limits: { pointsLeft: number; requestsLeftThisMinute: number };
  };
  [price: `price${number}`]: Price;
}

/** A document may hold so many quotes. */
export const MOST_QUOTES = 5;

export type Priced = { left: Left; prices: Price[] } | { errors: ApiError[] };

/** Prices several requests in one, and tells what is left. Nothing of them is run. */
export async function askPrices(requests: readonly Pick<Request, "document" | "variables">[]): Promise<Priced> {
  const declared = requests.map((_, n) => `$document${n}: String!, $variables${n}: JSON`).join(", ");
  const quotes = requests.map(
    (_, n) =>
      `  price${n}: quote(document: $document${n}, variables: $variables${n}) {
    points maxQueryPoints fits units unitsLeft
  }\n`,
  );
  const document = `query Prices${declared === "" ? "" : `(${declared})`} {
  viewer { privacyBudget { left } limits { pointsLeft requestsLeftThisMinute } }
${quotes.join("")}}`;
  const variables = Object.fromEntries(
    requests.flatMap((request, n) => [
      [`document${n}`, request.document],
      [`variables${n}`, request.variables],
    ]),
  );
  const { data, errors } = await ask<PriceData>(document, variables);
  if (data == null) return { errors: errors ?? [] };
  const { privacyBudget, limits } = data.viewer;
  return {
    left: { units: privacyBudget.left, points: limits.pointsLeft, requests: limits.requestsLeftThisMinute },
    prices: requests.map((_, n) => data[`price${n}`]!),
  };
}
