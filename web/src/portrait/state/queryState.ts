/** The answers and prices received since the key was set, and the remaining limits of the key. */
import type { Answer, ApiError } from "../../shared/api";
import type { Request } from "../documents/document";
import type { SegmentAnswer } from "../model/answer";
import type { Price, RemainingLimits } from "./api";

export type SegmentResponse = Answer<{ segment: SegmentAnswer | null }>;

/** The state of one picture. `request` is the document that was sent; it may contain several pictures. */
export type Entry =
  { state: "loading" } | { state: "loaded"; answer: SegmentResponse; request: Request; pictures: number };

export type PriceEntry =
  { state: "loading" } | { state: "loaded"; price: Price } | { state: "failed"; error: ApiError };

export interface QueryState {
  /** By `answerKey`. */
  answers: Readonly<Record<string, Entry>>;
  /** By `Request.priceKey`. */
  prices: Readonly<Record<string, PriceEntry>>;
  remaining: RemainingLimits | null;
  /** The sequence number of the request that returned `remaining`. */
  remainingSequence: number;
  /** How many requests by button returned data. */
  shown: number;
  /** Whether the last of them was charged units: the prices of other pictures may have changed. */
  charged: boolean;
}

export const EMPTY_QUERY_STATE: QueryState = {
  answers: {},
  prices: {},
  remaining: null,
  remainingSequence: 0,
  shown: 0,
  charged: false,
};

/** An answer, its request, and the keys of the pictures that it contains. */
export interface Reply {
  request: Request;
  keys: string[];
  answer: SegmentResponse;
}

export type Event =
  | { type: "loading"; keys: string[] }
  | { type: "loaded"; replies: Reply[]; byButton: boolean }
  | { type: "pricing"; keys: string[] }
  | { type: "priced"; prices: Record<string, Price>; remaining: RemainingLimits; sequence: number }
  | { type: "pricingFailed"; keys: string[]; error: ApiError };

export function reduce(state: QueryState, event: Event): QueryState {
  switch (event.type) {
    case "loading":
      return { ...state, answers: { ...state.answers, ...each(event.keys, { state: "loading" }) } };
    case "loaded": {
      const loaded = event.replies.map(({ request, keys, answer }) =>
        each<Entry>(keys, { state: "loaded", answer, request, pictures: keys.length }),
      );
      const answers = Object.assign({ ...state.answers }, ...loaded) as QueryState["answers"];
      if (!event.byButton || event.replies.every(({ answer }) => answer.data == null)) return { ...state, answers };
      const charged = event.replies.some(({ answer }) => (answer.extensions?.privacy?.charged ?? 0) > 0);
      return { ...state, answers, shown: state.shown + 1, charged };
    }
    case "pricing": {
      // A price that is loaded again stays visible until the new one arrives.
      const keys = event.keys.filter((key) => state.prices[key]?.state !== "loaded");
      return { ...state, prices: { ...state.prices, ...each(keys, { state: "loading" }) } };
    }
    case "priced": {
      const loaded = Object.entries(event.prices).map(([key, price]) => [key, { state: "loaded", price }] as const);
      const prices = { ...state.prices, ...Object.fromEntries(loaded) };
      // Requests run concurrently: an older request may be answered after a newer one.
      if (event.sequence < state.remainingSequence) return { ...state, prices };
      return { ...state, prices, remaining: event.remaining, remainingSequence: event.sequence };
    }
    case "pricingFailed":
      return { ...state, prices: { ...state.prices, ...each(event.keys, { state: "failed", error: event.error }) } };
  }
}

function each<T>(keys: readonly string[], value: T): Record<string, T> {
  return Object.fromEntries(keys.map((key) => [key, value]));
}
