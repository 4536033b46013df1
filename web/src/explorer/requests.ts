/** GraphiQL's requests: the schema, and the documents that the user runs. */
import type { Fetcher, FetcherResult } from "@graphiql/toolkit";
import { sendQuery, type Answer, type ApiError } from "../shared/api";
import { getKey } from "../shared/key";
import { updateBudget } from "./budget";
import { Store } from "./store";

/** The operation name of the page's introspection. It distinguishes it from documents that the user runs. */
export const SCHEMA_QUERY = "SchemaOfThisPage";

export type SchemaState =
  | { kind: "no-key" }
  | { kind: "loading" }
  | { kind: "ready" }
  | { kind: "failed"; errors: ApiError[]; retryAfterSeconds?: number };

export const schemaState = new Store<SchemaState>({ kind: "no-key" });

/** The request of a run. The editors may have changed since. */
export interface SentRequest {
  query: string;
  variables: Record<string, unknown> | undefined;
}

/** A run of a tab and its result. */
export type Run =
  { kind: "running" } | { kind: "stopped" } | { kind: "done"; answer: Answer<unknown>; sent: SentRequest };

/** The last run of each tab with the current key, by tab id. */
export const runs = new Store<ReadonlyMap<string, Run>>(new Map());

/** The tab that starts the next run; set by `Explorer.tsx`. */
export const activeTab = { id: "" };

function saveRun(tab: string, run: Run): void {
  runs.set(new Map(runs.get()).set(tab, run));
}

/** Removes all runs. Responses to one key are not shown after a change to another key. */
export function clearRuns(): void {
  runs.set(new Map());
}

/** Creates the fetcher for the current key. GraphiQL loads the schema again whenever the fetcher changes. */
export function createFetcher(): Fetcher {
  return ({ query, operationName, variables }) => {
    if (operationName === SCHEMA_QUERY) return introspect(query);
    return run(query, variables as Record<string, unknown> | undefined, operationName ?? undefined);
  };
}

let introspections = 0;

async function introspect(query: string): Promise<FetcherResult> {
  const attempt = ++introspections;
  const key = getKey();
  schemaState.set({ kind: "loading" });
  const answer = await sendQuery<Record<string, unknown>>(query, undefined, { operationName: SCHEMA_QUERY });
  if (attempt === introspections && key === getKey()) {
    updateBudget(answer);
    const { errors = [], retryAfterSeconds } = answer;
    if (answer.data) schemaState.set({ kind: "ready" });
    else schemaState.set({ kind: "failed", errors, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
  }
  // If the property `data` exists, GraphiQL does not send a second introspection for older servers.
  return { ...body(answer), data: answer.data ?? undefined } as FetcherResult;
}

/** Discards pending responses for the schema, for example when the key is removed. */
export function resetSchema(): void {
  introspections += 1;
  schemaState.set({ kind: "no-key" });
}

/**
 * Returns an observable, because GraphiQL can stop only observables. All tabs share one response pane, so a stopped run
 * delivers nothing.
 */
function run(query: string, variables: Record<string, unknown> | undefined, operationName: string | undefined) {
  return {
    subscribe(observer: { next(value: FetcherResult): void; complete(): void; error(cause: unknown): void }) {
      const tab = activeTab.id;
      const key = getKey();
      const abort = new AbortController();
      const thisRun: Run = { kind: "running" };
      const current = () => runs.get().get(tab) === thisRun;
      saveRun(tab, thisRun);
      sendQuery<unknown>(query, variables, {
        ...(operationName === undefined ? {} : { operationName }),
        signal: abort.signal,
      }).then(
        (answer) => {
          // Limits apply to one key.
          if (key === getKey()) updateBudget(answer);
          if (!current() || activeTab.id !== tab) return;
          saveRun(tab, { kind: "done", answer, sent: { query, variables } });
          observer.next(body(answer));
          observer.complete();
        },
        () => {
          // Aborted: `unsubscribe` sets the state.
        },
      );
      return {
        unsubscribe() {
          abort.abort();
          if (current()) saveRun(tab, { kind: "stopped" });
        },
      };
    },
  };
}

/** The response body, with errors first, then data, then extensions. */
function body({ data, errors, extensions }: Answer<unknown>): FetcherResult {
  return {
    ...(errors === undefined ? {} : { errors }),
    ...(data === undefined ? {} : { data }),
    ...(extensions === undefined ? {} : { extensions }),
  } as FetcherResult;
}
