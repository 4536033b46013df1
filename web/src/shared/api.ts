/** Asking the server that served the page. */
import { getKey } from "./key";

/** An error as the server writes it; its code is what programs decide by. */
export interface ApiError {
  message: string;
  path?: (string | number)[];
  extensions?: {
    code?: string;
    reason?: string;
    requestId?: string;
    /** Where the code is explained, such as `/docs/errors.md#forbidden`. */
    docs?: string;
    retryAfterSeconds?: number;
    [detail: string]: unknown;
  };
}

/** What a request cost, in points. */
export interface Cost {
  requested: number;
  actual: number;
  available: number;
  limit: number;
  maxQueryPoints: number;
  restoreRate: number;
}

/** A whole answer. `data` is absent if the request was refused as a whole. */
export interface Answer<Data> {
  data?: Data | null;
  errors?: ApiError[];
  extensions?: { cost?: Cost };
  /** HTTP status; 0 if no answer came. */
  status: number;
  /** From sending to the last byte, in milliseconds. */
  elapsedMs: number;
  /** Seconds to wait before the same may be asked again. */
  retryAfterSeconds?: number;
  /** Requests of this minute, as the headers tell. */
  minute?: RequestsOfMinute;
}

export interface RequestsOfMinute {
  limit: number;
  left: number;
  /** Seconds until all of them are there again. */
  resetSeconds: number;
}

/** Reads `RateLimit-Policy: "minute";q=100;w=60, ..` and `RateLimit: "minute";r=99;t=60, ..`. */
function requestsOfMinute(headers: Headers): RequestsOfMinute | undefined {
  const limit = /"minute";q=(\d+)/.exec(headers.get("ratelimit-policy") ?? "")?.[1];
  const [, left, reset] = /"minute";r=(\d+);t=(\d+)/.exec(headers.get("ratelimit") ?? "") ?? [];
  if (limit === undefined || left === undefined || reset === undefined) return undefined;
  return { limit: Number(limit), left: Number(left), resetSeconds: Number(reset) };
}

/** Sends one document. Never throws but for an abort: an answer that did not come is an answer with a `NETWORK` error. */
export async function ask<Data>(
  query: string,
  variables?: Record<string, unknown>,
  options: { operationName?: string; signal?: AbortSignal } = {},
): Promise<Answer<Data>> {
  const started = performance.now();
  const key = getKey();
  if (!/^[\x21-\x7e]*$/.test(key)) {
    // A header cannot hold it, and no key does: a blank that is not seen, an ellipsis, a letter of another script.
    const message = "The key holds a sign that no key has. Copy it anew.";
    const docs = "/docs/errors.md#authentication_failed";
    return { errors: [{ message, extensions: { code: "AUTHENTICATION_FAILED", docs } }], status: 0, elapsedMs: 0 };
  }
  try {
    const response = await fetch("/graphql", {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/graphql-response+json",
        ...(key === "" ? {} : { Authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify({ query, variables, operationName: options.operationName }),
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: options.signal ?? null,
    });
    const body = (await response.json()) as Omit<Answer<Data>, "status" | "elapsedMs">;
    const retryAfter = response.headers.get("retry-after");
    const minute = requestsOfMinute(response.headers);
    return {
      ...body,
      status: response.status,
      elapsedMs: performance.now() - started,
      ...(retryAfter === null ? {} : { retryAfterSeconds: Number(retryAfter) }),
      ...(minute === undefined ? {} : { minute }),
    };
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    return {
      errors: [{ message: "The server did not answer.", extensions: { code: "NETWORK" } }],
      status: 0,
      elapsedMs: performance.now() - started,
    };
  }
}

/** What a document would cost this key; nothing of it is run. */
export interface Quote {
  points: number;
  maxQueryPoints: number;
  fits: boolean;
  units: number;
  unitsLeft: number;
  dearestPaths: { path: string; points: number }[];
  largestPage: { path: string; argument: string; size: number } | null;
}

const QUOTE = `query Quote($document: String!, $variables: JSON, $operationName: String) {
  quote(document: $document, variables: $variables, operationName: $operationName) {
    points maxQueryPoints fits units unitsLeft dearestPaths { path points } largestPage { path argument size }
  }
}`;

/** Asks for a quote. It is a request like any other (100 a minute by default): do not ask at each key stroke. */
export function quote(
  document: string,
  variables?: Record<string, unknown>,
  options: { operationName?: string; signal?: AbortSignal } = {},
): Promise<Answer<{ quote: Quote }>> {
  const names = { document, variables, operationName: options.operationName };
  return ask(QUOTE, names, options.signal === undefined ? {} : { signal: options.signal });
}
