/** The button that spends: it names units and points, as `Query.quote` tells them, before it does anything. */
import { amount } from "../model/format";
import type { Left, Price } from "../state/api";
import type { PriceEntry } from "../state/desk";
import { CodedError, Docs, TryAgain, useWait } from "./CodedError";

interface Props {
  /** What it does, such as `Show`. */
  name: string;
  /** What it shows, for those who do not see where it stands. */
  what: string;
  prices: readonly (PriceEntry | undefined)[];
  left: Left | null;
  asking: boolean;
  strong?: boolean;
  /** Seconds that the server wants to be left alone. */
  after?: number | undefined;
  onShow: () => void;
  onPriceAgain: () => void;
}

export function ShowButton({ name, what, prices, left, asking, strong, after, onShow, onPriceAgain }: Props) {
  const wait = useWait(after);
  const failed = prices.find((entry) => entry?.state === "failed");
  if (failed !== undefined) {
    return (
      <CodedError error={failed.error}>
        <TryAgain after={failed.error.extensions?.retryAfterSeconds} onClick={onPriceAgain}>
          Ask for the price again
        </TryAgain>
      </CodedError>
    );
  }
  const known = prices.flatMap((entry) => (entry?.state === "told" ? [entry.price] : []));
  const complete = known.length === prices.length;
  const tooLarge = known.find(({ fits }) => !fits);
  const sum = total(known);
  return (
    <div className="show">
      <button
        type="button"
        className={strong ? "strong" : undefined}
        disabled={!complete || asking || wait > 0 || tooLarge !== undefined}
        aria-busy={asking}
        onClick={onShow}
      >
        <span className="show-name">
          {asking ? "Asking" : wait > 0 ? `${name} in ${wait} s` : name}
          <span className="sr-only"> {what}</span>
        </span>
        <span className="price">
          {complete ? (
            <>
              at most <data value={sum.units}>{amount(sum.units)}</data> units
              <span aria-hidden="true"> · </span>
              <span className="sr-only">, </span>
              <data value={sum.points}>{amount(sum.points)}</data> points
            </>
          ) : (
            "asking for the price"
          )}
        </span>
      </button>
      {tooLarge === undefined ? null : (
        <p className="note">
          Not possible with this key: the document costs {amount(tooLarge.points)} points, and one document may cost{" "}
          {amount(tooLarge.maxQueryPoints)} (<Docs to="/docs/errors.md#query_too_costly">QUERY_TOO_COSTLY</Docs>).
          {strong ? " Show the pictures one by one." : ""}
        </p>
      )}
      {left !== null && complete && sum.units > left.units ? (
        <p className="note">
          The key has {amount(left.units)} units left: unless it has seen some of this, it will be refused (
          <Docs to="/docs/errors.md#privacy_budget_exhausted">PRIVACY_BUDGET_EXHAUSTED</Docs>).
        </p>
      ) : null}
    </div>
  );
}

function total(prices: readonly Price[]): { units: number; points: number } {
  const add = (of: (price: Price) => number) => prices.reduce((sum, price) => sum + of(price), 0);
  // Units have two decimals; adding them as binary fractions must not show more.
  return { units: Math.round(add(({ units }) => units) * 100) / 100, points: add(({ points }) => points) };
}
