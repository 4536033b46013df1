/** What GraphiQL asks of the server: the schema, and what a person runs. */
import type { Fetcher, FetcherResult } from "@graphiql/toolkit";
import { ask, type Answer, type ApiError } from "../shared/api";
import { getKey } from "../shared/key";
import { noteBudget } from "./budget";
import { Store } from "./store";

/** The name of the page's own introspection: what a person runs has another. */
export const SCHEMA_QUERY = "SchemaOfThisPage";

export type SchemaState =
  | { kind: "no-key" }
  | { kind: "loading" }
  | { kind: "ready" }
  | { kind: "failed"; errors: ApiError[]; retryAfterSeconds?: number };

export const schemaState = new Store<SchemaState>({ kind: "no-key" });

/** What was sent: the editors may hold something else by now. */
export interface Sent {
  query: string;
  variables: Record<string, unknown> | undefined;
}

/** A run of a tab: still under way, or its answer. */
export type Run = { kind: "running" } | { kind: "stopped" } | { kind: "done"; answer: Answer<unknown>; sent: Sent };

/** The last run of each tab under this key, by the tab's id. */
export const runs = new Store<ReadonlyMap<string, Run>>(new Map());

/** Whose run it is that begins now; the page says so. */
export const activeTab = { id: "" };

function keepRun(tab: string, run: Run): void {
  runs.set(new Map(runs.get()).set(tab, run));
}

/** For another key: what the last one was told is not its answer. */
export function forgetRuns(): void {
  runs.set(new Map());
}

/** A fetcher for one key. GraphiQL loads the schema anew whenever it gets another fetcher. */
export function createFetcher(): Fetcher {
  return ({ query, operationName, variables }) => {
    if (operationName === SCHEMA_QUERY) return introspect(query);
    return run(query, variables as Record<string, unknown> | undefined, operationName ?? undefined);
  };
}

let introspections = 0;

async function introspect(query: string): Promise<FetcherResult> {
  const mine = ++introspections;
  const key = getKey();
  schemaState.set({ kind: "loading" });
  const answer = await ask<Record<string, unknown>>(query, undefined, { operationName: SCHEMA_QUERY });
  if (mine === introspections && key === getKey()) {
    noteBudget(answer);
    const { errors = [], retryAfterSeconds } = answer;
    if (answer.data) schemaState.set({ kind: "ready" });
    else schemaState.set({ kind: "failed", errors, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
  }
  // With a key `data` GraphiQL does not ask a second time, for older servers.
  return { ...body(answer), data: answer.data ?? undefined } as FetcherResult;
}

/** Stops what is under way for the schema from being believed, such as when the key is taken away. */
export function forgetSchema(): void {
  introspections += 1;
  schemaState.set({ kind: "no-key" });
}

/**
 * An observable, because only these can be stopped in GraphiQL. GraphiQL writes what comes into the one answer pane there
 * is, so after a stop nothing is handed on.
 */
function run(query: string, variables: Record<string, unknown> | undefined, operationName: string | undefined) {
  return {
    subscribe(observer: { next(value: FetcherResult): void; complete(): void; error(cause: unknown): void }) {
      const tab = activeTab.id;
      const key = getKey();
      const abort = new AbortController();
      const mine: Run = { kind: "running" };
      const current = () => runs.get().get(tab) === mine;
      keepRun(tab, mine);
      ask<unknown>(query, variables, {
        ...(operationName === undefined ? {} : { operationName }),
        signal: abort.signal,
      }).then(
        (answer) => {
          // Limits belong to a key.
          if (key === getKey()) noteBudget(answer);
          if (!current() || activeTab.id !== tab) return;
          keepRun(tab, { kind: "done", answer, sent: { query, variables } });
          observer.next(body(answer));
          observer.complete();
        },
        () => {
          // Aborted, and said below.
        },
      );
      return {
        unsubscribe() {
          abort.abort();
          if (current()) keepRun(tab, { kind: "stopped" });
        },
      };
    },
  };
}

/** The answer as it came, in the order in which one reads it. */
function body({ data, errors, extensions }: Answer<unknown>): FetcherResult {
  return {
    ...(errors === undefined ? {} : { errors }),
    ...(data === undefined ? {} : { data }),
    ...(extensions === undefined ? {} : { extensions }),
  } as FetcherResult;
}
