// Browser tests of the explorer. SERVER and SCREENSHOTS as in browser.mjs; KEY is a key of the partner of the demo with
// at least 1,000 requests per minute; SMALL_KEY is a key with 50 points per document.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertAccessible, key, launch, open, screenshot, server } from "./browser.mjs";

const smallKey = process.env.SMALL_KEY;
assert.ok(smallKey, "SMALL_KEY must be set");

const EXAMPLES = [
  "Account, limits and vocabulary",
  "Portrait of one segment",
  "Three segments in one document",
  "Compose a segment",
  "Product compatibility",
  "Quote a document before running it",
];
const REJECTED = /Failed to load resource: the server responded with a status of 4\d\d/;

let browser;
before(async () => {
  await assertHighLimits();
  browser = await launch();
});
after(() => browser.close());

// The page delays quotes when few requests of the minute remain, so with a lower limit the tests would have to wait.
async function assertHighLimits() {
  const response = await fetch(`${server}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: "{ viewer { limits { requestsPerMinute pointsPerMinute } } }" }),
  });
  const { data } = await response.json();
  const { requestsPerMinute, pointsPerMinute } = data.viewer.limits;
  assert.ok(
    requestsPerMinute >= 1_000 && pointsPerMinute >= 60_000,
    "create KEY with: keys create --partner demo --per-minute 1000 --points-per-minute 60000 --units 10000",
  );
}

// Records the POST requests of the page; `quotes` returns those for quotes.
function recordRequests(page) {
  const sent = [];
  page.on("request", (request) => {
    if (request.method() === "POST") sent.push(request.postDataJSON());
  });
  return { sent, quotes: () => sent.filter(({ query }) => query.startsWith("query Quote(")) };
}

const isQuote = (response) => response.request().postData()?.startsWith('{"query":"query Quote(') ?? false;

// Waits for the quote of the current document and returns its points and units.
async function readQuote(page) {
  await page.locator('.quote[data-phase="settled"]').waitFor();
  const [points, units] = await page.locator(".gauge strong").allTextContents();
  return { points: Number(points.replaceAll(",", "")), units: Number(units.replaceAll(",", "")) };
}

async function openExample(page, title) {
  await page.getByRole("button", { name: "Examples", exact: true }).click();
  await page.getByRole("button", { name: title }).click();
}

// Runs the current document. Returns the response and the text of the cost section.
async function run(page) {
  const answered = page.waitForResponse((response) => response.url().endsWith("/graphql") && !isQuote(response));
  await page.getByRole("button", { name: /^Execute query/ }).click();
  const chosen = page.getByRole("menuitem");
  if (await chosen.count()) await chosen.first().click();
  const answer = await (await answered).json();
  await page.locator(".run [role=status]").waitFor();
  return { answer, cost: await page.locator(".run").innerText() };
}

// Types a document key by key. The editor closes brackets itself.
async function typeDocument(page, document) {
  await page.locator(".graphiql-query-editor .view-lines").click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.press("Delete");
  await page.keyboard.type(document);
  await page.keyboard.press("Escape");
}

// The text of the response pane. The editor renders spaces as no-break spaces.
async function readResponse(page) {
  return (await page.locator(".result-window .view-lines").innerText()).replaceAll("\u00a0", " ").trim();
}

// Holds responses to documents that contain `text` until `release` is called. `requested` resolves on the first one.
async function holdResponses(page, text) {
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  const isHeld = (request) => {
    const query = request.method() === "POST" ? request.postDataJSON().query : "";
    return query.includes(text) && !query.startsWith("query Quote(");
  };
  const requested = page.waitForRequest(isHeld);
  const keep = async (route) => {
    if (!isHeld(route.request())) return route.continue();
    const response = await route.fetch();
    await gate;
    // A request that was stopped in the meantime cannot be fulfilled.
    await route.fulfill({ response }).catch(() => {});
  };
  await page.route("**/graphql", keep);
  return {
    requested,
    // Delivers the response and waits until the page has processed it.
    async release() {
      release();
      await page.waitForTimeout(400);
      await page.unroute("**/graphql", keep);
    },
  };
}

describe("explorer", { timeout: 240_000, concurrency: 2 }, () => {
  test("each example runs and shows a quote before and the cost after the run", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/");
    const { sent } = recordRequests(page);
    await readQuote(page);
    assert.equal(new URL(page.url()).hash, "", "the key is removed from the URL");
    for (const title of EXAMPLES) {
      const before = sent.length;
      await openExample(page, title);
      if (title !== EXAMPLES[0]) await page.waitForResponse(isQuote);
      const { points, units } = await readQuote(page);
      assert.ok(points > 0, `${title}: ${points} points`);
      const { answer, cost } = await run(page);
      assert.equal(answer.errors, undefined, `${title}: ${JSON.stringify(answer.errors)}`);
      assert.ok(answer.data);
      const { requested, actual } = answer.extensions.cost;
      assert.equal(requested, points, `${title}: the reserved points are the quoted points`);
      assert.ok(cost.includes(`Cost ${actual} point`), cost);
      assert.match(cost, /\d ms/);
      // The first quote, the run, and a quote after the run for the remaining units.
      assert.ok(sent.length - before <= 3, `${title}: ${sent.length - before} requests`);
      if (units > 0) {
        await page.waitForResponse(isQuote);
        await readQuote(page);
      }
    }
    assert.equal(await page.locator(".graphiql-tab").count(), EXAMPLES.length);
    await screenshot(page, "explorer-light");
    assertNoFaults();
    await close();
  });

  test("the quote follows the document with few requests", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/");
    const { quotes } = recordRequests(page);
    await readQuote(page);
    const before = quotes().length;

    let settled = page.waitForResponse(isQuote);
    // No other test asks about this segment, so the key has not seen its size.
    const unseen = '{ regions: ["demo-hills"], age: { from: 45 } }';
    await typeDocument(page, `{ cohort(definition: ${unseen}) { size { value } } }`);
    await settled;
    assert.deepEqual(await readQuote(page), { points: 8, units: 0.12 });
    await page.locator(".gauge", { hasText: "at most" }).waitFor();
    assert.equal(quotes().length, before + 1, "one quote per document, not one per keystroke");

    // Neither a comment nor an invalid document causes a request for a quote.
    await page.keyboard.press("ControlOrMeta+End");
    await page.keyboard.type(" # size");
    await readQuote(page);
    await typeDocument(page, "{ nothing }");
    await page.locator(".quote-note", { hasText: "No quote: line 1: Cannot query field" }).waitFor();
    assert.equal(quotes().length, before + 1);

    settled = page.waitForResponse(isQuote);
    await typeDocument(page, "{ segments(first: 100) { nodes { behavior { dayParts { share { value } } } } } }");
    await settled;
    const { points } = await readQuote(page);
    assert.ok(points > 1_000);
    await page.getByText("cost exceeded").waitFor();
    await page.locator(".quote-note", { hasText: /It fits with segments.*\(first: \d+\)/ }).waitFor();

    // If there are several operations, the operation at the cursor is quoted.
    settled = page.waitForResponse(isQuote);
    await typeDocument(
      page,
      "query One { viewer { partner } } query Two { vocabulary { regions } viewer { partner } }",
    );
    await settled;
    assert.equal((await readQuote(page)).points, 2);
    await page.locator(".quote-note", { hasText: "Quote of Two" }).waitFor();
    settled = page.waitForResponse(isQuote);
    await page.keyboard.press("ControlOrMeta+Home");
    await settled;
    assert.equal((await readQuote(page)).points, 1);
    assertNoFaults();
    await close();
  });

  test("once the size was seen, the quote is exact and shows the expected quality", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/");
    await readQuote(page);
    const settled = page.waitForResponse(isQuote);
    const definition = '{ regions: ["demo-hills"], age: { to: 44 } }';
    await typeDocument(page, `{ cohort(definition: ${definition}, precision: FINEST) { size { value quality } } }`);
    await settled;
    assert.deepEqual(await readQuote(page), { points: 8, units: 0.12 });
    const { answer } = await run(page);
    const { quality } = answer.data.cohort.size;
    await page.locator(".quote-note", { hasText: `Expected quality: ${quality}.` }).waitFor();
    assert.deepEqual(await readQuote(page), { points: 8, units: 0 });
    assert.equal(await page.locator(".gauge", { hasText: "at most" }).count(), 0);
    assertNoFaults();
    await close();
  });

  test("errors show their code with a link to its documentation", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/", { allow: [REJECTED] });
    await readQuote(page);
    let settled = page.waitForResponse(isQuote);
    await typeDocument(page, '{ segment(slug: "harbour") { name } }');
    await settled;
    await readQuote(page);
    const { answer } = await run(page);
    const link = page.getByRole("link", { name: "INVALID_SEGMENT" });
    assert.equal(await link.getAttribute("href"), "/docs/errors.md#invalid_segment");
    assert.equal(await link.getAttribute("target"), "_blank");
    assert.equal(await link.getAttribute("rel"), "noopener");
    const cost = await page.locator(".run").innerText();
    assert.ok(cost.includes(answer.errors[0].extensions.requestId), cost);

    settled = page.waitForResponse(isQuote);
    await typeDocument(page, "{ segments(first: 100) { nodes { behavior { dayParts { share { value } } } } } }");
    await settled;
    await readQuote(page);
    await run(page);
    await page.getByRole("link", { name: "QUERY_TOO_COSTLY" }).waitFor();
    await screenshot(page, "explorer-error");
    assertNoFaults();
    await close();
  });

  test("a missing key shows instructions and an invalid key shows the error", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/", { key: "", allow: [REJECTED] });
    const { sent } = recordRequests(page);
    await page.getByRole("heading", { name: "Enter your API key to begin" }).waitFor();
    await page.locator(".graphiql-query-editor .view-lines").waitFor();
    assert.equal(await page.locator(".graphiql-spinner").count(), 0);
    assert.deepEqual(sent, [], "no request is sent without a key");
    await assertAccessible(page);
    await screenshot(page, "explorer-no-key");

    await page.getByRole("button", { name: "Enter the key" }).click();
    await page.keyboard.type("spots_poc_this_is_no_key");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "The key was not accepted" }).waitFor();
    const link = page.getByRole("link", { name: "AUTHENTICATION_FAILED" });
    assert.equal(await link.getAttribute("href"), "/docs/errors.md#authentication_failed");
    assert.equal(sent.length, 1, "a rejected key is not sent again");
    await assertAccessible(page);
    await screenshot(page, "explorer-wrong-key");

    // With a valid key the page works without a reload.
    await page.getByLabel("API key").fill(key);
    await page.keyboard.press("Enter");
    await readQuote(page);
    assert.equal(await link.count(), 0);
    assertNoFaults();
    await close();
  });

  test("the key is stored in the session storage of the tab only", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/");
    const urls = [];
    page.on("request", (request) => urls.push(request.url()));
    await readQuote(page);
    await run(page);
    await page.getByRole("button", { name: "Show History" }).click();
    // GraphiQL stores tabs and history with a delay.
    await page.waitForFunction(() => localStorage.getItem("graphiql:queries")?.includes("WhoAmI"));
    await page.waitForFunction(() => localStorage.getItem("graphiql:tabState")?.includes("WhoAmI"));
    const stored = await page.evaluate(() => ({
      local: JSON.stringify(localStorage),
      session: JSON.stringify(sessionStorage),
      address: location.href,
      history: JSON.stringify(history.state),
      cookies: document.cookie,
    }));
    assert.ok(stored.session.includes(key));
    for (const place of ["local", "address", "history", "cookies"]) assert.ok(!stored[place].includes(key), place);
    assert.deepEqual(
      urls.filter((url) => url.includes(key)),
      [],
    );
    await page.reload();
    await readQuote(page);
    assertNoFaults();
    await close();
  });

  test("the panes for documentation, history and query builder open", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/");
    await readQuote(page);
    await run(page);
    const pane = page.locator(".graphiql-plugin");
    await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
    await pane.getByRole("link", { name: "Query", exact: true }).click();
    await pane.getByRole("link", { name: "quote", exact: true }).waitFor();
    await assertAccessible(page);
    await page.getByRole("button", { name: "Show History" }).click();
    await pane.getByText("WhoAmI").waitFor();
    await assertAccessible(page);
    await page.getByRole("button", { name: "Show GraphiQL Explorer" }).click();
    await pane.getByText("vocabulary", { exact: true }).waitFor();
    await assertAccessible(page);
    await openExample(page, "Product compatibility");
    await pane.getByRole("textbox", { name: "slug" }).waitFor();
    await assertAccessible(page);
    assertNoFaults();
    await close();
  });

  test("exported code in three languages runs and does not contain the key", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/");
    await readQuote(page);
    await openExample(page, "Compose a segment");
    await page.getByRole("button", { name: "Show Code" }).click();
    const code = {};
    for (const language of ["curl", "TypeScript", "Python"]) {
      await page.getByRole("radio", { name: language }).check();
      code[language] = await page.locator(".code-pane pre").innerText();
      assert.ok(code[language].includes("SPOTS_KEY"), language);
      assert.ok(!code[language].includes(key), language);
      assert.ok(code[language].includes(`${server}/graphql`), language);
      assert.ok(code[language].includes("demo-plains"), language);
      assert.match(code[language], /cohort/);
    }
    await assertAccessible(page);
    await screenshot(page, "explorer-code");
    assertNoFaults();
    await close();
    runExportedCode(code);
  });

  test("links open documents, with the key or later", async () => {
    const query = "query Linked($ages: AgeRange!) { cohort(definition: { age: $ages }) { size { value } } }";
    const variables = '{"ages":{"from":55}}';
    const names = `query=${encodeURIComponent(query)}&variables=${encodeURIComponent(variables)}`;
    const { page, assertNoFaults, close } = await open(browser, `/#${names}&key=${key}`, { key: "" });
    assert.deepEqual(await readQuote(page), { points: 8, units: 0.12 });
    assert.equal(new URL(page.url()).hash, "");
    await page.getByRole("button", { name: "Linked", exact: true }).waitFor();
    await openExample(page, EXAMPLES[0]);
    await page.getByRole("button", { name: "WhoAmI", exact: true }).waitFor();
    await page.evaluate((hash) => location.assign(hash), `#${names.replace("Linked", "Followed")}`);
    await page.getByRole("button", { name: "Followed", exact: true }).waitFor();
    assert.equal(new URL(page.url()).hash, "");
    assertNoFaults();
    await close();
  });

  test("a response is never shown with the query of another tab", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/");
    await readQuote(page);
    assert.equal(await page.getByText("The response appears here.").isVisible(), true);
    const settled = page.waitForResponse(isQuote);
    await typeDocument(page, 'query Harbor { segment(slug: "harbor-adults") { slug size { value } } }');
    await settled;
    const link = `#query=${encodeURIComponent('query Young { segment(slug: "young-nightlife") { slug } }')}`;
    const navigations = {
      link: () => page.evaluate((hash) => location.assign(hash), link),
      example: () => openExample(page, "Portrait of one segment"),
      "new tab": () => page.getByRole("button", { name: "New tab" }).click(),
      "other tab": () => page.getByRole("button", { name: "Young", exact: true }).click(),
    };
    const harbor = page.getByRole("button", { name: "Harbor", exact: true });
    for (const [way, go] of Object.entries(navigations)) {
      await page.locator(".graphiql-query-editor .view-lines").click();
      const held = await holdResponses(page, "harbor-adults");
      await page.keyboard.press("ControlOrMeta+Enter");
      await held.requested;
      await go();
      await page.getByText("Run the query with").waitFor();
      await held.release();
      assert.equal(await readResponse(page), "", way);
      assert.equal(await page.locator(".run [role=status]").count(), 0, way);
      await harbor.click();
      await page.getByText("Stopped.").waitFor();
      assert.equal(await readResponse(page), "", way);
    }
    // A response to the previous document of an emptied tab must not appear after another document is opened in it.
    const held = await holdResponses(page, "harbor-adults");
    await page.locator(".graphiql-query-editor .view-lines").click();
    await page.keyboard.press("ControlOrMeta+Enter");
    await held.requested;
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.press("Delete");
    await openExample(page, "Quote a document before running it");
    await page.getByText("Stopped.").waitFor();
    await held.release();
    assert.equal(await readResponse(page), "");
    // The next run works as usual.
    await openExample(page, EXAMPLES[0]);
    await page.getByRole("button", { name: "WhoAmI", exact: true }).waitFor();
    const { answer } = await run(page);
    assert.ok(answer.data.viewer);
    assert.match(await readResponse(page), /"viewer"/);
    assertNoFaults();
    await close();
  });

  test("after a change of the key neither responses nor limits of the previous key are shown", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/");
    await readQuote(page);
    await run(page);
    assert.match(await readResponse(page), /"viewer"/);
    await openExample(page, "Portrait of one segment");
    await page.waitForResponse(isQuote);
    await readQuote(page);
    const held = await holdResponses(page, "query Portrait");
    await page.keyboard.press("ControlOrMeta+Enter");
    await held.requested;
    await page.getByLabel("API key").fill(smallKey);
    const settled = page.waitForResponse(isQuote);
    await page.keyboard.press("Enter");
    await page.getByText("Run the query with").waitFor();
    await held.release();
    await settled;
    await readQuote(page);
    const small = page.locator(".gauge").first();
    const [, available] = /of 50 a document · ([\d,]+) available/.exec(await small.innerText());
    assert.ok(Number(available.replaceAll(",", "")) < 50_000, `${available} points available to the small key`);
    for (const tab of ["WhoAmI", "Portrait"]) {
      await page.getByRole("button", { name: tab, exact: true }).first().click();
      await page.getByText("Run the query with").waitFor();
      assert.equal(await readResponse(page), "", tab);
    }
    assertNoFaults();
    await close();
  });

  test("Ctrl-Enter runs an opened document, and later edits are indicated", async () => {
    const query = 'query Linked { segment(slug: "harbor-adults") { slug } }';
    const path = `/#query=${encodeURIComponent(query)}&key=${key}`;
    const { page, assertNoFaults, close } = await open(browser, path, { key: "" });
    const answerOf = (field) =>
      page.waitForResponse(async (response) => !isQuote(response) && field in ((await response.json()).data ?? {}));
    await readQuote(page);
    let answered = answerOf("segment");
    await page.keyboard.press("ControlOrMeta+Enter");
    await answered;
    await openExample(page, EXAMPLES[0]);
    await page.getByRole("button", { name: "WhoAmI", exact: true }).waitFor();
    await readQuote(page);
    answered = answerOf("viewer");
    await page.keyboard.press("ControlOrMeta+Enter");
    await answered;
    const later = encodeURIComponent(query.replace("Linked", "Later"));
    await page.evaluate((hash) => location.assign(hash), `#query=${later}`);
    await page.getByRole("button", { name: "Later", exact: true }).waitFor();
    await readQuote(page);
    answered = answerOf("segment");
    await page.keyboard.press("ControlOrMeta+Enter");
    await answered;
    await page.locator(".run [role=status]").waitFor();
    assert.equal(await page.getByText("Edited since").count(), 0);
    await page.keyboard.press("ControlOrMeta+End");
    await page.keyboard.type(" # more");
    await page.getByText("Edited since").waitFor();
    assertNoFaults();
    await close();
  });

  test("a URL in a response is not fetched", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/");
    await readQuote(page);
    const image = "//192.0.2.1/a.png";
    await page.route("**/graphql", async (route) => {
      if (!route.request().postDataJSON().query.includes("query WhoAmI")) return route.continue();
      const response = await route.fetch();
      const body = await response.json();
      return route.fulfill({ response, json: { ...body, data: { names: [`https:${image}`, image, "/a.png"] } } });
    });
    await run(page);
    for (const name of [`https:${image}`, `"${image}"`, '"/a.png"']) {
      await page.locator(".result-window .view-line", { hasText: name }).first().locator("span span").last().hover();
      // The editor shows a hover after a delay; GraphiQL adds half a second.
      await page.waitForTimeout(1_200);
      assert.equal(await page.locator(".result-window .monaco-hover:visible, .result-window img").count(), 0, name);
    }
    assertNoFaults();
    await close();
  });

  test("the page works with a key of 50 points per document", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/", { key: smallKey });
    assert.deepEqual(await readQuote(page), { points: 15, units: 0 });
    assert.match(await page.locator(".gauge").first().innerText(), /of 50 a document/);
    const { answer } = await run(page);
    assert.equal(answer.errors, undefined);
    const settled = page.waitForResponse(isQuote);
    await openExample(page, "Portrait of one segment");
    await settled;
    await page.getByText("cost exceeded").waitFor();
    assertNoFaults();
    await close();
  });

  test("after a rate limit error the page waits, shows the error and retries", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/", { allow: [REJECTED] });
    await readQuote(page);
    let requests = 0;
    await page.route("**/graphql", (route) => {
      requests += 1;
      if (requests > 1) return route.continue();
      return route.fulfill({
        status: 429,
        headers: { "Retry-After": "3" },
        contentType: "application/graphql-response+json",
        body: JSON.stringify({
          errors: [
            {
              message: "Too many requests.",
              extensions: {
                code: "RATE_LIMIT_EXCEEDED",
                docs: "/docs/errors.md#rate_limit_exceeded",
                retryAfterSeconds: 3,
              },
            },
          ],
        }),
      });
    });
    await openExample(page, "Quote a document before running it");
    await page.locator(".quote-note", { hasText: "the rate limit is reached" }).waitFor();
    await page.getByRole("link", { name: "RATE_LIMIT_EXCEEDED" }).waitFor();
    const started = Date.now();
    await readQuote(page);
    assert.ok(Date.now() - started > 1_500, "the page waited");
    assert.equal(requests, 2, "one retry");
    assertNoFaults();
    await close();
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`no serious accessibility violations, ${colorScheme}`, async () => {
      const { page, assertNoFaults, close } = await open(browser, "/", { colorScheme });
      await readQuote(page);
      await openExample(page, "Product compatibility");
      await page.waitForResponse(isQuote);
      await readQuote(page);
      await run(page);
      await assertAccessible(page);
      await screenshot(page, `explorer-${colorScheme}-products`);
      await page.getByRole("button", { name: "Examples", exact: true }).click();
      await assertAccessible(page);
      await screenshot(page, `explorer-${colorScheme}-examples`);
      assertNoFaults();
      await close();
    });
  }

  for (const [name, width, height] of [
    ["tablet", 900, 800],
    ["phone", 390, 844],
  ]) {
    test(`usable at ${width} pixels`, async () => {
      const { page, assertNoFaults, close } = await open(browser, "/", { viewport: { width, height } });
      await readQuote(page);
      await openExample(page, "Portrait of one segment");
      await page.waitForResponse(isQuote);
      await readQuote(page);
      await run(page);
      const [wide, high] = await page.evaluate(() => {
        const { scrollWidth, scrollHeight } = document.documentElement;
        return [scrollWidth - innerWidth, scrollHeight - innerHeight];
      });
      assert.ok(wide <= 0, `${wide} pixels too wide`);
      if (name === "tablet") assert.ok(high <= 0, `${high} pixels too high`);
      const bar = await page.locator(".graphiql-sidebar").evaluate((node) => node.scrollWidth - node.clientWidth);
      assert.ok(bar <= 0, `the content of the sidebar is ${bar} pixels too wide`);
      await assertAccessible(page);
      await screenshot(page, `explorer-${name}`, { fullPage: true });
      assertNoFaults();
      await close();
    });
  }

  test("the controls of the page can be used with the keyboard", async () => {
    const { page, assertNoFaults, close } = await open(browser, "/");
    await readQuote(page);
    await page.getByRole("button", { name: "Examples", exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    const settled = page.waitForResponse(isQuote);
    await page.keyboard.press("Enter");
    await settled;
    await page.getByRole("button", { name: "Portrait", exact: true }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.closest(".graphiql-query-editor") !== null), true);
    await page.getByRole("button", { name: "Examples", exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("list", { name: "Example queries" }).waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await page.getByRole("list", { name: "Example queries" }).count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.textContent.trim().startsWith("Examples")), true);
    assertNoFaults();
    await close();
  });
});

