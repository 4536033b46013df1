/** The quote of the document in the editor, shown above the editor before anything is charged. */
import { useGraphiQL } from "@graphiql/react";
import { type ReactNode, useEffect } from "react";
import type { Quote } from "../../shared/api";
import { expectationOf } from "../../shared/expectation";
import { useKey } from "../../shared/Site";
import { budget } from "../budget";
import { Countdown } from "../Countdown";
import { ErrorList } from "../ErrorList";
import { counted, points, units } from "../numbers";
import { activeTab, runs, schemaState } from "../requests";
import { useStore } from "../store";
import { useEditorState } from "../editorState";
import { type Phase, Quoter, type QuoteState } from "./quoter";
import { quoteTargetOf } from "./target";

const quoter = new Quoter();

/** Passes the editor state to the quoter. Renders nothing. */
export function QuoteSource() {
  const key = useKey();
  const schema = useGraphiQL((state) => state.schema);
  const editorState = useEditorState();
  const allRuns = useStore(runs);
  const loading = useStore(schemaState).kind === "loading";
  useEffect(() => quoter.reset(), [key]);
  useEffect(() => {
    if (editorState === null) return;
    quoter.setTarget(
      loading ? { kind: "none", why: "The schema is loading …" } : quoteTargetOf(editorState, schema),
    );
  }, [
    loading,
    schema,
    editorState?.query,
    editorState?.variables,
    editorState?.cursor,
    editorState?.operationName,
    key,
  ]);
  // A run that may have been charged units changes the remaining units, so the quote is requested again.
  useEffect(() => {
    const run = allRuns.get(activeTab.id);
    const { quote } = quoter.state.get();
    if (run?.kind === "done" && run.answer.data && quote !== null && quote.units > 0) quoter.requote();
  }, [allRuns]);
  return null;
}

/** `tools` are the editor's buttons, placed below the verdict. */
export function QuoteBar({ tools }: { tools: ReactNode }) {
  const state = useStore(quoter.state);
  const { quote, phase, errors } = state;
  const current = phase.kind === "settled";
  return (
    <>
      <section className="quote" aria-label="Quote" data-phase={phase.kind}>
        <div className={current ? "quote-numbers" : "quote-numbers stale"}>
          {quote === null ? <EmptyGauges /> : <Gauges quote={quote} />}
        </div>
        <p className="visually-hidden" role="status">
          {announcementOf(state)}
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

function EmptyGauges() {
  return (
    <>
      <Gauge name="points" value="–" rest="" share={0} />
      <Gauge name="units" value="–" rest="" share={0} />
    </>
  );
}

function Gauges({ quote }: { quote: Quote }) {
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
        rest={`${quote.exact ? "" : "at most · "}${units(quote.unitsLeft)} left`}
        share={quote.units / quote.unitsLeft}
      />
    </>
  );
}

/** A number, and a bar that shows its share of the available amount. */
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
  if (phase.kind === "loading") return <span className="verdict">loading …</span>;
  if (quote === null || phase.kind !== "settled")
    return <span className="verdict">{phase.kind === "typing" ? "updating …" : ""}</span>;
  if (!quote.fits) return <span className="verdict bad">cost exceeded</span>;
  // Releases that this key has viewed before cost no units, so the run may still succeed.
  if (quote.units > quote.unitsLeft) return <span className="verdict warn">units may run out</span>;
  if (now !== null && quote.points > now.available) return <span className="verdict warn">wait for points</span>;
  return <span className="verdict good">fits</span>;
}

function Note({ state: { quote, phase, label } }: { state: QuoteState }) {
  if (phase.kind === "none") return <>{phase.why}</>;
  if (phase.kind === "limited" || phase.kind === "deferred") return <Waiting phase={phase} />;
  if (quote === null)
    return <>{phase.kind === "settled" ? <QuoteNow /> : "The quote is updated when you stop typing."}</>;
  const page = quote.largestPage;
  const expectation = expectationOf(quote.segments);
  return (
    <>
      {expectation !== null && `${expectation} `}
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
      {quote.dearestPaths.length > 0 && <>Most expensive: </>}
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
  if (phase.kind === "limited") {
    return (
      <>
        No quote for <Countdown until={phase.until} />: the rate limit is reached.
      </>
    );
  }
  return (
    <>
      The next quote is due in <Countdown until={phase.until} />: the remaining {phase.of} are reserved for runs.{" "}
      <QuoteNow />
    </>
  );
}

function QuoteNow() {
  return (
    <button type="button" className="small" onClick={() => quoter.quoteNow()}>
      Quote now
    </button>
  );
}

/** The quote as a sentence for screen readers. Empty during typing, so intermediate states are not announced. */
function announcementOf({ quote, phase, errors }: QuoteState): string {
  if (phase.kind === "limited") return "No quote: the rate limit is reached.";
  if (phase.kind === "deferred") return `The next quote is delayed: the remaining ${phase.of} are reserved for runs.`;
  if (phase.kind !== "settled") return "";
  if (quote === null) return errors.map(({ extensions }) => `No quote: ${extensions?.code ?? "error"}.`).join(" ");
  const fits = quote.fits ? "It fits." : "It does not fit.";
  const cost = `${counted(quote.points, "point")}, ${counted(quote.units, "unit", units)}`;
  return `Quote: ${cost}, ${units(quote.unitsLeft)} left. ${fits}`;
}
