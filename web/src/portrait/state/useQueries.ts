/** Loads pictures when a button is pressed, and prices in advance. */
import { useCallback, useMemo, useReducer, useRef } from "react";
import { sendQuery } from "../../shared/api";
import type { Request } from "../documents/document";
import type { SegmentAnswer } from "../model/answer";
import { fetchPrices, MAX_QUOTES, type Price } from "./api";
import { EMPTY_QUERY_STATE, reduce, type QueryState, type Reply } from "./queryState";

/** A request, and the keys of the pictures that its answer contains. */
export interface KeyedRequest {
  request: Request;
  keys: string[];
}

export interface QueryActions {
  /** Sends requests that may be charged units. Call it only for a button that shows their price. */
  show: (requests: readonly KeyedRequest[]) => Promise<Reply[]>;
  /** Loads a picture that was shown before for another product: the release is the same, so no units are charged. */
  refetch: (requests: readonly KeyedRequest[]) => Promise<Reply[]>;
  /** Loads the prices that are not known yet, up to five per request. Returns the number of requests. */
  price: (requests: readonly Request[]) => number;
  /** Loads prices again, after a failure or a charge. Returns the number of requests. */
  retryPrices: (requests: readonly Request[]) => number;
  /** Loads the remaining limits of the key. */
  refreshRemaining: () => void;
}

export function useQueries(): [QueryState, QueryActions] {
  const [queries, dispatch] = useReducer(reduce, EMPTY_QUERY_STATE);
  // A ref and not state, because `price` needs the current value before the next render.
  const priced = useRef(new Set<string>());
  const lastSequence = useRef(0);

  const send = useCallback(async (requests: readonly KeyedRequest[], byButton: boolean) => {
    dispatch({ type: "loading", keys: requests.flatMap(({ keys }) => keys) });
    const replies = await Promise.all(
      requests.map(async ({ request, keys }) => {
        const answer = await sendQuery<{ segment: SegmentAnswer | null }>(request.document, request.variables);
        return { request, keys, answer };
      }),
    );
    dispatch({ type: "loaded", replies, byButton });
    return replies;
  }, []);

  const loadPrices = useCallback(async (requests: readonly Request[]) => {
    const keys = requests.map(({ priceKey }) => priceKey);
    const sequence = ++lastSequence.current;
    dispatch({ type: "pricing", keys });
    const result = await fetchPrices(requests);
    if ("errors" in result) {
      const error = result.errors[0] ?? { message: "The response contains no price." };
      return dispatch({ type: "pricingFailed", keys, error });
    }
    const prices: Record<string, Price> = {};
    result.prices.forEach((price, n) => (prices[keys[n]!] = price));
    dispatch({ type: "priced", prices, remaining: result.remaining, sequence });
  }, []);

  const actions = useMemo<QueryActions>(() => {
    const price = (requests: readonly Request[]) => {
      const missing = requests.filter(({ priceKey }) => {
        const known = priced.current.has(priceKey);
        priced.current.add(priceKey);
        return !known;
      });
      let sent = 0;
      for (; sent * MAX_QUOTES < missing.length; sent++) {
        void loadPrices(missing.slice(sent * MAX_QUOTES, (sent + 1) * MAX_QUOTES));
      }
      return sent;
    };
    return {
      show: (requests) => send(requests, true),
      refetch: (requests) => send(requests, false),
      price,
      retryPrices: (requests) => {
        for (const { priceKey } of requests) priced.current.delete(priceKey);
        return price(requests);
      },
      refreshRemaining: () => void loadPrices([]),
    };
  }, [send, loadPrices]);

  return [queries, actions];
}
