/** A button that sends chargeable requests. It shows their price in units and points, as returned by `Query.quote`. */
import { expectationOf } from "../../shared/expectation";
import { amount } from "../model/format";
import type { RemainingLimits, Price } from "../state/api";
import type { PriceEntry } from "../state/queryState";
import { CodedError, Docs, TryAgain, useWait } from "./CodedError";

interface Props {
  /** The action, such as `Show`. */
  name: string;
  /** The object of the action, for screen readers. */
  what: string;
  prices: readonly (PriceEntry | undefined)[];
  remaining: RemainingLimits | null;
  loading: boolean;
  strong?: boolean;
  /** Seconds to wait before the next request, as requested by the server. */
  after?: number | undefined;
  onShow: () => void;
  onRetryPrices: () => void;
}

export function ShowButton({ name, what, prices, remaining, loading, strong, after, onShow, onRetryPrices }: Props) {
  const wait = useWait(after);
  const failed = prices.find((entry) => entry?.state === "failed");
  if (failed !== undefined) {
    return (
      <CodedError error={failed.error}>
        <TryAgain after={failed.error.extensions?.retryAfterSeconds} onClick={onRetryPrices}>
          Load the price again
        </TryAgain>
      </CodedError>
    );
  }
  const known = prices.flatMap((entry) => (entry?.state === "loaded" ? [entry.price] : []));
  const complete = known.length === prices.length;
  const tooLarge = known.find(({ fits }) => !fits);
  const sum = total(known);
  const exact = known.every((price) => price.exact);
  const expectation = complete ? expectationOf(known.flatMap(({ segments }) => segments)) : null;
  return (
    <div className="show">
      <button
        type="button"
        className={strong ? "strong" : undefined}
        disabled={!complete || loading || wait > 0 || tooLarge !== undefined}
        aria-busy={loading}
        onClick={onShow}
      >
        <span className="show-name">
          {loading ? "Loading" : wait > 0 ? `${name} in ${wait} s` : name}
          <span className="sr-only"> {what}</span>
        </span>
        <span className="price">
          {complete ? (
            <>
              {exact ? "" : "at most "}
              <data value={sum.units}>{amount(sum.units)}</data> units
              <span aria-hidden="true"> · </span>
              <span className="sr-only">, </span>
              <data value={sum.points}>{amount(sum.points)}</data> points
            </>
          ) : (
            "loading the price"
          )}
        </span>
      </button>
      {expectation === null ? null : <p className="expectation">{expectation}</p>}
      {tooLarge === undefined ? null : (
        <p className="note">
          Not possible with this key: the document costs {amount(tooLarge.points)} points, and the limit per document
          is {amount(tooLarge.maxQueryPoints)} (<Docs to="/docs/errors.md#query_too_costly">QUERY_TOO_COSTLY</Docs>).
          {strong ? " Show the pictures one by one." : ""}
        </p>
      )}
      {remaining !== null && complete && sum.units > remaining.units ? (
        <p className="note">
          The key has {amount(remaining.units)} units left. The request is rejected unless the key has viewed a part of
          it before (
          <Docs to="/docs/errors.md#privacy_budget_exhausted">PRIVACY_BUDGET_EXHAUSTED</Docs>).
        </p>
      ) : null}
    </div>
  );
}

function total(prices: readonly Price[]): { units: number; points: number } {
  const add = (of: (price: Price) => number) => prices.reduce((sum, price) => sum + of(price), 0);
  // Units have two decimals; rounding removes the error of binary floating-point addition.
  return { units: Math.round(add(({ units }) => units) * 10_000) / 10_000, points: add(({ points }) => points) };
}
