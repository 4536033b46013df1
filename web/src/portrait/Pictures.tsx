/** All pictures of one or two segments: their prices, a button that loads all of them, and a panel for each. */
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { ApiError } from "../shared/api";
import { answerKey, request, type Settings } from "./documents/document";
import { causeOf, fieldError, hasApiCode, isPermanent } from "./model/errors";
import { amount } from "./model/format";
import { statesSomething } from "./model/product";
import { fromCanonical } from "./model/subject";
import type { View } from "./model/viewUrl";
import type { SegmentAnswer } from "./model/answer";
import { Headline } from "./Headline";
import { CodedError } from "./panel/CodedError";
import { Tag } from "./charts/Figure";
import { Panel, type SelectedSegment } from "./panel/Panel";
import { ShowButton } from "./panel/ShowButton";
import { COMPARISON, FIT, lacksScope, SECTIONS, type Root, type Spec } from "./panel/specs";
import { ProductPanel, useAnsweredSettings } from "./ProductPanel";
import type { InitialData } from "./state/api";
import type { QueryState, SegmentResponse } from "./state/queryState";
import { useDebounced } from "./state/useDebounced";
import type { KeyedRequest, QueryActions } from "./state/useQueries";

/** Time without a change of the sliders before the score is loaded again. */
const DEBOUNCE_MS = 400;

interface Props {
  initial: InitialData;
  view: View;
  segments: SelectedSegment[];
  queries: QueryState;
  actions: QueryActions;
  update: (change: Partial<View>) => void;
}

