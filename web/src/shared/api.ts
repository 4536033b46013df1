/** GraphQL client for the server that served the page. */
import { QUOTED_SEGMENTS, type QuotedSegment } from "./expectation";
import { getKey } from "./key";

/** An error of a GraphQL response. Programs must branch on `extensions.code`, not on `message`. */
export interface ApiError {
  message: string;
  path?: (string | number)[];
  extensions?: {
    code?: string;
    reason?: string;
    requestId?: string;
    /** Path of the documentation of the code, such as `/docs/errors.md#forbidden`. */
    docs?: string;
    retryAfterSeconds?: number;
    [detail: string]: unknown;
  };
}

/** The cost of a request, in points. */
export interface Cost {
  requested: number;
  actual: number;
  available: number;
  limit: number;
  maxQueryPoints: number;
  restoreRate: number;
}

/** A complete response. `data` is absent if the whole request was rejected. */
export interface Answer<Data> {
  data?: Data | null;
  errors?: ApiError[];
  extensions?: { cost?: Cost; privacy?: PrivacyCost };
  /** HTTP status; 0 if no response was received. */
  status: number;
  /** Time from sending the request to the last byte of the response, in milliseconds. */
  elapsedMs: number;
  /** Seconds to wait before the request may be repeated. */
  retryAfterSeconds?: number;
  /** The request limit of the current minute, from the response headers. */
  minute?: RequestsOfMinute;
}

export interface RequestsOfMinute {
  limit: number;
  left: number;
  /** Seconds until the limit is fully restored. */
  resetSeconds: number;
}

/** Reads `RateLimit-Policy: "minute";q=100;w=60, ..` and `RateLimit: "minute";r=99;t=60, ..`. */
function requestsOfMinute(headers: Headers): RequestsOfMinute | undefined {
  const limit = /"minute";q=(\d+)/.exec(headers.get("ratelimit-policy") ?? "")?.[1];
  const [, left, reset] = /"minute";r=(\d+);t=(\d+)/.exec(headers.get("ratelimit") ?? "") ?? [];
  if (limit === undefined || left === undefined || reset === undefined) return undefined;
  return { limit: Number(limit), left: Number(left), resetSeconds: Number(reset) };
}

/** Sends one document. Throws only if aborted: without a response it returns an answer with a `NETWORK` error. */
export async function sendQuery<Data>(
  query: string,
  variables?: Record<string, unknown>,
  options: { operationName?: string; signal?: AbortSignal } = {},
): Promise<Answer<Data>> {
  const started = performance.now();
  const key = getKey();
  if (!/^[\x21-\x7e]*$/.test(key)) {
    // No key contains such a character, and a header cannot carry it: invisible spaces, an ellipsis, non-ASCII letters.
    const message = "The API key contains an invalid character. Copy the key again.";
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
      errors: [{ message: "The server did not respond.", extensions: { code: "NETWORK" } }],
      status: 0,
      elapsedMs: performance.now() - started,
    };
  }
}

/** What a response cost in privacy units, and what is left of the people of whom the key has spent the most. */
export interface PrivacyCost {
  charged: number;
  left: number;
  tightest: { region: string; ageBand: string } | null;
  /** Whether the key is a test key: its numbers are about synthetic people. */
  test?: boolean;
}

/** The cost estimate of a document for this key; the document is not executed. */
export interface Quote {
  points: number;
  maxQueryPoints: number;
  fits: boolean;
  units: number;
  unitsLeft: number;
  /** Whether `units` is the exact price; otherwise it is the highest possible one. */
  exact: boolean;
  segments: QuotedSegment[];
  dearestPaths: { path: string; points: number }[];
  largestPage: { path: string; argument: string; size: number } | null;
}

const QUOTE = `query Quote($document: String!, $variables: JSON, $operationName: String) {
  quote(document: $document, variables: $variables, operationName: $operationName) {
    points maxQueryPoints fits units unitsLeft exact ${QUOTED_SEGMENTS}
    dearestPaths { path points } largestPage { path argument size }
  }
}`;

/** Requests a quote. A quote counts as a request (100 per minute by default), so do not send one per keystroke. */
export function quote(
  document: string,
  variables?: Record<string, unknown>,
  options: { operationName?: string; signal?: AbortSignal } = {},
): Promise<Answer<{ quote: Quote }>> {
  const names = { document, variables, operationName: options.operationName };
  return sendQuery(QUOTE, names, options.signal === undefined ? {} : { signal: options.signal });
}
