/** The state of the two limits per minute, requests and points, from the last response. */
import type { Answer, Cost, RequestsOfMinute } from "../shared/api";
import { Store } from "./store";

export interface Budget {
  points: (Cost & { at: number }) | null;
  requests: (RequestsOfMinute & { at: number }) | null;
}

const EMPTY: Budget = { points: null, requests: null };
export const budget = new Store<Budget>(EMPTY);

/** Updates the state from a response. Values that the response does not contain are kept. */
export function updateBudget(answer: Answer<unknown>): void {
  const { points, requests } = budget.get();
  const at = Date.now();
  const cost = answer.extensions?.cost;
  budget.set({
    points: cost === undefined ? points : { ...cost, at },
    requests: answer.minute === undefined ? requests : { ...answer.minute, at },
  });
}

export function resetBudget(): void {
  budget.set(EMPTY);
}

/**
 * Milliseconds to wait before the next automatic quote, and the limit that causes the wait. Automatic quotes leave at
 * least 20 requests per minute and 100 points to the user, or half of the limit if that is less.
 */
export function quoteDelay({ points, requests }: Budget, now: number): { wait: number; of: "requests" | "points" } {
  if (requests !== null && requests.left < Math.min(requests.limit / 2, 20)) {
    const wait = requests.at + requests.resetSeconds * 1000 - now;
    if (wait > 0) return { wait, of: "requests" };
  }
  if (points !== null) {
    const floor = Math.min(points.limit / 2, 100);
    const missing = floor - points.available;
    const wait = points.at + (missing / points.restoreRate) * 1000 - now;
    if (missing > 0 && wait > 0) return { wait, of: "points" };
  }
  return { wait: 0, of: "requests" };
}
