/** What the last answer said of the two limits that a page can run into: requests and points of a minute. */
import type { Answer, Cost, RequestsOfMinute } from "../shared/api";
import { Store } from "./store";

export interface Budget {
  points: (Cost & { at: number }) | null;
  requests: (RequestsOfMinute & { at: number }) | null;
}

const EMPTY: Budget = { points: null, requests: null };
export const budget = new Store<Budget>(EMPTY);

/** Every answer says something, whatever was asked. */
export function noteBudget(answer: Answer<unknown>): void {
  const { points, requests } = budget.get();
  const at = Date.now();
  const cost = answer.extensions?.cost;
  budget.set({
    points: cost === undefined ? points : { ...cost, at },
    requests: answer.minute === undefined ? requests : { ...answer.minute, at },
  });
}

export function forgetBudget(): void {
  budget.set(EMPTY);
}

/**
 * Milliseconds to wait so that quotes, which nobody pressed a button for, leave something to the person: 20 requests of a
 * minute and 100 points, or half of them where there are few.
 */
export function waitToSpare({ points, requests }: Budget, now: number): { wait: number; of: "requests" | "points" } {
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
