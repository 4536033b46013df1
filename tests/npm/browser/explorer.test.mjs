// The explorer in a browser: SERVER, SCREENSHOTS (browser.mjs), KEY of the demo's partner that may make 1,000 requests a
// minute, SMALL_KEY of 50 points a document.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { accessible, key, launch, open, picture, server } from "./browser.mjs";

const smallKey = process.env.SMALL_KEY;
assert.ok(smallKey, "SMALL_KEY must be set");

const EXAMPLES = [
  "Who am I, and what may I spend?",
  "The portrait of one segment",
  "Three segments in one document",
  "Compose a segment of your own",
  "Does a product suit these people?",
  "Ask for the price first",
];
const REFUSED = /Failed to load resource: the server responded with a status of 4\d\d/;

let browser;
before(async () => {
  await manyRequests();
  browser = await launch();
});
after(() => browser.close());

// The page spares the last requests of a minute, so with fewer the tests would wait for the next minute.
async function manyRequests() {
  const response = await fetch(`${server}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: "{ viewer { limits { requestsPerMinute pointsPerMinute } } }" }),
  });
  const { data } = await response.json();
  const { requestsPerMinute, pointsPerMinute } = data.viewer.limits;
  assert.ok(
    requestsPerMinute >= 1_000 && pointsPerMinute >= 60_000,
    "KEY: keys create --partner demo --per-minute 1000 --points-per-minute 60000 --units 10000",
  );
}

// What the page sends to /graphql, by operation name, each with what was asked.
function listen(page) {
  const sent = [];
  page.on("request", (request) => {
    if (request.method() === "POST") sent.push(request.postDataJSON());
  });
  return { sent, quotes: () => sent.filter(({ query }) => query.startsWith("query Quote(")) };
}

const isQuote = (response) => response.request().postData()?.startsWith('{"query":"query Quote(') ?? false;

// The quote of what is in the editor is there.
async function quoted(page) {
  await page.locator('.quote[data-phase="settled"]').waitFor();
  const [points, units] = await page.locator(".gauge strong").allTextContents();
  return { points: Number(points.replaceAll(",", "")), units: Number(units.replaceAll(",", "")) };
}

async function openExample(page, title) {
  await page.getByRole("button", { name: "Examples", exact: true }).click();
  await page.getByRole("button", { name: title }).click();
}

// Runs what is in the editor; the server's answer, and what the page says of it.
async function run(page) {
  const answered = page.waitForResponse((response) => response.url().endsWith("/graphql") && !isQuote(response));
  await page.getByRole("button", { name: /^Execute query/ }).click();
  const chosen = page.getByRole("menuitem");
  if (await chosen.count()) await chosen.first().click();
  const answer = await (await answered).json();
  await page.locator(".run [role=status]").waitFor();
  return { answer, bill: await page.locator(".run").innerText() };
}

// Writes a document as a person would, letter by letter; the editor closes brackets by itself.
async function type(page, document) {
  await page.locator(".graphiql-query-editor .view-lines").click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.press("Delete");
  await page.keyboard.type(document);
  await page.keyboard.press("Escape");
}

// What stands in the answer pane; the editor draws blanks as no-break spaces.
async function shown(page) {
  return (await page.locator(".result-window .view-lines").innerText()).replaceAll("\u00a0", " ").trim();
}

// Keeps back the answers to documents that hold `text` until `release` is called; `asked` is when one is kept back.
async function hold(page, text) {
  let release;
  const gate = new Promise((resolve) => (release = resolve));
  const isHeld = (request) => {
    const query = request.method() === "POST" ? request.postDataJSON().query : "";
    return query.includes(text) && !query.startsWith("query Quote(");
  };
  const asked = page.waitForRequest(isHeld);
  const keep = async (route) => {
    if (!isHeld(route.request())) return route.continue();
    const response = await route.fetch();
    await gate;
    // A request that was stopped meanwhile takes no answer.
    await route.fulfill({ response }).catch(() => {});
  };
  await page.route("**/graphql", keep);
  return {
    asked,
    // The answer comes, and the page has the time to do something with it.
    async release() {
      release();
      await page.waitForTimeout(400);
      await page.unroute("**/graphql", keep);
    },
  };
}

describe("explorer", { timeout: 240_000, concurrency: 2 }, () => {
  test("loads, and each example runs with a quote before and a bill after", async () => {
    const { page, calm, close } = await open(browser, "/");
    const { sent } = listen(page);
    await quoted(page);
    assert.equal(new URL(page.url()).hash, "", "the key is out of the address");
    for (const title of EXAMPLES) {
      const before = sent.length;
      await openExample(page, title);
      if (title !== EXAMPLES[0]) await page.waitForResponse(isQuote);
      const { points, units } = await quoted(page);
      assert.ok(points > 0, `${title}: ${points} points`);
      const { answer, bill } = await run(page);
      assert.equal(answer.errors, undefined, `${title}: ${JSON.stringify(answer.errors)}`);
      assert.ok(answer.data);
      const { requested, actual } = answer.extensions.cost;
      assert.equal(requested, points, `${title}: reserved is what was quoted`);
      assert.ok(bill.includes(`Cost ${actual} point`), bill);
      assert.match(bill, /\d ms/);
      // One for the first quote, one for the run, one to see what is left of the units.
      assert.ok(sent.length - before <= 3, `${title}: ${sent.length - before} requests`);
      if (units > 0) {
        await page.waitForResponse(isQuote);
        await quoted(page);
      }
    }
    assert.equal(await page.locator(".graphiql-tab").count(), EXAMPLES.length);
    await picture(page, "explorer-light");
    calm();
    await close();
  });

  test("the quote follows what one types, sparingly", async () => {
    const { page, calm, close } = await open(browser, "/");
    const { quotes } = listen(page);
    await quoted(page);
    const before = quotes().length;

    let settled = page.waitForResponse(isQuote);
    await type(page, '{ segment(slug: "harbor-adults") { size { value } } }');
    await settled;
    assert.deepEqual(await quoted(page), { points: 8, units: 0.12 });
    assert.equal(quotes().length, before + 1, "one quote for a whole document, not one for each letter");

    // A comment means nothing, an invalid document has no price: neither is asked for.
    await page.keyboard.press("ControlOrMeta+End");
    await page.keyboard.type(" # size");
    await quoted(page);
    await type(page, "{ nothing }");
    await page.locator(".quote-note", { hasText: "No quote: line 1: Cannot query field" }).waitFor();
    assert.equal(quotes().length, before + 1);

    settled = page.waitForResponse(isQuote);
    await type(page, "{ segments(first: 100) { nodes { behavior { dayParts { share { value } } } } } }");
    await settled;
    const { points } = await quoted(page);
    assert.ok(points > 1_000);
    await page.getByText("too costly").waitFor();
    await page.locator(".quote-note", { hasText: /It fits with segments.*\(first: \d+\)/ }).waitFor();

    // Of several operations the one under the cursor is quoted.
    settled = page.waitForResponse(isQuote);
    await type(page, "query One { viewer { partner } } query Two { vocabulary { regions } viewer { partner } }");
    await settled;
    assert.equal((await quoted(page)).points, 2);
    await page.locator(".quote-note", { hasText: "Quote of Two" }).waitFor();
    settled = page.waitForResponse(isQuote);
    await page.keyboard.press("ControlOrMeta+Home");
    await settled;
    assert.equal((await quoted(page)).points, 1);
    calm();
    await close();
  });

  test("errors of an answer have their code and lead to its meaning", async () => {
    const { page, calm, close } = await open(browser, "/", { allow: [REFUSED] });
    await quoted(page);
    let settled = page.waitForResponse(isQuote);
    await type(page, '{ segment(slug: "harbour") { name } }');
    await settled;
    await quoted(page);
    const { answer } = await run(page);
    const link = page.getByRole("link", { name: "INVALID_SEGMENT" });
    assert.equal(await link.getAttribute("href"), "/docs/errors.md#invalid_segment");
    assert.equal(await link.getAttribute("target"), "_blank");
    assert.equal(await link.getAttribute("rel"), "noopener");
    const bill = await page.locator(".run").innerText();
    assert.ok(bill.includes(answer.errors[0].extensions.requestId), bill);

    settled = page.waitForResponse(isQuote);
    await type(page, "{ segments(first: 100) { nodes { behavior { dayParts { share { value } } } } } }");
    await settled;
    await quoted(page);
    await run(page);
    await page.getByRole("link", { name: "QUERY_TOO_COSTLY" }).waitFor();
    await picture(page, "explorer-error");
    calm();
    await close();
  });

  test("without a key it says what to do, with a wrong one what is wrong", async () => {
    const { page, calm, close } = await open(browser, "/", { key: "", allow: [REFUSED] });
    const { sent } = listen(page);
    await page.getByRole("heading", { name: "Enter your API key to begin" }).waitFor();
    await page.locator(".graphiql-query-editor .view-lines").waitFor();
    assert.equal(await page.locator(".graphiql-spinner").count(), 0);
    assert.deepEqual(sent, [], "nothing is asked without a key");
    await accessible(page);
    await picture(page, "explorer-no-key");

    await page.getByRole("button", { name: "Enter the key" }).click();
    await page.keyboard.type("spots_poc_this_is_no_key");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "The key was not accepted" }).waitFor();
    const link = page.getByRole("link", { name: "AUTHENTICATION_FAILED" });
    assert.equal(await link.getAttribute("href"), "/docs/errors.md#authentication_failed");
    assert.equal(sent.length, 1, "a refused key is not tried again");
    await accessible(page);
    await picture(page, "explorer-wrong-key");

    // The right key, and everything is there without a reload.
    await page.getByLabel("API key").fill(key);
    await page.keyboard.press("Enter");
    await quoted(page);
    assert.equal(await link.count(), 0);
    calm();
    await close();
  });

  test("the key is in the tab's session storage and nowhere else", async () => {
    const { page, calm, close } = await open(browser, "/");
    const urls = [];
    page.on("request", (request) => urls.push(request.url()));
    await quoted(page);
    await run(page);
    await page.getByRole("button", { name: "Show History" }).click();
    // What the page keeps of tabs and history is written a little later.
    await page.waitForFunction(() => localStorage.getItem("graphiql:queries")?.includes("WhoAmI"));
    await page.waitForFunction(() => localStorage.getItem("graphiql:tabState")?.includes("WhoAmI"));
    const kept = await page.evaluate(() => ({
      local: JSON.stringify(localStorage),
      session: JSON.stringify(sessionStorage),
      address: location.href,
      history: JSON.stringify(history.state),
      cookies: document.cookie,
    }));
    assert.ok(kept.session.includes(key));
    for (const place of ["local", "address", "history", "cookies"]) assert.ok(!kept[place].includes(key), place);
    assert.deepEqual(
      urls.filter((url) => url.includes(key)),
      [],
    );
    await page.reload();
    await quoted(page);
    calm();
    await close();
  });

  test("panes of documents, history, explorer and code open", async () => {
    const { page, calm, close } = await open(browser, "/");
    await quoted(page);
    await run(page);
    const pane = page.locator(".graphiql-plugin");
    await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
    await pane.getByRole("link", { name: "Query", exact: true }).click();
    await pane.getByText("What a document would cost").waitFor();
    await accessible(page);
    await page.getByRole("button", { name: "Show History" }).click();
    await pane.getByText("WhoAmI").waitFor();
    await accessible(page);
    await page.getByRole("button", { name: "Show GraphiQL Explorer" }).click();
    await pane.getByText("vocabulary", { exact: true }).waitFor();
    await accessible(page);
    await openExample(page, "Does a product suit these people?");
    await pane.getByRole("textbox", { name: "slug" }).waitFor();
    await accessible(page);
    calm();
    await close();
  });

  test("code in three languages, without the key, that runs", async () => {
    const { page, calm, close } = await open(browser, "/");
    await quoted(page);
    await openExample(page, "Compose a segment of your own");
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
    await accessible(page);
    await picture(page, "explorer-code");
    calm();
    await close();
    tryCode(code);
  });

  test("a link brings a document, beside the key or later", async () => {
    const query = "query Linked($slug: String!) { segment(slug: $slug) { size { value } } }";
    const variables = '{"slug":"young-nightlife"}';
    const names = `query=${encodeURIComponent(query)}&variables=${encodeURIComponent(variables)}`;
    const { page, calm, close } = await open(browser, `/#${names}&key=${key}`, { key: "" });
    assert.deepEqual(await quoted(page), { points: 8, units: 0.12 });
    assert.equal(new URL(page.url()).hash, "");
    await page.getByRole("button", { name: "Linked", exact: true }).waitFor();
    await openExample(page, EXAMPLES[0]);
    await page.getByRole("button", { name: "WhoAmI", exact: true }).waitFor();
    await page.evaluate((hash) => location.assign(hash), `#${names.replace("Linked", "Followed")}`);
    await page.getByRole("button", { name: "Followed", exact: true }).waitFor();
    assert.equal(new URL(page.url()).hash, "");
    calm();
    await close();
  });

  test("an answer never stands beside the query of another tab", async () => {
    const { page, calm, close } = await open(browser, "/");
    await quoted(page);
    assert.equal(await page.getByText("The answer comes here.").isVisible(), true);
    const settled = page.waitForResponse(isQuote);
    await type(page, 'query Harbor { segment(slug: "harbor-adults") { slug size { value } } }');
    await settled;
    const link = `#query=${encodeURIComponent('query Young { segment(slug: "young-nightlife") { slug } }')}`;
    const leave = {
      link: () => page.evaluate((hash) => location.assign(hash), link),
      example: () => openExample(page, "The portrait of one segment"),
      "new tab": () => page.getByRole("button", { name: "New tab" }).click(),
      "other tab": () => page.getByRole("button", { name: "Young", exact: true }).click(),
    };
    const harbor = page.getByRole("button", { name: "Harbor", exact: true });
    for (const [way, go] of Object.entries(leave)) {
      await page.locator(".graphiql-query-editor .view-lines").click();
      const held = await hold(page, "harbor-adults");
      await page.keyboard.press("ControlOrMeta+Enter");
      await held.asked;
      await go();
      await page.getByText("Run it with").waitFor();
      await held.release();
      assert.equal(await shown(page), "", way);
      assert.equal(await page.locator(".run [role=status]").count(), 0, way);
      await harbor.click();
      await page.getByText("Stopped.").waitFor();
      assert.equal(await shown(page), "", way);
    }
    // In a tab that is emptied the answer would come beside what is opened there next.
    const held = await hold(page, "harbor-adults");
    await page.locator(".graphiql-query-editor .view-lines").click();
    await page.keyboard.press("ControlOrMeta+Enter");
    await held.asked;
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.press("Delete");
    await openExample(page, "Ask for the price first");
    await page.getByText("Stopped.").waitFor();
    await held.release();
    assert.equal(await shown(page), "");
    // The page runs as before.
    await openExample(page, EXAMPLES[0]);
    await page.getByRole("button", { name: "WhoAmI", exact: true }).waitFor();
    const { answer } = await run(page);
    assert.ok(answer.data.viewer);
    assert.match(await shown(page), /"viewer"/);
    calm();
    await close();
  });

  test("another key has neither the answers nor the limits of the last", async () => {
    const { page, calm, close } = await open(browser, "/");
    await quoted(page);
    await run(page);
    assert.match(await shown(page), /"viewer"/);
    await openExample(page, "The portrait of one segment");
    await page.waitForResponse(isQuote);
    await quoted(page);
    const held = await hold(page, "query Portrait");
    await page.keyboard.press("ControlOrMeta+Enter");
    await held.asked;
    await page.getByLabel("API key").fill(smallKey);
    const settled = page.waitForResponse(isQuote);
    await page.keyboard.press("Enter");
    await page.getByText("Run it with").waitFor();
    await held.release();
    await settled;
    await quoted(page);
    const small = page.locator(".gauge").first();
    const [, available] = /of 50 a document · ([\d,]+) available/.exec(await small.innerText());
    assert.ok(Number(available.replaceAll(",", "")) < 50_000, `${available} points available to the small key`);
    for (const tab of ["WhoAmI", "Portrait"]) {
      await page.getByRole("button", { name: tab, exact: true }).first().click();
      await page.getByText("Run it with").waitFor();
      assert.equal(await shown(page), "", tab);
    }
    calm();
    await close();
  });

  test("what was opened is run with Ctrl-Enter, and what was edited since is told", async () => {
    const query = 'query Linked { segment(slug: "harbor-adults") { slug } }';
    const { page, calm, close } = await open(browser, `/#query=${encodeURIComponent(query)}&key=${key}`, { key: "" });
    const answerOf = (field) =>
      page.waitForResponse(async (response) => !isQuote(response) && field in ((await response.json()).data ?? {}));
    await quoted(page);
    let answered = answerOf("segment");
    await page.keyboard.press("ControlOrMeta+Enter");
    await answered;
    await openExample(page, EXAMPLES[0]);
    await page.getByRole("button", { name: "WhoAmI", exact: true }).waitFor();
    await quoted(page);
    answered = answerOf("viewer");
    await page.keyboard.press("ControlOrMeta+Enter");
    await answered;
    const later = encodeURIComponent(query.replace("Linked", "Later"));
    await page.evaluate((hash) => location.assign(hash), `#query=${later}`);
    await page.getByRole("button", { name: "Later", exact: true }).waitFor();
    await quoted(page);
    answered = answerOf("segment");
    await page.keyboard.press("ControlOrMeta+Enter");
    await answered;
    await page.locator(".run [role=status]").waitFor();
    assert.equal(await page.getByText("Edited since").count(), 0);
    await page.keyboard.press("ControlOrMeta+End");
    await page.keyboard.type(" # more");
    await page.getByText("Edited since").waitFor();
    calm();
    await close();
  });

  test("an address in an answer is not fetched", async () => {
    const { page, calm, close } = await open(browser, "/");
    await quoted(page);
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
      // The editor waits before it shows something, and GraphiQL half a second more.
      await page.waitForTimeout(1_200);
      assert.equal(await page.locator(".result-window .monaco-hover:visible, .result-window img").count(), 0, name);
    }
    calm();
    await close();
  });

  test("a key of 50 points loads, quotes and runs", async () => {
    const { page, calm, close } = await open(browser, "/", { key: smallKey });
    assert.deepEqual(await quoted(page), { points: 15, units: 0 });
    assert.match(await page.locator(".gauge").first().innerText(), /of 50 a document/);
    const { answer } = await run(page);
    assert.equal(answer.errors, undefined);
    const settled = page.waitForResponse(isQuote);
    await openExample(page, "The portrait of one segment");
    await settled;
    await page.getByText("too costly").waitFor();
    calm();
    await close();
  });

  test("a refusal for too many requests is waited out, and said", async () => {
    const { page, calm, close } = await open(browser, "/", { allow: [REFUSED] });
    await quoted(page);
    let refusals = 0;
    await page.route("**/graphql", (route) => {
      refusals += 1;
      if (refusals > 1) return route.continue();
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
    await openExample(page, "Ask for the price first");
    await page.locator(".quote-note", { hasText: "the limit is reached" }).waitFor();
    await page.getByRole("link", { name: "RATE_LIMIT_EXCEEDED" }).waitFor();
    const begun = Date.now();
    await quoted(page);
    assert.ok(Date.now() - begun > 1_500, "it waited");
    assert.equal(refusals, 2, "and asked once");
    calm();
    await close();
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`nothing serious for axe, ${colorScheme}`, async () => {
      const { page, calm, close } = await open(browser, "/", { colorScheme });
      await quoted(page);
      await openExample(page, "Does a product suit these people?");
      await page.waitForResponse(isQuote);
      await quoted(page);
      await run(page);
      await accessible(page);
      await picture(page, `explorer-${colorScheme}-products`);
      await page.getByRole("button", { name: "Examples", exact: true }).click();
      await accessible(page);
      await picture(page, `explorer-${colorScheme}-examples`);
      calm();
      await close();
    });
  }

  for (const [name, width, height] of [
    ["tablet", 900, 800],
    ["phone", 390, 844],
  ]) {
    test(`usable at ${width} pixels`, async () => {
      const { page, calm, close } = await open(browser, "/", { viewport: { width, height } });
      await quoted(page);
      await openExample(page, "The portrait of one segment");
      await page.waitForResponse(isQuote);
      await quoted(page);
      await run(page);
      const [wide, high] = await page.evaluate(() => {
        const { scrollWidth, scrollHeight } = document.documentElement;
        return [scrollWidth - innerWidth, scrollHeight - innerHeight];
      });
      assert.ok(wide <= 0, `${wide} pixels too wide`);
      if (name === "tablet") assert.ok(high <= 0, `${high} pixels too high`);
      const bar = await page.locator(".graphiql-sidebar").evaluate((node) => node.scrollWidth - node.clientWidth);
      assert.ok(bar <= 0, `the bar at the side is ${bar} pixels too narrow`);
      await accessible(page);
      await picture(page, `explorer-${name}`, { fullPage: true });
      calm();
      await close();
    });
  }

  test("everything of ours is reached with the keyboard", async () => {
    const { page, calm, close } = await open(browser, "/");
    await quoted(page);
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
    calm();
    await close();
  });
});

// The exported code is code: curl asks, TypeScript passes the compiler of web/ and asks, Python compiles, and asks where
// PYTHON names one that has httpx.
function tryCode({ curl, TypeScript, Python }) {
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
    assert.ok(existsSync(compiler), `${compiler}: build web/ first`);
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
