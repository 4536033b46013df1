/** An example ranking: the shop's own popularity, adjusted by the part of a segment's score that is certain. */
import type { ApiError } from "./client.js";
import type { FitQuery, SegmentFitFragment } from "./generated/graphql.js";
import { PRODUCTS, type ProductKey, type ShopProduct } from "./shop.js";
import type { Segment, SegmentKey } from "./segments.js";

/** Weight of compatibility: 0.05 above the average of a product increases its score by a fifth. */
export const WEIGHT = 4;

/** The cause of a missing score: a code of the API, or its quality. */
export interface LeftOut {
  segment: Segment;
  product: ProductKey;
  code: string;
  reason?: string | undefined;
}

export interface Row {
  segment: Segment;
  size: SegmentFitFragment["size"];
  /** The blended score of each product; the popularity itself if there is no score. */
  blended: Record<ProductKey, number>;
  /** Products by blended score, best first. */
  order: ProductKey[];
}

export interface Ranking {
  rows: Row[];
  /** Compatibility of each product over the segments that have a score; undefined if none has. */
  averages: Record<ProductKey, number | undefined>;
  scores: number;
  /** The scores whose interval does not contain the average of their product. */
  outsideNoise: number;
  leftOut: LeftOut[];
}

interface Score {
  people: number;
  value: number;
  low: number;
  high: number;
}

/**
 * The certain part of a score's difference from the product's average: the distance of the nearer end of its interval,
 * 0 if the interval contains the average. So noise alone changes nothing, and products that state different dimensions
 * can be compared.
 */
export function lift(interval: { low: number; high: number }, average: number): number {
  if (interval.low > average) return interval.low - average;
  if (interval.high < average) return interval.high - average;
  return 0;
}

/** Without a score the popularity is not changed: a missing score is not 0. */
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
      const score = data[segment.key]?.[product]?.score;
      const people = data[segment.key]?.size?.value;
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
    return { segment, size: data[segment.key]?.size ?? null, blended, order };
  });
  const outsideNoise = [...scores].filter(([name, score]) => {
    const average = averages[name.split(" ")[1] as ProductKey];
    return average !== undefined && lift(score, average) !== 0;
  }).length;
  return { rows, averages, scores: scores.size, outsideNoise, leftOut };
}

/** The error of a null. A response has at most 20 errors, so it may be missing: then the cause is unknown. */
function why(errors: ApiError[], segment: SegmentKey, field: string): { code: string; reason?: string | undefined } {
  const error = errors.find(({ path }) => path?.[0] === segment && (path.length === 1 || path[1] === field));
  return { code: error?.extensions?.code ?? "no error listed", reason: error?.extensions?.reason };
}

/** Weighted by people, as the scores themselves are. */
function average(scores: Score[]): number | undefined {
  const people = scores.reduce((sum, score) => sum + score.people, 0);
  return people === 0 ? undefined : scores.reduce((sum, score) => sum + score.people * score.value, 0) / people;
}

function byProduct<Value>(value: (product: ProductKey) => Value): Record<ProductKey, Value> {
  return { p1: value("p1"), p2: value("p2"), p3: value("p3") };
}
