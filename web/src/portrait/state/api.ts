/** The requests of this page other than those for pictures. None of them reads aggregates or is charged units. */
import { sendQuery, type Answer, type ApiError } from "../../shared/api";
import { QUOTED_SEGMENTS, type QuotedSegment } from "../../shared/expectation";
import type { Request } from "../documents/document";
import type { Description, ProductVocabulary, Vocabulary } from "../model/answer";
import { ROOT } from "../model/errors";
import { normalize, type Subject } from "../model/subject";

/** The vocabulary of segment definitions, and the scopes of the key. */
export interface InitialData {
  viewer: { partner: string; scopes: string[] };
  vocabulary: Vocabulary;
}

export function fetchInitialData(): Promise<Answer<InitialData>> {
  return sendQuery(`query InitialData {
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

/** The terms that describe products. Loaded on demand: they cost more points than the other data of the page. */
export function fetchProductVocabulary(): Promise<Answer<{ vocabulary: ProductVocabulary }>> {
  return sendQuery("query ProductVocabulary {\n  vocabulary { styles { word } features { word } }\n}");
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

export function fetchSegments(search: string, after: string | null): Promise<Answer<SegmentPage>> {
  return sendQuery(
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

/** The definition of a segment. It detects unknown slugs and values before anything is charged. */
export function fetchDescription(subject: Subject): Promise<Answer<{ segment: Description | null }>> {
  return "slug" in subject
    ? sendQuery(`query Describe($slug: String!) {\n  segment(slug: $slug) ${DESCRIPTION}\n}`, { slug: subject.slug })
    : sendQuery(
        `query Describe($definition: SegmentDefinition!) {
  ${ROOT}: cohort(definition: $definition) ${DESCRIPTION}
}`,
        { definition: normalize(subject.definition) },
      );
}

export interface Price {
  points: number;
  maxQueryPoints: number;
  fits: boolean;
  units: number;
  unitsLeft: number;
  /** Whether `units` is the exact price; otherwise it is the highest possible one. */
  exact: boolean;
  segments: QuotedSegment[];
}

/** The remaining limits of the key: privacy units, points, and requests of this minute. */
export interface RemainingLimits {
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

/** Maximum number of quotes in one document. */
export const MAX_QUOTES = 5;

export type Priced = { remaining: RemainingLimits; prices: Price[] } | { errors: ApiError[] };

/** Returns the prices of up to `MAX_QUOTES` requests, and the remaining limits. The requests are not executed. */
export async function fetchPrices(requests: readonly Pick<Request, "document" | "variables">[]): Promise<Priced> {
  const declared = requests.map((_, n) => `$document${n}: String!, $variables${n}: JSON`).join(", ");
  const quotes = requests.map(
    (_, n) =>
      `  price${n}: quote(document: $document${n}, variables: $variables${n}) {
    points maxQueryPoints fits units unitsLeft exact ${QUOTED_SEGMENTS}
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
  const { data, errors } = await sendQuery<PriceData>(document, variables);
  if (data == null) return { errors: errors ?? [] };
  const { privacyBudget, limits } = data.viewer;
  return {
    remaining: { units: privacyBudget.left, points: limits.pointsLeft, requests: limits.requestsLeftThisMinute },
    prices: requests.map((_, n) => data[`price${n}`]!),
  };
}
