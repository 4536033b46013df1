/** The price of what is in the editor, beside it: before anything is spent. */
import { useGraphiQL } from "@graphiql/react";
import { type ReactNode, useEffect } from "react";
import type { Quote } from "../../shared/api";
import { useKey } from "../../shared/Site";
import { budget } from "../budget";
import { Countdown } from "../Countdown";
import { ErrorList } from "../ErrorList";
import { counted, points, units } from "../numbers";
import { activeTab, runs, schemaState } from "../requests";
import { useStore } from "../store";
import { useWritten } from "../written";
import { type Phase, Quoter, type QuoteState } from "./quoter";
import { type Subject, subjectOf } from "./subject";

const quoter = new Quoter();

/** Feeds the quoter; draws nothing. */
export function QuoteSource() {
  const key = useKey();
  const schema = useGraphiQL((state) => state.schema);
  const written = useWritten();
  const allRuns = useStore(runs);
  const loading = useStore(schemaState).kind === "loading";
  useEffect(() => quoter.reset(), [key]);
  useEffect(() => {
    if (written === null) return;
    const next: Subject = loading ? { kind: "none", why: "The schema is loading …" } : subjectOf(written, schema);
    quoter.consider(next);
  }, [loading, schema, written?.query, written?.variables, written?.cursor, written?.operationName, key]);
  // A run that may have paid units changes what is left of them.
  useEffect(() => {
    const run = allRuns.get(activeTab.id);
    const { quote } = quoter.state.get();
    if (run?.kind === "done" && run.answer.data && quote !== null && quote.units > 0) quoter.again();
  }, [allRuns]);
  return null;
}

/** `tools` are the editor's own buttons, which stand below the verdict. */
export function QuoteBar({ tools }: { tools: ReactNode }) {
  const state = useStore(quoter.state);
  const { quote, phase, errors } = state;
  const current = phase.kind === "settled";
  return (
    <>
      <section className="quote" aria-label="Quote" data-phase={phase.kind}>
        <div className={current ? "quote-numbers" : "quote-numbers stale"}>
          {quote === null ? <Empty /> : <Numbers quote={quote} />}
        </div>
        <p className="visually-hidden" role="status">
          {spoken(state)}
        </p>
      </section>
      <div className="quote-side">
        <Verdict state={state} />
        <div className="tools">{tools}</div>
      </div>
      <div className="quote-more">
        <p className="quote-note">
          <Note state={state} />
        </p>
        {errors.length > 0 && <ErrorList errors={errors} label="Errors of the quote" />}
      </div>
    </>
  );
}

function Empty() {
  return (
    <>
      <Gauge name="points" value="–" rest="" share={0} />
      <Gauge name="units" value="–" rest="" share={0} />
    </>
  );
}

function Numbers({ quote }: { quote: Quote }) {
  const now = useStore(budget).points;
  const available = now === null ? "" : ` · ${points(now.available)} available`;
  return (
    <>
      <Gauge
        name={quote.points === 1 ? "point" : "points"}
        value={points(quote.points)}
        rest={`of ${points(quote.maxQueryPoints)} a document${available}`}
        share={quote.points / quote.maxQueryPoints}
      />
      <Gauge
        name={quote.units === 1 ? "unit" : "units"}
        value={units(quote.units)}
        rest={`at most · ${units(quote.unitsLeft)} left`}
        share={quote.units / quote.unitsLeft}
      />
    </>
  );
}

/** A number, and a bar of how much it takes of what there is. */
function Gauge({ name, value, rest, share }: { name: string; value: string; rest: string; share: number }) {
  const width = Math.min(1, Number.isFinite(share) ? share : 1);
  return (
    <div className={share > 1 ? "gauge over" : "gauge"}>
      <p>
        <strong>{value}</strong> {name} <span className="rest">{rest}</span>
      </p>
      <div className="gauge-bar" aria-hidden="true">
        <div style={{ width: `${width * 100}%` }} />
      </div>
    </div>
  );
}

function Verdict({ state: { quote, phase } }: { state: QuoteState }) {
  const now = useStore(budget).points;
  if (phase.kind === "asking") return <span className="verdict">asking …</span>;
  if (quote === null || phase.kind !== "settled")
    return <span className="verdict">{phase.kind === "typing" ? "updating …" : ""}</span>;
  if (!quote.fits) return <span className="verdict bad">too costly</span>;
  // What this key has seen before is free, so it may do all the same.
  if (quote.units > quote.unitsLeft) return <span className="verdict warn">units may lack</span>;
  if (now !== null && quote.points > now.available) return <span className="verdict warn">not yet</span>;
  return <span className="verdict good">fits</span>;
}

function Note({ state: { quote, phase, label } }: { state: QuoteState }) {
  if (phase.kind === "none") return <>{phase.why}</>;
  if (phase.kind === "refused" || phase.kind === "sparing") return <Waiting phase={phase} />;
  if (quote === null) return <>{phase.kind === "settled" ? <AskNow /> : "The quote comes when you stop typing."}</>;
  const page = quote.largestPage;
  return (
    <>
      {label !== null && (
        <>
          Quote of <code>{label}</code>.{" "}
        </>
      )}
      {page !== null && (
        <strong>
          It fits with{" "}
          <code>
            {page.path}({page.argument}: {page.size})
          </code>
          .{" "}
        </strong>
      )}
      {quote.dearestPaths.length > 0 && <>Dearest: </>}
      {quote.dearestPaths.map(({ path, points: cost }, number) => (
        <span key={path}>
          {number > 0 && ", "}
          <code>{path}</code> {points(cost)}
        </span>
      ))}
      {quote.dearestPaths.length > 0 && "."}
    </>
  );
}

function Waiting({ phase }: { phase: Extract<Phase, { until: number }> }) {
  if (phase.kind === "refused") {
    return (
      <>
        No quote for <Countdown until={phase.until} />: the limit is reached.
      </>
    );
  }
  return (
    <>
      The next quote comes in <Countdown until={phase.until} />, so that {phase.of} are left for what you run.{" "}
      <AskNow />
    </>
  );
}

function AskNow() {
  return (
    <button type="button" className="small" onClick={() => quoter.now()}>
      Quote now
    </button>
  );
}

/** The quote in one sentence, once it is there: what changes while one types is not read out. */
function spoken({ quote, phase, errors }: QuoteState): string {
  if (phase.kind === "refused") return "No quote for now: the limit is reached.";
  if (phase.kind === "sparing") return `The next quote waits, so that ${phase.of} are left for what you run.`;
  if (phase.kind !== "settled") return "";
  if (quote === null) return errors.map(({ extensions }) => `No quote: ${extensions?.code ?? "error"}.`).join(" ");
  const fits = quote.fits ? "It fits." : "It does not fit.";
  return `Quote: ${counted(quote.points, "point")}, ${counted(quote.units, "unit", units)}, ${units(quote.unitsLeft)} left. ${fits}`;
}
