/**
 * Sends requests to the API and retries those that may be retried. It does not depend on segments: copy it as it is.
 *
 * Decisions are based on `extensions.code`, never on a message: see /docs/errors.md of the server.
 */
import type { TypedDocumentString } from "./generated/graphql.js";

/** An error in the format of the server. */
export interface ApiError {
  message: string;
  /** Response keys from the root to the field that is null; absent if the whole request was rejected. */
  path?: (string | number)[];
  extensions?: {
    code?: string;
    reason?: string;
    requestId?: string;
    docs?: string;
    retryAfterSeconds?: number;
    [detail: string]: unknown;
  };
}

/** A response: fields of `data` that failed are null, and `errors` has the cause. */
export interface Answer<Data> {
  data: Data;
  errors: ApiError[];
}

/** There is no data: the request was rejected as a whole, or the server could not be reached. */
export class Refused extends Error {
  override name = "Refused";
  constructor(
    readonly code: string,
    readonly errors: ApiError[],
    detail: string,
  ) {
    super(`${code}: ${detail}`);
  }
}

export interface Settings {
  url: string;
  key: string;
  /** Maximum number of times that a document is sent. */
  attempts?: number;
  /** The client gives up instead of waiting longer than this, such as for the next day. */
  longestWaitSeconds?: number;
  /** The server has a timeout of 10 seconds; a proxy may not. */
  timeoutSeconds?: number;
  /** Called before every wait. */
  onWait?: (seconds: number, code: string) => void;
  /** Called if the requested wait is longer than `longestWaitSeconds`: the client does not try again. */
  onGiveUp?: (seconds: number, code: string) => void;
  /** For tests. */
  sleep?: (seconds: number) => Promise<void>;
}

/** Exceeded limits: the server says when a request fits again. */
const LIMITS = new Set(["RATE_LIMIT_EXCEEDED", "COST_LIMIT_EXCEEDED"]);
/** Temporary faults: the same document may succeed. Units that were charged are not charged again. */
const PASSING = new Set(["UNAVAILABLE", "TIMEOUT", "NO_ANSWER"]);

/** The result of one attempt. */
interface Attempt<Data> {
  data?: Data | null | undefined;
  errors: ApiError[];
  /** The code that permits a retry; undefined if the request must not be repeated. */
  retry?: string | undefined;
  retryAfterSeconds?: number | undefined;
}

export class Client {
  readonly #settings: Required<Omit<Settings, "onWait" | "onGiveUp">> & Pick<Settings, "onWait" | "onGiveUp">;

  constructor(settings: Settings) {
    this.#settings = {
      attempts: 5,
      longestWaitSeconds: 60,
      timeoutSeconds: 20,
      sleep: (seconds) => new Promise((done) => setTimeout(done, seconds * 1000)),
      ...settings,
    };
  }

  /** Sends one document; the types of variables and data come from the document. */
  async ask<Data, Variables>(
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
  ): Promise<Answer<Data>> {
    const { attempts, longestWaitSeconds, onWait, onGiveUp, sleep } = this.#settings;
    for (let attempt = 1; ; attempt++) {
      const { data, errors, retry, retryAfterSeconds } = await this.#send<Data>(document.toString(), variables);
      if (retry !== undefined && attempt < attempts) {
        const wait = waitSeconds(retry, attempt, retryAfterSeconds);
        if (wait <= longestWaitSeconds) {
          onWait?.(wait, retry);
          await sleep(wait);
          continue;
        }
        onGiveUp?.(wait, retry);
      }
      if (data !== undefined && data !== null) return { data, errors };
      throw refusal(errors, retry === undefined ? undefined : retryAfterSeconds);
    }
  }

  async #send<Data>(query: string, variables: unknown): Promise<Attempt<Data>> {
    const { url, key, timeoutSeconds } = this.#settings;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: {
          Authorization: `Bearer ${key}`,
          "Content-Type": "application/json",
          // With this, documents that cannot run are 400 instead of 200.
          Accept: "application/graphql-response+json",
        },
        body: JSON.stringify({ query, variables }),
        signal: AbortSignal.timeout(timeoutSeconds * 1000),
      });
      return read<Data>(response.status, response.headers.get("retry-after"), await response.text());
    } catch (cause) {
      // It is unknown whether the request arrived. A query may be sent again in this case; check a mutation first.
      return { errors: [{ message: reasons(cause), extensions: { code: "NO_ANSWER" } }], retry: "NO_ANSWER" };
    }
  }
}

/** Reads one response. A body that is not that of the API comes from a proxy: then the status decides. */
function read<Data>(status: number, retryAfter: string | null, text: string): Attempt<Data> {
  const body = parse<Data>(text);
  if (body === undefined) {
    const code = status === 429 ? "RATE_LIMIT_EXCEEDED" : [502, 503, 504].includes(status) ? "UNAVAILABLE" : undefined;
    const error = {
      message: `HTTP ${status} without a response of the API`,
      extensions: { code: code ?? "NOT_GRAPHQL" },
    };
    return { errors: [error], retry: code, retryAfterSeconds: seconds(retryAfter) };
  }
  const errors = body.errors ?? [];
  const passing = errors.find(({ extensions }) => mayRetry(extensions?.code));
  return {
    data: body.data,
    errors,
    retry: passing?.extensions?.code,
    retryAfterSeconds: seconds(retryAfter) ?? passing?.extensions?.retryAfterSeconds,
  };
}

function parse<Data>(text: string): { data?: Data | null; errors?: ApiError[] } | undefined {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === "object" && body !== null && ("data" in body || "errors" in body)) {
      return body as { data?: Data | null; errors?: ApiError[] };
    }
  } catch {
    // Not JSON: undefined, as for JSON that is not a GraphQL response.
  }
  return undefined;
}

export function mayRetry(code: string | undefined): boolean {
  return code !== undefined && (LIMITS.has(code) || PASSING.has(code));
}

/** The wait that the server requests, growing for temporary faults, plus jitter so that workers do not synchronize. */
export function waitSeconds(
  code: string,
  attempt: number,
  retryAfter: number | undefined,
  jitter = Math.random(),
): number {
  const growing = LIMITS.has(code) && retryAfter !== undefined ? 0 : 2 ** (attempt - 1);
  return Math.max(retryAfter ?? 0, growing) * (1 + jitter / 4);
}

function seconds(header: string | null): number | undefined {
  const value = Number(header ?? Number.NaN);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

export function refusal(errors: ApiError[], retryAfter?: number): Refused {
  const [first] = errors;
  const details = [first?.message ?? "a response without data and without an error"];
  if (retryAfter !== undefined) details.push(`retry after ${retryAfter} seconds`);
  if (first?.extensions?.requestId !== undefined) details.push(`request ${first.extensions.requestId}`);
  if (first?.extensions?.docs !== undefined) details.push(first.extensions.docs);
  return new Refused(first?.extensions?.code ?? "NO_DATA", errors, details.join("; "));
}

/** The message of `fetch` is only `fetch failed`: the reason is in its cause. */
function reasons(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause === undefined ? cause.message : `${cause.message}: ${reasons(cause.cause)}`;
}
