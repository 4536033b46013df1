/** Retries, against a server with the replies that the test defines. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { Client, Refused, waitSeconds, type Settings } from "../src/client.js";
import { TypedDocumentString } from "../src/generated/graphql.js";

const DOCUMENT = new TypedDocumentString<{ viewer: { partner: string } | null }, { n: number }>(
  "query ($n: Int) { viewer { partner } }",
);
const GOOD = { data: { viewer: { partner: "acme" } } };

type Reply = { status?: number; headers?: Record<string, string>; body: unknown } | "cut";

function error(code: string, more: object = {}): { errors: object[] } {
  return {
    errors: [
      { message: "As the server says.", extensions: { code, requestId: "r1", docs: "/docs/errors.md", ...more } },
    ],
  };
}

/** A server that sends the replies in order and repeats the last one, and a client that records its waits. */
async function start(context: TestContext, replies: Reply[], settings: Partial<Settings> = {}) {
  const seen: { headers: IncomingMessage["headers"]; body: unknown }[] = [];
  const waits: number[] = [];
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    let text = "";
    for await (const part of request) text += part;
    const reply = replies[Math.min(seen.length, replies.length - 1)] ?? "cut";
    seen.push({ headers: request.headers, body: JSON.parse(text) });
    if (reply === "cut") return request.socket.destroy();
    response.writeHead(reply.status ?? 200, reply.headers);
    response.end(typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const client = new Client({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    key: "secret",
    sleep: async (seconds) => void waits.push(seconds),
    ...settings,
  });
  return { seen, waits, ask: () => client.ask(DOCUMENT, { n: 1 }) };
}

function within(value: number | undefined, low: number): void {
  assert.ok(value !== undefined && value >= low && value <= low * 1.25, `${value} is not ${low} with jitter`);
}

test("an answer comes with data, and the request as the server wants it", async (context) => {
  const { seen, ask } = await start(context, [{ body: GOOD }]);
  assert.deepEqual(await ask(), { data: GOOD.data, errors: [] });
  assert.deepEqual(seen[0]?.body, { query: DOCUMENT.toString(), variables: { n: 1 } });
  assert.equal(seen[0]?.headers.authorization, "Bearer secret");
  assert.equal(seen[0]?.headers.accept, "application/graphql-response+json");
});

for (const code of ["RATE_LIMIT_EXCEEDED", "COST_LIMIT_EXCEEDED"]) {
  test(`429 ${code} waits as long as Retry-After says, then asks the same`, async (context) => {
    const { seen, waits, ask } = await start(context, [
      { status: 429, headers: { "Retry-After": "7" }, body: error(code, { retryAfterSeconds: 5 }) },
      { body: GOOD },
    ]);
    assert.deepEqual((await ask()).data, GOOD.data);
    assert.equal(waits.length, 1);
    within(waits[0], 7);
    assert.deepEqual(seen[1]?.body, seen[0]?.body);
  });
}

test("without the header, retryAfterSeconds says how long", async (context) => {
  const { waits, ask } = await start(context, [
    { status: 429, body: error("RATE_LIMIT_EXCEEDED", { retryAfterSeconds: 5 }) },
    { body: GOOD },
  ]);
  await ask();
  within(waits[0], 5);
});

test("a limit of the day is not waited for", async (context) => {
  const givenUp: string[] = [];
  const { seen, waits, ask } = await start(
    context,
    [{ status: 429, headers: { "Retry-After": "40000" }, body: error("RATE_LIMIT_EXCEEDED") }],
    { onGiveUp: (seconds, code) => givenUp.push(`${code} ${seconds >= 40000}`) },
  );
  await assert.rejects(
    ask,
    (refused: Refused) => refused.code === "RATE_LIMIT_EXCEEDED" && /40000 seconds/.test(refused.message),
  );
  assert.equal(seen.length, 1);
  assert.deepEqual(waits, []);
  assert.deepEqual(givenUp, ["RATE_LIMIT_EXCEEDED true"]);
});

for (const code of ["UNAVAILABLE", "TIMEOUT"]) {
  test(`503 ${code} is tried again at growing intervals`, async (context) => {
    const busy: Reply = { status: 503, headers: { "Retry-After": "1" }, body: error(code, { retryable: true }) };
    const { waits, ask } = await start(context, [busy, busy, busy, { body: GOOD }]);
    await ask();
    assert.equal(waits.length, 3);
    [1, 2, 4].forEach((low, index) => within(waits[index], low));
  });
}

test("attempts end", async (context) => {
  const { seen, waits, ask } = await start(context, [{ status: 503, body: error("UNAVAILABLE") }], { attempts: 3 });
  await assert.rejects(ask, (refused: Refused) => refused.code === "UNAVAILABLE" && refused.errors.length === 1);
  assert.equal(seen.length, 3);
  assert.equal(waits.length, 2);
});

test("a connection that is cut is tried again", async (context) => {
  const { waits, ask } = await start(context, ["cut", { body: GOOD }]);
  assert.deepEqual((await ask()).data, GOOD.data);
  within(waits[0], 1);
});

test("a server that is away is an error that says so", async (context) => {
  const { ask } = await start(context, ["cut"], { attempts: 2 });
  await assert.rejects(ask, (refused: Refused) => refused.code === "NO_ANSWER" && refused.message.includes(":"));
});

test("a server that hangs is given up", { timeout: 5000 }, async (context) => {
  const server = createServer(() => undefined);
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const client = new Client({ url, key: "k", attempts: 1, timeoutSeconds: 0.1 });
  await assert.rejects(client.ask(DOCUMENT, { n: 1 }), { code: "NO_ANSWER" });
});

test("a proxy's 502 is tried again, its 404 is not", async (context) => {
  const passing = await start(context, [{ status: 502, body: "<html>Bad Gateway</html>" }, { body: GOOD }]);
  await passing.ask();
  assert.equal(passing.waits.length, 1);
  const lasting = await start(context, [{ status: 404, body: "<html>Not Found</html>" }]);
  await assert.rejects(lasting.ask, { code: "NOT_GRAPHQL" });
  assert.equal(lasting.seen.length, 1);
});

for (const [status, code] of [
  [400, "QUERY_TOO_COSTLY"],
  [400, "INVALID_REQUEST"],
  [400, "DOCUMENT_TOO_COMPLEX"],
  [401, "AUTHENTICATION_FAILED"],
  [401, "API_KEY_EXPIRED"],
  [500, "INTERNAL_ERROR"],
  [503, "A_CODE_OF_TOMORROW"],
] as const) {
  test(`${status} ${code} is not repeated`, async (context) => {
    const { seen, ask } = await start(context, [{ status, headers: { "Retry-After": "1" }, body: error(code) }]);
    await assert.rejects(ask, (refused: Refused) => refused.code === code && refused.message.includes("request r1"));
    assert.equal(seen.length, 1);
  });
}

for (const code of ["FORBIDDEN", "INSUFFICIENT_DATA", "PRIVACY_BUDGET_EXHAUSTED"]) {
  test(`a field that is ${code} is null, with its error listed, and is not repeated`, async (context) => {
    const body = { data: { viewer: null }, errors: [{ message: "No.", path: ["viewer"], extensions: { code } }] };
    const { seen, ask } = await start(context, [{ body }]);
    assert.deepEqual(await ask(), body);
    assert.equal(seen.length, 1);
  });
}

test("a field that is UNAVAILABLE is asked again; what came is answered when attempts end", async (context) => {
  const body = {
    data: { viewer: null },
    errors: [{ message: "Busy.", path: ["viewer"], extensions: { code: "UNAVAILABLE" } }],
  };
  const passing = await start(context, [{ body }, { body: GOOD }]);
  assert.deepEqual(await passing.ask(), { data: GOOD.data, errors: [] });
  const lasting = await start(context, [{ body }], { attempts: 2 });
  assert.deepEqual(await lasting.ask(), body);
  assert.equal(lasting.seen.length, 2);
});

test("data that is null as a whole is a refusal", async (context) => {
  const { ask } = await start(context, [
    { body: { data: null, ...error("BAD_USER_INPUT", { reason: "VOCABULARY" }) } },
  ]);
  await assert.rejects(ask, { code: "BAD_USER_INPUT" });
});

test("waits are never shorter than the server asks, and at most a quarter longer", () => {
  assert.equal(waitSeconds("RATE_LIMIT_EXCEEDED", 4, 10, 0), 10);
  assert.equal(waitSeconds("RATE_LIMIT_EXCEEDED", 4, 10, 1), 12.5);
  assert.equal(waitSeconds("UNAVAILABLE", 4, 1, 0), 8);
  assert.equal(waitSeconds("UNAVAILABLE", 1, 30, 0), 30);
  assert.equal(waitSeconds("NO_ANSWER", 3, undefined, 0), 4);
  assert.equal(waitSeconds("RATE_LIMIT_EXCEEDED", 2, undefined, 0), 2);
});