export function Pictures({ initial, view, segments, queries, actions, update }: Props) {
  const [announcement, announce] = useState("");
  const product = useDebounced(view.product, DEBOUNCE_MS);

  const first = segments[0]!;
  const second = segments.find(({ tag }) => tag === "B");
  const { scopes } = initial.viewer;
  const settings = useMemo<Settings>(
    () => ({
      window: view.window,
      precision: view.precision,
      product,
      with: second === undefined ? null : fromCanonical(second.description.definition, initial.vocabulary.ageBands),
    }),
    [view.window, view.precision, product, second?.description, initial.vocabulary],
  );

  // All pictures that are not loaded or failed, as one document per segment.
  const all = [...SECTIONS.flatMap(({ specs }) => specs), ...(second === undefined ? [] : [COMPARISON])];
  const available = all.filter((spec) => spec !== FIT || statesSomething(product));
  const allowed = available.filter((spec) => !lacksScope(spec, scopes));
  const segmentsOf = (spec: Spec) => (spec === COMPARISON ? [first] : segments);
  const answeredSettings = useAnsweredSettings(segments, settings, queries);
  const entryOf = (spec: Spec, segment: SelectedSegment) =>
    queries.answers[answerKey(spec.id, segment.subject, settings)];
  const missing = segments.flatMap((segment): KeyedRequest[] => {
    const specs = allowed.filter((spec) => {
      if (!segmentsOf(spec).includes(segment)) return false;
      const entry = entryOf(spec, segment);
      if (entry?.state === "loaded") return canRetry(entry.answer, spec.root);
      // Once shown, the picture of a product is loaded without a button when the sliders change.
      return spec !== FIT || answeredSettings === null;
    });
    if (specs.length === 0) return [];
    const ids = specs.map(({ id }) => id);
    return [
      {
        request: request(ids, segment.subject, settings),
        keys: ids.map((id) => answerKey(id, segment.subject, settings)),
      },
    ];
  });
  const missingEntries = missing.flatMap(({ keys }) => keys.map((key) => queries.answers[key]));
  const loading = missingEntries.some((entry) => entry?.state === "loading");
  const failed = missingEntries.flatMap((entry) => (entry?.state === "loaded" ? [entry.answer] : []));
  const allFailed = missingEntries.length > 0 && failed.length === missingEntries.length;
  const outcome = outcomeOf(
    available.map((spec) =>
      segmentsOf(spec).flatMap((segment) => {
        const entry = entryOf(spec, segment);
        const error = entry?.state === "loaded" ? fieldError(entry.answer, spec.root) : null;
        return error === null ? [] : [error];
      }),
    ),
  );
  const answersOf = (tag: "A" | "B"): SegmentAnswer => {
    const segment = segments.find((one) => one.tag === tag);
    if (segment === undefined) return {};
    const loaded = all.flatMap((spec) => {
      const entry = entryOf(spec, segment);
      return entry?.state === "loaded" ? [entry.answer.data?.segment ?? {}] : [];
    });
    return Object.assign({}, ...loaded.reverse()) as SegmentAnswer;
  };
  const shared = segments.flatMap((segment) => {
    const error = sharedError(
      available.flatMap((spec) => {
        const entry = segmentsOf(spec).includes(segment) ? entryOf(spec, segment) : undefined;
        return entry?.state === "loaded" ? [fieldError(entry.answer, spec.root)] : [];
      }),
    );
    return error === null ? [] : [{ segment, error }];
  });
  const forbidden = available.filter(
    (spec) => lacksScope(spec, scopes) && segmentsOf(spec).some((segment) => entryOf(spec, segment) === undefined),
  ).length;

  // The prices of everything that can be loaded; and the remaining limits after each button.
  const whole = missing.map(({ request }) => request);
  const single = available.flatMap((spec) =>
    segmentsOf(spec).map((segment) => ({
      request: request([spec.id], segment.subject, settings),
      isLoaded: entryOf(spec, segment)?.state === "loaded",
    })),
  );
  const priced = [...whole, ...single.map(({ request }) => request)];
  const pricedKeys = priced.map(({ priceKey }) => priceKey).join("\n");
  useEffect(() => {
    // What was charged is free from now on, and a size that was shown makes other prices exact.
    const unpaid = [...whole, ...single.flatMap(({ request, isLoaded }) => (isLoaded ? [] : [request]))];
    const sent = queries.charged ? actions.retryPrices(unpaid) : actions.price(priced);
    // Every response with prices also contains the remaining limits.
    if (sent === 0 && queries.shown > 0) actions.refreshRemaining();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [queries.shown]);
  useEffect(() => {
    actions.price(priced);
    // The prices depend on the keys only.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [pricedKeys]);

  // When the answers arrive, the focused button is removed or replaced: the focus moves to the outcome.
  const pressed = useRef(false);
  const outcomeParagraph = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (loading || !pressed.current) return;
    pressed.current = false;
    outcomeParagraph.current?.focus();
  }, [loading]);

  const show = async (requests: readonly KeyedRequest[], what: string) => {
    announce(`Loading ${what}.`);
    const replies = await actions.show(requests);
    const errors = replies.flatMap(({ answer }) => answer.errors ?? []);
    const codes = [...new Set(errors.map(({ extensions }) => extensions?.code ?? "error"))].join(", ");
    const loaded = replies.some(({ answer }) => answer.data != null);
    const why = errors.length === 0 ? "" : ` ${errors.length} ${errors.length === 1 ? "error" : "errors"}: ${codes}.`;
    announce(`${loaded ? "Loaded" : "Not loaded"}: ${what}.${why}`);
  };
  const causes = Object.fromEntries(shared.map(({ segment, error }) => [segment.tag, causeOf(error)]));
  const common = { settings, scopes, queries, actions, show, causes };
  const panel = (spec: Spec) =>
    spec === FIT ? (
      <ProductPanel
        key={spec.id}
        {...common}
        segments={segments}
        answeredSettings={answeredSettings}
        vocabulary={initial.vocabulary}
        product={view.product}
        onChange={(changed) => update({ product: changed })}
      />
    ) : (
      <Panel key={spec.id} {...common} spec={spec} segments={segments} />
    );

  return (
    <>
      <p className="sr-only" role="status">
        {announcement}
      </p>
      <Headline
        segments={segments}
        answers={{ A: answersOf("A"), B: answersOf("B") }}
        onCompare={(definition) => update({ b: { definition } })}
      />
      {shared.map(({ segment, error }) => (
        <div key={segment.tag} className="shared-cause">
          {segments.length > 1 ? <Tag tag={segment.tag} /> : null}
          <CodedError error={error} />
        </div>
      ))}
      <section className="budget" aria-label="Total price">
        {missing.length > 0 ? (
          <ShowButton
            // Each failure restarts the wait.
            key={failed.map(({ elapsedMs }) => elapsedMs).join(" ")}
            name={allFailed ? "Retry all" : outcome !== "" || queries.shown > 0 ? "Show all remaining" : "Show all"}
            what="pictures"
            strong
            prices={missing.map(({ request }) => queries.prices[request.priceKey])}
            remaining={queries.remaining}
            loading={loading}
            after={longestWait(failed)}
            onShow={() => {
              pressed.current = true;
              void show(missing, "all pictures");
            }}
            onRetryPrices={() =>
              void actions.retryPrices(priced.filter(({ priceKey }) => queries.prices[priceKey]?.state === "failed"))
            }
          />
        ) : null}
        {missing.length === 0 || outcome !== "" ? (
          <p className={missing.length === 0 ? "all-loaded" : "not-loaded"} ref={outcomeParagraph} tabIndex={-1}>
            {missing.length > 0
              ? ""
              : outcome === "" && forbidden === 0
                ? "All pictures are loaded."
                : "All requests are complete."}{" "}
            {outcome} {forbidden === 0 ? "" : `${count(forbidden)} not requested: this key lacks the scope.`}
          </p>
        ) : null}
        <p>
          {queries.shown === 0 ? (
            <>
              {Object.keys(queries.answers).length === 0 ? "No picture was requested yet. " : ""}The price
              follows from the number of people: it is a <em>maximum</em> until this key has seen the size as precisely
              as needed. Releases that this key has viewed cost no units.{" "}
            </>
          ) : (
            <>Releases that this key has viewed cost no units again. </>
          )}
          {queries.remaining === null ? null : (
            <span className="remaining">
              Remaining for this key:{" "}
              <data value={queries.remaining.units}>{amount(queries.remaining.units)}</data> units of the 30-day
              budget, {amount(queries.remaining.points)} points, and{" "}
              {amount(queries.remaining.requests)} requests in this minute.
            </span>
          )}
        </p>
      </section>
      {second === undefined ? null : (
        <section aria-labelledby="comparison">
          <h2 id="comparison" className="section-title">
            Side by side
          </h2>
          <div className="panels">
            <Panel {...common} spec={COMPARISON} segments={[first]} />
          </div>
        </section>
      )}
      {SECTIONS.map(({ title, specs }) => (
        <section key={title} aria-label={title}>
          <h2 className="section-title">{title}</h2>
          <div className="panels">{columns(specs, panel)}</div>
        </section>
      ))}
    </>
  );
}

/** The error that all loaded pictures of a segment have, if there are several. */
function sharedError(errors: readonly (ApiError | null)[]): ApiError | null {
  const [first] = errors;
  if (first == null || errors.length < 2) return null;
  return errors.every((error) => error !== null && causeOf(error) === causeOf(first)) ? first : null;
}

/** Whether repeating the request can load a picture that is missing. */
function canRetry(answer: SegmentResponse, root: Root): boolean {
  const error = fieldError(answer, root);
  if (error === null || isPermanent(error)) return false;
  // A null without an error stays null; a response without data can be requested again.
  return answer.data == null || error.extensions?.code !== undefined;
}

function longestWait(answers: readonly SegmentResponse[]): number | undefined {
  const waits = answers.map(({ retryAfterSeconds, errors }) => {
    return retryAfterSeconds ?? errors?.[0]?.extensions?.retryAfterSeconds ?? 0;
  });
  return waits.length === 0 ? undefined : Math.max(...waits);
}

/** Summarizes missing pictures by their errors: rejected with a code of the API, or not loaded at all. */
function outcomeOf(errors: readonly (readonly ApiError[])[]): string {
  const rejected = errors.filter((list) => list.some(hasApiCode)).length;
  const notLoaded = errors.filter((list) => list.length > 0 && !list.some(hasApiCode)).length;
  return [
    ...(rejected === 0 ? [] : [`${count(rejected)} rejected.`]),
    ...(notLoaded === 0 ? [] : [`${count(notLoaded)} not loaded.`]),
  ].join(" ");
}

function count(pictures: number): string {
  return pictures === 1 ? "1 picture was" : `${pictures} pictures were`;
}

/** Places full-width pictures one below the other, and the pictures between them in two columns. */
function columns(specs: readonly Spec[], panel: (spec: Spec) => ReactNode): ReactNode[] {
  const rendered: ReactNode[] = [];
  for (let n = 0; n < specs.length; n++) {
    const spec = specs[n]!;
    if (spec.column === undefined) {
      rendered.push(panel(spec));
      continue;
    }
    const end = specs.findIndex((other, at) => at > n && other.column === undefined);
    const run = specs.slice(n, end === -1 ? undefined : end);
    for (const column of [1, 2]) {
      rendered.push(
        <div key={`${spec.id} ${column}`} className="stack">
          {run.filter((other) => other.column === column).map(panel)}
        </div>,
      );
    }
    n += run.length - 1;
  }
  return rendered;
}
