/** The cost, the time and the errors of a run, below the response. */
import { formatShortcutForOS, tryParseJSONC, useGraphiQL } from "@graphiql/react";
import type { Answer, PrivacyCost } from "../shared/api";
import { ErrorList } from "./ErrorList";
import { counted, milliseconds, points, units } from "./numbers";
import { runs, type SentRequest } from "./requests";
import { useStore } from "./store";

export function RunFooter() {
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]);
  const run = useStore(runs).get(tab?.id ?? "");
  return (
    <section className="run" aria-label="Cost of the last run">
      {run === undefined && <p>Run the query with {formatShortcutForOS("Ctrl + Enter", "Cmd")} to see its cost.</p>}
      {run?.kind === "running" && <p>Waiting for the response …</p>}
      {run?.kind === "stopped" && <p>Stopped. Work that the server had started was charged.</p>}
      {run?.kind === "done" && <Done answer={run.answer} />}
      {run?.kind === "done" && tab !== undefined && isEdited(tab, run.sent) && (
        <p className="edited">Edited since the run: the response belongs to the previous text.</p>
      )}
    </section>
  );
}

/** Compares the editors with the request. GraphiQL updates the tab on each keystroke. */
function isEdited(
  { query, variables }: { query: string | null; variables?: string | null },
  sent: SentRequest,
): boolean {
  if (query !== sent.query) return true;
  try {
    return JSON.stringify(tryParseJSONC(variables ?? "")) !== JSON.stringify(sent.variables);
  } catch {
    return true;
  }
}

function of(tightest: PrivacyCost["tightest"]): string {
  if (tightest === null) return "";
  const age = tightest.ageBand === "unknown" ? "of unknown age" : `of age ${tightest.ageBand}`;
  return ` for people ${age} in ${tightest.region}`;
}

function Done({ answer: { extensions, errors = [], status, elapsedMs } }: { answer: Answer<unknown> }) {
  const cost = extensions?.cost;
  const privacy = extensions?.privacy;
  const omitted = (extensions as { errorsLeftOut?: number } | undefined)?.errorsLeftOut;
  return (
    <>
      <p role="status">
        {cost === undefined ? (
          <span>{status === 0 ? "No response." : "The response contains no cost."}</span>
        ) : (
          <span>
            Cost <strong>{counted(cost.actual, "point")}</strong> of {points(cost.requested)} reserved;{" "}
            {points(cost.available)} of {points(cost.limit)} available.
          </span>
        )}{" "}
        {privacy !== undefined && (
          <span>
            <strong>{counted(privacy.charged, "unit", units)}</strong> charged;{" "}
            {privacy.test === true
              ? "a test key reads synthetic people."
              : `${units(privacy.left)} left${of(privacy.tightest)}.`}{" "}
          </span>
        )}
        <span>
          {milliseconds(elapsedMs)}
          {status !== 200 && status !== 0 && ` · HTTP ${status}`}
        </span>
      </p>
      {errors.length > 0 && <ErrorList errors={errors} label="Errors of the response" />}
      {omitted !== undefined && <p>{counted(omitted, "more error")} omitted by the server.</p>}
    </>
  );
}