// Runs the exported code. TypeScript is compiled with the compiler of web/; Python is compiled, and run if PYTHON names
// an interpreter with httpx.
function runExportedCode({ curl, TypeScript, Python }) {
  const folder = mkdtempSync(join(tmpdir(), "spots-code-"));
  const env = { ...process.env, SPOTS_KEY: key };
  const succeed = (command, args, options = {}) => {
    const { status, stdout, stderr, error } = spawnSync(command, args, {
      cwd: folder,
      env,
      encoding: "utf8",
      ...options,
    });
    assert.equal(status, 0, `${command}: ${error ?? ""}${stdout}${stderr}`);
    return stdout;
  };
  try {
    const answer = JSON.parse(succeed("sh", ["-c", curl]));
    assert.ok(answer.data.cohort.size.value > 0, JSON.stringify(answer));

    const compiler = fileURLToPath(new URL("../../../web/node_modules/.bin/tsc", import.meta.url));
    assert.ok(existsSync(compiler), `${compiler} is missing: build web/ first`);
    const types = fileURLToPath(new URL("../../../web/node_modules/@types", import.meta.url));
    writeFileSync(join(folder, "ask.mts"), TypeScript);
    succeed(compiler, [
      ...["--strict", "--target", "es2022", "--module", "nodenext", "--typeRoots", types, "--types", "node"],
      ...["--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "ask.mts"],
    ]);
    assert.deepEqual(JSON.parse(succeed("node", ["ask.mjs"])), answer.data);

    writeFileSync(join(folder, "ask.py"), Python);
    succeed("python3", ["-m", "py_compile", "ask.py"]);
    if (process.env.PYTHON) assert.deepEqual(JSON.parse(succeed(process.env.PYTHON, ["ask.py"])), answer.data);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
