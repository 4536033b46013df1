/** What a run took: its points and its time, and what went wrong, below the answer. */
import { formatShortcutForOS, tryParseJSONC, useGraphiQL } from "@graphiql/react";
import type { Answer } from "../shared/api";
import { ErrorList } from "./ErrorList";
import { counted, milliseconds, points } from "./numbers";
import { runs, type Sent } from "./requests";
import { useStore } from "./store";

export function RunFooter() {
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]);
  const run = useStore(runs).get(tab?.id ?? "");
  return (
    <section className="run" aria-label="Cost of the last run">
      {run === undefined && <p>Run it with {formatShortcutForOS("Ctrl + Enter", "Cmd")}: the cost comes here.</p>}
      {run?.kind === "running" && <p>Waiting for the answer …</p>}
      {run?.kind === "stopped" && <p>Stopped. What had begun on the server was paid.</p>}
      {run?.kind === "done" && <Done answer={run.answer} />}
      {run?.kind === "done" && tab !== undefined && isEdited(tab, run.sent) && (
        <p className="edited">Edited since: the answer is of what stood here when it was run.</p>
      )}
    </section>
  );
}

/** GraphiQL tells a tab what is in the editors as one types. */
function isEdited({ query, variables }: { query: string | null; variables?: string | null }, sent: Sent): boolean {
  if (query !== sent.query) return true;
  try {
    return JSON.stringify(tryParseJSONC(variables ?? "")) !== JSON.stringify(sent.variables);
  } catch {
    return true;
  }
}

function Done({ answer: { extensions, errors = [], status, elapsedMs } }: { answer: Answer<unknown> }) {
  const cost = extensions?.cost;
  const leftOut = (extensions as { errorsLeftOut?: number } | undefined)?.errorsLeftOut;
  return (
    <>
      <p role="status">
        {cost === undefined ? (
          <span>{status === 0 ? "No answer came." : "The answer names no cost."}</span>
        ) : (
          <span>
            Cost <strong>{counted(cost.actual, "point")}</strong> of {points(cost.requested)} reserved;{" "}
            {points(cost.available)} of {points(cost.limit)} available.
          </span>
        )}{" "}
        <span>
          {milliseconds(elapsedMs)}
          {status !== 200 && status !== 0 && ` · HTTP ${status}`}
        </span>
      </p>
      {errors.length > 0 && <ErrorList errors={errors} label="Errors of the answer" />}
      {leftOut !== undefined && <p>{counted(leftOut, "more error")} left out by the server.</p>}
    </>
  );
}
