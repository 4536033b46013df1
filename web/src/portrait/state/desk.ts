/** What was asked and answered since the key was given: answers by question, prices by document, what is left. */
import type { Answer, ApiError } from "../../shared/api";
import type { Request } from "../documents/document";
import type { SegmentAnswer } from "../model/answer";
import type { Left, Price } from "./api";

export type Told = Answer<{ segment: SegmentAnswer | null }>;

/** How one question stands. `request` is the document that was sent, perhaps for several pictures. */
export type Entry = { state: "asking" } | { state: "told"; answer: Told; request: Request; pictures: number };

export type PriceEntry = { state: "asking" } | { state: "told"; price: Price } | { state: "failed"; error: ApiError };

export interface Desk {
  answers: Readonly<Record<string, Entry>>;
  prices: Readonly<Record<string, PriceEntry>>;
  left: Left | null;
  /** The number of the request that told what is left. */
  leftTurn: number;
  /** How often a button was pressed and numbers, or their refusals, came: then something may have been spent. */
  shown: number;
}

export const EMPTY_DESK: Desk = { answers: {}, prices: {}, left: null, leftTurn: 0, shown: 0 };

/** A request that was answered, and the questions that its answer answers. */
export interface Reply {
  request: Request;
  keys: string[];
  answer: Told;
}

export type Event =
  | { type: "asking"; keys: string[] }
  | { type: "told"; replies: Reply[]; paid: boolean }
  | { type: "pricing"; keys: string[] }
  | { type: "priced"; prices: Record<string, Price>; left: Left; turn: number }
  | { type: "unpriced"; keys: string[]; error: ApiError };

export function change(desk: Desk, event: Event): Desk {
  switch (event.type) {
    case "asking":
      return { ...desk, answers: { ...desk.answers, ...each(event.keys, { state: "asking" }) } };
    case "told": {
      const told = event.replies.map(({ request, keys, answer }) =>
        each<Entry>(keys, { state: "told", answer, request, pictures: keys.length }),
      );
      return {
        ...desk,
        answers: Object.assign({ ...desk.answers }, ...told) as Desk["answers"],
        shown: desk.shown + (event.paid ? 1 : 0),
      };
    }
    case "pricing":
      return { ...desk, prices: { ...desk.prices, ...each(event.keys, { state: "asking" }) } };
    case "priced": {
      const told = Object.entries(event.prices).map(([key, price]) => [key, { state: "told", price }] as const);
      const prices = { ...desk.prices, ...Object.fromEntries(told) };
      // Requests run side by side: one sent before something was paid may be answered last.
      if (event.turn < desk.leftTurn) return { ...desk, prices };
      return { ...desk, prices, left: event.left, leftTurn: event.turn };
    }
    case "unpriced":
      return { ...desk, prices: { ...desk.prices, ...each(event.keys, { state: "failed", error: event.error }) } };
  }
}

function each<T>(keys: readonly string[], value: T): Record<string, T> {
  return Object.fromEntries(keys.map((key) => [key, value]));
}
