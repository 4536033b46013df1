/** The toy ranking: the shop's own popularity, moved by what is certain about a segment. */
import type { ApiError } from "./client.js";
import type { FitQuery, SegmentFitFragment } from "./generated/graphql.js";
import { PRODUCTS, type ProductKey, type ShopProduct } from "./shop.js";
import type { Segment, SegmentKey } from "./segments.js";

/** How far compatibility moves a product: 0.05 above its average is a fifth more. */
export const WEIGHT = 4;

/** Why there is no score: a code of the API, or its quality. */
export interface LeftOut {
  segment: Segment;
  product: ProductKey;
  code: string;
  reason?: string | undefined;
}

export interface Row {
  segment: Segment;
  size: SegmentFitFragment["size"];
  /** The blended score of each product; the popularity itself where there is no score. */
  blended: Record<ProductKey, number>;
  /** Products by blended score, best first. */
  order: ProductKey[];
}

export interface Ranking {
  rows: Row[];
  /** Compatibility of each product over the segments that have a score; undefined if none has. */
  averages: Record<ProductKey, number | undefined>;
  scores: number;
  leftOut: LeftOut[];
}

interface Score {
  people: number;
  value: number;
  low: number;
  high: number;
}

/**
 * How certain it is that a score is off the product's average: the distance of the nearer end of its interval, 0 if
 * the interval holds the average. So noise alone moves nothing, and products that state different things can be
 * compared.
 */
export function lift(interval: { low: number; high: number }, average: number): number {
  if (interval.low > average) return interval.low - average;
  if (interval.high < average) return interval.high - average;
  return 0;
}

/** A score that is missing is no score: the popularity stays as it is. It is not 0. */
export function blend(popularity: number, score: Score | undefined, average: number | undefined): number {
  if (score === undefined || average === undefined) return popularity;
  return Math.max(0, popularity * (1 + WEIGHT * lift(score, average)));
}

export function rank(
  data: FitQuery,
  errors: ApiError[],
  segments: Segment[],
  shop: Record<ProductKey, ShopProduct>,
): Ranking {
  const scores = new Map<string, Score>();
  const leftOut: LeftOut[] = [];
  for (const segment of segments) {
    for (const product of PRODUCTS) {
      const score = data[segment.key][product]?.score;
      const people = data[segment.key].size?.value;
      if (score === undefined || people === undefined) {
        leftOut.push({ segment, product, ...why(errors, segment.key, score === undefined ? product : "size") });
      } else if (score.quality === "LOW") {
        leftOut.push({ segment, product, code: "quality LOW" });
      } else {
        scores.set(`${segment.key} ${product}`, { people, value: score.value, ...score.interval95 });
      }
    }
  }
  const averages = byProduct((product) =>
    average(segments.flatMap(({ key }) => scores.get(`${key} ${product}`) ?? [])),
  );
  const rows = segments.map((segment) => {
    const blended = byProduct((product) =>
      blend(shop[product].popularity, scores.get(`${segment.key} ${product}`), averages[product]),
    );
    const order = [...PRODUCTS].sort((a, b) => blended[b] - blended[a]);
    return { segment, size: data[segment.key].size, blended, order };
  });
  return { rows, averages, scores: scores.size, leftOut };
}

/** The error beside a null. An answer holds at most 20 errors, so it may be missing: then nobody knows why. */
function why(errors: ApiError[], segment: SegmentKey, field: string): { code: string; reason?: string | undefined } {
  const error = errors.find(({ path }) => path?.[0] === segment && path[1] === field);
  return { code: error?.extensions?.code ?? "no error listed", reason: error?.extensions?.reason };
}

/** Over people, as the scores themselves are. */
function average(scores: Score[]): number | undefined {
  const people = scores.reduce((sum, score) => sum + score.people, 0);
  return people === 0 ? undefined : scores.reduce((sum, score) => sum + score.people * score.value, 0) / people;
}

function byProduct<Value>(value: (product: ProductKey) => Value): Record<ProductKey, Value> {
  return { p1: value("p1"), p2: value("p2"), p3: value("p3") };
}
