/** Asks for pictures when somebody pressed a button, and for prices beforehand. */
import { useCallback, useMemo, useReducer, useRef } from "react";
import { ask } from "../../shared/api";
import type { Request } from "../documents/document";
import type { SegmentAnswer } from "../model/answer";
import { askPrices, MOST_QUOTES, type Price } from "./api";
import { change, EMPTY_DESK, type Desk, type Reply } from "./desk";

/** A request, and the questions that its answer answers. */
export interface Order {
  request: Request;
  keys: string[];
}

export interface DeskActions {
  /** Sends requests about people: only to be called when somebody pressed a button that named their price. */
  show: (orders: readonly Order[]) => Promise<Reply[]>;
  /** Asks what was shown before about another product: the same release, so no units. */
  showAgain: (orders: readonly Order[]) => Promise<Reply[]>;
  /** Asks for the prices that are not known yet, five at a time; returns how many requests that took. */
  price: (requests: readonly Request[]) => number;
  /** Asks again for prices that could not be had. */
  priceAgain: (requests: readonly Request[]) => void;
  /** Asks what is left of the key. */
  lookAtPurse: () => void;
}

export function useDesk(): [Desk, DeskActions] {
  const [desk, tell] = useReducer(change, EMPTY_DESK);
  // Beside the state, because it must be known before the next drawing.
  const priced = useRef(new Set<string>());
  const turns = useRef(0);

  const send = useCallback(async (orders: readonly Order[], pressed: boolean) => {
    tell({ type: "asking", keys: orders.flatMap(({ keys }) => keys) });
    const replies = await Promise.all(
      orders.map(async ({ request, keys }) => {
        const answer = await ask<{ segment: SegmentAnswer | null }>(request.document, request.variables);
        return { request, keys, answer };
      }),
    );
    const paid = pressed && replies.some(({ answer }) => answer.data != null);
    tell({ type: "told", replies, paid });
    return replies;
  }, []);

  const askFor = useCallback(async (requests: readonly Request[]) => {
    const keys = requests.map(({ priceKey }) => priceKey);
    const turn = ++turns.current;
    tell({ type: "pricing", keys });
    const result = await askPrices(requests);
    if ("errors" in result) {
      const error = result.errors[0] ?? { message: "The server answered without a price." };
      return tell({ type: "unpriced", keys, error });
    }
    const prices: Record<string, Price> = {};
    result.prices.forEach((price, n) => (prices[keys[n]!] = price));
    tell({ type: "priced", prices, left: result.left, turn });
  }, []);

  const actions = useMemo<DeskActions>(() => {
    const price = (requests: readonly Request[]) => {
      const missing = requests.filter(({ priceKey }) => {
        const known = priced.current.has(priceKey);
        priced.current.add(priceKey);
        return !known;
      });
      let sent = 0;
      for (; sent * MOST_QUOTES < missing.length; sent++) {
        void askFor(missing.slice(sent * MOST_QUOTES, (sent + 1) * MOST_QUOTES));
      }
      return sent;
    };
    return {
      show: (orders) => send(orders, true),
      showAgain: (orders) => send(orders, false),
      price,
      priceAgain: (requests) => {
        for (const { priceKey } of requests) priced.current.delete(priceKey);
        price(requests);
      },
      lookAtPurse: () => void askFor([]),
    };
  }, [send, askFor]);

  return [desk, actions];
}
