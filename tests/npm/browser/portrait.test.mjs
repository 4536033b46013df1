// Browser tests of the portrait page: which requests it sends and when, and whether it shows the answers of the API.
// SERVER, KEY and SCREENSHOTS as in browser.mjs; NARROW_KEY is a key that has only the scope `behavior`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAccessible, key, screenshot, server } from "./browser.mjs";
import {
  PICTURES,
  sendQuery,
  selectsAggregates,
  assertKnot,
  assertMarks,
  assertRules,
  differing,
  assertShows,
  figures,
  measures,
  assertNoHorizontalScroll,
  portrait,
  priceOf,
  releaseOf,
  showAll,
  loadAll,
  tabTo,
  unfold,
  without,
} from "./portrait.mjs";

const narrowKey = process.env.NARROW_KEY;
assert.ok(narrowKey, "NARROW_KEY must be set");

// The last one is small: it has numbers at the finest precision only, and some of them are withheld.
const SEGMENTS = {
  "harbor-adults": "segment=harbor-adults",
  "young-nightlife": "segment=young-nightlife",
  "outdoor-hills-and-lakes": "segment=outdoor-hills-and-lakes",
  "nightlife-of-the-lakes": "region=demo-lakes&interest=nightlife_spot&precision=finest",
};
const PRODUCT = "product.energyPreference=0.7&product.price=PREMIUM";
const TINY = "region=demo-lakes&from=65&interest=college_and_university&category=gallery";

test("without a key the page sends no request and asks for the key", async (t) => {
  const { page, sent, assertNoFaults } = await portrait(t, "segment=harbor-adults", { key: "" });
  await page.getByText("Enter your API key in the header of the page.").waitFor();
  assert.deepEqual(sent, []);
  await assertAccessible(page);
  assertNoFaults();
});

test("aggregates are requested only after a button that shows the price is pressed", async (t) => {
  // No other test asks about this segment, so the key has not seen its size.
  const opened = await portrait(t, `region=demo-harbor&from=25&to=54&${PRODUCT}`);
  const { page, sent, received, settled, panel, assertNoFaults } = opened;
  await page
    .locator(".show button:enabled .price data")
    .nth(2 * Object.keys(PICTURES).length)
    .waitFor();
  await settled();
  assert.ok(sent.length > 0 && sent.length <= 6, `${sent.length} requests`);
  assert.deepEqual(sent.filter(selectsAggregates), []);
  assert.ok(!page.url().includes(key), "the key is not in the address");

  // Each button shows the newest quote of a document and sends this document.
  const newestQuotes = () => {
    const quoted = new Map();
    for (const { query, variables, answer } of received.filter(({ query }) => query.includes("quote("))) {
      for (const [alias, price] of Object.entries(answer.data).filter(([alias]) => alias !== "viewer")) {
        const n = alias.slice("price".length);
        quoted.set(JSON.stringify([variables[`document${n}`], variables[`variables${n}`]]), price);
        assert.ok(query.includes(`document: $document${n}`));
      }
    }
    return quoted;
  };
  assert.equal(newestQuotes().size, Object.keys(PICTURES).length + 1);
  for (const id of ["size", "week", "knot"]) {
    const button = panel(id).getByRole("button", { name: /^Show/ });
    const price = await priceOf(button);
    const text = await panel(id).locator(".show").innerText();
    const quoted = newestQuotes();
    const seen = sent.length;
    await button.click();
    await panel(id).locator(".picture").waitFor();
    await settled();
    const [request] = sent.slice(seen).filter(selectsAggregates);
    const quote = quoted.get(JSON.stringify([request.query, request.variables]));
    assert.deepEqual(price, [quote.units, quote.points], id);
    assert.equal(/at most [\d.]+ units/.test(text), !quote.exact, text);
    if (id === "size") assert.deepEqual([quote.units, quote.exact], [0.12, false]);
    // Once the size is known, the expected quality is that of most numbers of the answer.
    else assert.match(text, /Expected quality: (HIGH|OK|LOW)/);
    // The panel shows the actual cost.
    const { answer } = received.find(({ query }) => query === request.query);
    const { cost, privacy } = answer.extensions;
    const { actual, requested } = cost;
    assert.ok(privacy.charged > 0 && privacy.charged <= quote.units, id);
    await panel(id).getByText("Method and cost").click();
    await panel(id).getByText(`cost ${actual} points of ${requested} reserved`).waitFor();
    assert.equal(sent.slice(seen).filter(selectsAggregates).length, 1);
    await page.waitForLoadState("networkidle");
    await settled();
  }
  // The same release shows other pictures, which cost nothing any more.
  assert.equal((await priceOf(panel("places").getByRole("button", { name: /^Show/ })))[0], 0);
  // The other pictures are not requested, and their total price is updated.
  assert.equal(await page.locator(".picture").count(), 3);
  const [units, points] = await priceOf(showAll(page));
  assert.ok(units > 0 && points > 0);
  assertNoFaults();
});

for (const [slug, query] of Object.entries(SEGMENTS)) {
  test(`portrait of ${slug}: each picture is loaded and shows the numbers of the API`, async (t) => {
    const opened = await portrait(t, `${query}&${PRODUCT}`);
    const { page, received, panel, assertNoFaults } = opened;
    await loadAll(opened);
    const { answer } = received.find((one) => selectsAggregates(one));
    const segment = answer.data.segment;
    for (const [id, part] of Object.entries(PICTURES)) {
      // The inputs of rules and knots are inside details elements.
      for (const details of await panel(id).locator(".picture details").all())
        await details.evaluate((node) => (node.open = true));
      await assertShows(panel(id), measures(part(segment)), `${slug}, ${id}`);
      // The method is folded at first.
      assert.ok(await panel(id).locator(".provenance").isHidden());
      await panel(id).getByText("Method and cost").click();
      const provenance = await panel(id).locator(".provenance").innerText();
      const { id: release, epoch, units } = releaseOf(segment, id);
      for (const text of [
        release.slice(0, 8),
        epoch,
        `${units} units at the first view`,
        "95 % intervals",
        "quality",
      ]) {
        assert.ok(provenance.includes(text), `${id}: ${text} in ${provenance}`);
      }
    }
    await assertMarks(panel("dimensions"), segment.personality.dimensions);
    // A knot that another sample of the noise could change is not drawn.
    if (segment.knot.origin.quality === "LOW") assert.equal(await panel("knot").getByRole("img").count(), 0);
    else await assertKnot(panel("knot"), segment.knot);
    const words = page.getByRole("region", { name: "In words" });
    const people = `About ${segment.size.value.toLocaleString("en-US")} people.`;
    assert.ok((await words.innerText()).startsWith(people), people);
    await assertRules(panel("marketingRules"), segment.network.implications, answer.errors ?? []);
    // A field that is null because of an error is withheld, and its panel shows the code of the error.
    for (const { path, extensions } of answer.errors ?? []) {
      const row = page.locator(`[data-row="${path.at(-1)}"]`);
      await row.getByText("withheld").first().waitFor();
      await page.locator(".panel", { has: row }).getByRole("link", { name: extensions.code }).first().waitFor();
    }
    await screenshot(page, `portrait-${slug}`, { fullPage: true });
    assertNoFaults();
  });
}

test("a segment can be composed and its size loaded with the keyboard only", async (t) => {
  const { page, received, settled, panel, assertNoFaults } = await portrait(t);
  await page.getByRole("radio", { name: "Saved" }).waitFor();
  await tabTo(page, "radio", "Saved");
  await page.keyboard.press("ArrowRight");
  const hills = await tabTo(page, "checkbox", "demo-hills");
  await page.keyboard.press("Space");
  assert.ok(await hills.isChecked());
  await tabTo(page, "combobox", "from");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  const use = await tabTo(page, "button", "Use this segment");
  await page.keyboard.press("Enter");
  await use.waitFor({ state: "detached" });
  // The chooser is closed, and the focus is on the button that opens it.
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Change segment A");
  assert.equal(new URL(page.url()).search, "?region=demo-hills&from=25");
  await panel("size").locator("button:enabled .price data").first().waitFor();
  await tabTo(page, "button", /^Show Size/);
  await page.keyboard.press("Enter");
  await panel("size").locator(".picture").waitFor();
  assert.equal(
    await page.evaluate(() => document.activeElement.textContent),
    "Size",
    "the focus is on the title of the picture",
  );
  await settled();
  const { answer, variables } = received.find(selectsAggregates);
  const definition = { regions: ["demo-hills"], age: { from: 25 } };
  assert.deepEqual(variables, { precision: "HIGH", definition });
  await assertShows(panel("size"), [answer.data.segment.size], "size");
  // The API returns the same size.
  const direct = await sendQuery(
    `query ($d: SegmentDefinition!) { cohort(definition: $d) { size { value unit interval95 { low high } quality } } }`,
    { d: variables.definition },
  );
  await assertShows(panel("size"), [direct.data.cohort.size], "size, requested directly");
  await page.goBack();
  await page.getByRole("heading", { name: "Choose a segment" }).waitFor();
  assertNoFaults();
});

test("at most three values per field, and pasted definitions", async (t) => {
  const { page, received, assertNoFaults } = await portrait(t);
  await page.getByRole("radio", { name: "Compose" }).check();
  const interests = page.getByRole("group", { name: /^Interests/ });
  for (const name of ["Food", "Nightlife spot", "Shop and service"])
    await interests.getByRole("checkbox", { name }).check();
  assert.ok(await interests.getByRole("checkbox", { name: "Other", exact: true }).isDisabled());
  await page.getByRole("radio", { name: "Paste" }).check();
  const field = page.getByRole("textbox", { name: /^A slug, a link/ });
  await field.fill("no such thing!");
  await page.getByRole("button", { name: "Use this segment" }).click();
  await page.getByText("The text is not a valid slug, portrait link or definition.").waitFor();
  // Text that is not understood never selects all people.
  for (const text of [
    '{"region":["demo-hills"]}',
    '{"regions":"demo-hills"}',
    '{"regions":[7]}',
    '{"regions":[]}',
    '{"age":{"from":"65"}}',
    '{"age":{"form":65}}',
    '{"age":null}',
    '{"definition":"x"}',
    '{"segment":{"region":["demo-hills"]}}',
    '{"segment":{},"regions":["demo-hills"]}',
    '{"slug":"Harbor adults"}',
    "[]",
    `${server}/portrait?regions=demo-hills`,
    `${server}/portrait?region=demo-hills&form=65`,
  ]) {
    await field.fill(text);
    await page.getByRole("button", { name: "Use this segment" }).click();
    assert.equal(await field.inputValue(), text);
    assert.equal(new URL(page.url()).search, "", text);
  }
  await field.fill('{"segment":{"regions":["demo-hills"]}}');
  await page.getByRole("button", { name: "Use this segment" }).click();
  await page.getByText("home in demo-hills, all adults").waitFor();
  await page.goBack();
  await page.getByRole("radio", { name: "Paste" }).check();
  await field.fill(`${server}/portrait?region=demo-lakes&to=44&interest=food`);
  await page.getByRole("button", { name: "Use this segment" }).click();
  await page.getByText("home in demo-lakes, ages 18 to 44, interested in food").waitFor();
  const described = received.findLast(({ query }) => query.includes("cohort(definition: $definition)"));
  assert.deepEqual(described.variables.definition, { regions: ["demo-lakes"], age: { to: 44 }, interests: ["food"] });
  assertNoFaults();
});

test("a URL with unknown segment parameters selects no segment", async (t) => {
  for (const query of [
    "regions=demo-hills",
    "region=demo-hills&from=old",
    "region=demo-hills&from=25&from=65",
    "region=",
    "everybody=1&region=demo-hills",
    "everybody=no",
    "segment=harbor-adults&region=demo-hills",
    "segment=harbor-adults&with.regions=demo-hills",
  ]) {
    const { page, sent, assertNoFaults, close } = await portrait(t, query);
    await page.getByRole("alert").getByText("parameters that this page does not recognize").waitFor();
    const described = sent.filter(({ query }) => query.startsWith("query Describe"));
    assert.deepEqual(
      described.map(({ variables }) => variables),
      query.includes("with.") ? [{ slug: "harbor-adults" }] : [],
      query,
    );
    assertNoFaults();
    await close();
  }
});

test("saved segments can be searched, and every picture compares a second segment with the first", async (t) => {
  const opened = await portrait(t, PRODUCT);
  const { page, received, settled, panel, assertNoFaults } = opened;
  await page.getByRole("searchbox", { name: "Search saved segments" }).fill("harbor");
  await page.getByRole("button", { name: /harbor-adults/ }).click();
  await panel("habits").getByRole("button", { name: /^Show/ }).click();
  await panel("habits").locator(".picture").waitFor();
  await page.getByRole("button", { name: "Add a second segment" }).click();
  await page.getByRole("button", { name: /young-nightlife/ }).click();
  await panel("habits")
    .getByRole("button", { name: /^Show B too/ })
    .click();
  await panel("habits").locator(".provenance").nth(1).waitFor({ state: "attached" });
  await settled();
  const answerTo = (operation, slug) =>
    received.find(({ query, variables }) => query.startsWith(`query ${operation}(`) && variables.slug === slug).answer
      .data.segment;
  const [first, second] = ["harbor-adults", "young-nightlife"].map((slug) => answerTo("Habits", slug));
  await assertShows(panel("habits"), measures([PICTURES.habits(first), PICTURES.habits(second)]), "habits of two");

  await loadAll(opened);
  const [wholeA, wholeB] = ["harbor-adults", "young-nightlife"].map((slug) => answerTo("Portrait", slug));
  // The habits of the first segment were loaded before, so they are not requested again.
  assert.equal(wholeA.behavior.visitsPerPerson, undefined);
  for (const id of ["size", "places", "week", "dimensions", "product"]) {
    const both = [PICTURES[id](wholeA), PICTURES[id](wholeB)];
    await assertShows(panel(id), measures(both), `${id} of two`);
  }
  await assertShows(panel("comparison"), measures(without(wholeA.compare, "release", "otherRelease")), "comparison");
  const drawn = [wholeA, wholeB].filter(({ knot }) => knot.origin.quality !== "LOW");
  assert.equal(await panel("knot").getByRole("img").count(), drawn.length);
  assert.equal(new URL(page.url()).searchParams.get("with.segment"), "young-nightlife");
  await screenshot(page, "portrait-two", { fullPage: true });
  await assertAccessible(page);
  assertNoFaults();
});

test("the headline compares with everybody in the regions by one button, and names the differences", async (t) => {
  const opened = await portrait(t, "region=demo-lakes&interest=nightlife_spot&precision=finest");
  const { page, received, assertNoFaults } = opened;
  const words = page.getByRole("region", { name: "In words" });
  await words.getByRole("button", { name: "Compare with everybody in demo-lakes" }).click();
  await words.getByText(/^The comparison with .* appears when both segments are loaded/).waitFor();
  assert.equal(new URL(page.url()).searchParams.get("with.region"), "demo-lakes");
  await loadAll(opened);
  const [a, b] = [["nightlife_spot"], undefined].map(
    (interests) =>
      received.find(
        ({ query, variables }) =>
          query.startsWith("query Portrait(") &&
          JSON.stringify(variables.definition.interests) === JSON.stringify(interests),
      ).answer.data.segment,
  );
  const expected = differing(a, b);
  assert.ok(expected.length > 0, "these segments of the demo differ");
  const items = await words
    .locator("[data-fact]")
    .evaluateAll((nodes) => nodes.map((node) => [node.dataset.fact, /^(More|Longer|Higher)/.test(node.textContent)]));
  assert.deepEqual(items, expected);
  await screenshot(page, "portrait-headline");
  assertNoFaults();
});

test("a knot that the noise would not change is drawn", async (t) => {
  const { page, received, settled, panel, assertNoFaults } = await portrait(t, "everybody=1&precision=finest");
  await panel("knot").getByRole("button", { name: /^Show/ }).click();
  await panel("knot").locator(".picture").waitFor();
  await settled();
  const { knot } = received.find(selectsAggregates).answer.data.segment;
  assert.notEqual(knot.origin.quality, "LOW");
  for (const details of await panel("knot").locator(".picture details").all())
    await details.evaluate((node) => (node.open = true));
  await assertKnot(panel("knot"), knot);
  await page.locator("[data-picture=knot]").scrollIntoViewIfNeeded();
  await screenshot(page, "portrait-knot");
  assertNoFaults();
});

test("a portrait is less than 4,000 pixels high on a phone, before and after it is loaded", async (t) => {
  const opened = await portrait(t, `segment=harbor-adults&${PRODUCT}`, { viewport: { width: 390, height: 844 } });
  const { page, panel, assertNoFaults } = opened;
  await panel("size").locator("button:enabled .price data").first().waitFor();
  const height = () => page.evaluate(() => document.documentElement.scrollHeight);
  assert.ok((await height()) < 4_000, `${await height()} pixels before`);
  await loadAll(opened);
  assert.ok((await height()) < 4_000, `${await height()} pixels after`);
  await screenshot(page, "portrait-phone", { fullPage: true });
  // A folded picture opens where it is.
  await panel("week").getByRole("button", { name: /Week/i }).first().click();
  await panel("week").locator(".picture").waitFor();
  assertNoFaults();
});

test("a slider change sends one request per segment and does not change the budget", async (t) => {
  const opened = await portrait(t, `segment=harbor-adults&with.segment=young-nightlife&${PRODUCT}`);
  const { page, sent, panel, assertNoFaults } = opened;
  await loadAll(opened);
  const fit = panel("product");
  await page.waitForLoadState("networkidle");
  await page.locator(".budget").evaluate((budget) => {
    window.budgetChanges = [];
    new MutationObserver(() => window.budgetChanges.push(budget.innerText)).observe(budget, {
      subtree: true,
      childList: true,
      characterData: true,
    });
  });
  const seen = sent.length;
  await fit.getByRole("slider", { name: /^Energy preference/ }).focus();
  await page.keyboard.press("ArrowRight");
  // The score of the previous position is marked as stale.
  assert.equal(await fit.locator(".picture").getAttribute("aria-busy"), "true");
  assert.equal(sent.length, seen, "no request is sent before the debounce delay");
  await page.waitForResponse((response) => selectsAggregates(response.request().postDataJSON()));
  await fit.locator('.picture[aria-busy="false"]').waitFor();
  await page.waitForLoadState("networkidle");
  assert.equal(sent.length, seen + 2);
  assert.ok(sent.slice(seen).every(selectsAggregates));
  assert.deepEqual(await page.evaluate(() => window.budgetChanges), []);
  assertNoFaults();
});

test("the score of a product follows the sliders with few requests; unset dimensions stay unset", async (t) => {
  // An invalid number in the URL is ignored.
  const { page, sent, received, panel, assertNoFaults } = await portrait(
    t,
    "segment=harbor-adults&product.energyPreference=%20",
  );
  const fit = panel("product");
  const slider = fit.getByRole("slider", { name: /^Energy preference/ });
  await fit.getByText("State at least one dimension").waitFor();
  assert.equal(await slider.getAttribute("aria-valuetext"), "not stated");
  await slider.focus();
  await page.keyboard.press("ArrowRight");
  await fit.locator("button:enabled .price data").first().waitFor();
  assert.deepEqual(sent.filter(selectsAggregates), []);
  await fit.getByRole("button", { name: /^Show/ }).click();
  await fit.locator(".picture").waitFor();
  const scores = () => received.filter(selectsAggregates);
  assert.deepEqual(scores()[0].variables.product, { energyPreference: 0.55 });

  await slider.focus();
  for (let n = 0; n < 9; n++) await page.keyboard.press("ArrowRight");
  const end = page.waitForResponse(
    (response) => response.request().postData()?.includes('"energyPreference":1') ?? false,
  );
  await end;
  await fit.locator('.picture[aria-busy="false"] [data-row="score"] data').waitFor();
  const count = sent.filter(selectsAggregates).length;
  assert.ok(count <= 4, `${count} requests for ten steps of a slider`);
  const last = scores().at(-1);
  assert.deepEqual(last.variables.product, { energyPreference: 1 });
  const values = scores().map(({ answer }) => answer.data.segment.compatibility.score.value);
  assert.notEqual(values.at(-1), values[0]);
  await assertShows(fit, measures(last.answer.data.segment.compatibility), "product");

  // The price band also states a dimension; clearing the check box removes the value of a slider.
  await fit.getByRole("combobox", { name: "Price band" }).selectOption("LUXURY");
  await fit.locator('[data-row="VALUE_ORIENTATION"]').waitFor();
  await fit.getByRole("checkbox", { name: "State Energy preference" }).uncheck();
  await fit.locator('[data-row="ENERGY_PREFERENCE"]').waitFor({ state: "detached" });
  assert.deepEqual(scores().at(-1).variables.product, { price: "LUXURY" });
  assert.equal(new URL(page.url()).searchParams.get("product.price"), "LUXURY");
  assertNoFaults();
});

test("the copied GraphQL document and the explorer link return the numbers that are shown", async (t) => {
  const opened = await portrait(
    t,
    `${TINY.replace(/from=65.*/, "from=25")}&${PRODUCT}&product.style=vintage&window=84&precision=finest`,
  );
  const { page, panel, assertNoFaults } = opened;
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: server });
  await loadAll(opened);
  for (const id of ["size", "week", "product", "archetypes"]) {
    await panel(id).getByRole("button", { name: "Copy as GraphQL" }).click();
    await panel(id).getByRole("button", { name: "Copied" }).waitFor();
    const document = await page.evaluate(() => navigator.clipboard.readText());
    const { data, errors } = await sendQuery(document);
    assert.equal(errors, undefined, document);
    await assertShows(panel(id), measures(PICTURES[id](data.segment)), `${id}, copied`);
    const href = await panel(id).getByRole("link", { name: "Open in explorer" }).getAttribute("href");
    const link = new URLSearchParams(href.slice(href.indexOf("#") + 1));
    const again = await sendQuery(link.get("query"), JSON.parse(link.get("variables")));
    assert.deepEqual(again.data, data);
  }
  assert.ok(!page.url().includes(key));
  // The link opens a new tab that has the key, and the pictures stay in this tab.
  const [explorer] = await Promise.all([
    page.context().waitForEvent("page"),
    panel("size").getByRole("link", { name: "Open in explorer" }).click(),
  ]);
  await explorer.getByLabel("API key").waitFor();
  assert.equal(await explorer.getByLabel("API key").inputValue(), key);
  assert.equal(await page.locator(".all-loaded").count(), 1);
  await explorer.close();
  assertNoFaults();
});

test("an invalid key shows the error with its code", async (t) => {
  const { page, panel, assertNoFaults } = await portrait(t, "segment=harbor-adults", {
    key: "spots_live_nobody_00000000000000000000000000000000",
    allow: [/status of 401/],
  });
  const error = page.locator('[data-code="AUTHENTICATION_FAILED"]');
  await error.waitFor();
  assert.equal(await error.getByRole("link").getAttribute("href"), "/docs/errors.md#authentication_failed");
  assert.equal(await panel("size").count(), 0);
  await assertAccessible(page);
  // With a valid key the page works.
  await page.getByLabel("API key").fill(key);
  await page.keyboard.press("Enter");
  await panel("size").locator("button:enabled").first().waitFor();
  assert.equal(await error.count(), 0);
  assertNoFaults();
});

test("a missing scope is shown before the request, and rejections are shown in the panel", async (t) => {
  const opened = await portrait(t, "segment=harbor-adults", { key: narrowKey });
  const { page, sent, panel, assertNoFaults } = opened;
  await panel("dimensions").getByText("This key lacks the scope personality: the request will be rejected").waitFor();
  await panel("productRules").getByText("part of the request will be rejected").waitFor();
  await loadAll(opened);
  // The request for all pictures omits those that would be rejected, because their points would be reserved.
  const forbidden = ["dimensions", "archetypes", "mixture", "knot", "network", "marketingRules"];
  const [{ query }] = sent.filter(selectsAggregates);
  for (const id of Object.keys(PICTURES).filter((id) => id !== "product")) {
    assert.equal(query.includes(`...${id}\n`), !forbidden.includes(id), id);
  }
  await page.getByText("All requests are complete. 6 pictures were not requested: this key lacks the scope.").waitFor();
  for (const id of forbidden) {
    await panel(id).getByRole("button", { name: /^Show/ }).click();
    const error = panel(id).locator('[data-code="FORBIDDEN"]');
    await error.first().waitFor();
    const link = error.getByRole("link").first();
    assert.equal(await link.getAttribute("href"), "/docs/errors.md#forbidden");
    assert.equal(await link.getAttribute("target"), "_blank");
    assert.equal((await error.first().innerText()).match(/lacks the scope|Needs the scope/g).length, 1);
    assert.equal(await figures(panel(id)).then((list) => list.length), 0, `${id} shows no number`);
  }
  assert.ok((await figures(panel("habits"))).length > 0);
  await page.getByText("All requests are complete. 6 pictures were rejected.").waitFor();
  await screenshot(page, "portrait-forbidden", { fullPage: true });
  assertNoFaults();
});

test("for a tiny cohort every picture shows INSUFFICIENT_DATA and no number", async (t) => {
  const opened = await portrait(t, `${TINY}&${PRODUCT}`);
  const { page, panel, assertNoFaults } = opened;
  await loadAll(opened);
  for (const id of Object.keys(PICTURES)) {
    const error = panel(id).locator('[data-code="INSUFFICIENT_DATA"]');
    await error.waitFor();
    assert.match(await error.innerText(), /BELOW_THRESHOLD/);
    assert.equal(await panel(id).locator(".picture").count(), 0, `${id} is not drawn`);
    assert.equal((await figures(panel(id))).length, 0);
  }
  await assertAccessible(page);
  assertNoFaults();
});

test("a segment too small for the precision shows PRECISION, and the finest precision shows its numbers", async (t) => {
  const opened = await portrait(t, SEGMENTS["nightlife-of-the-lakes"].replace("&precision=finest", ""));
  const { page, received, settled, panel, assertNoFaults } = opened;
  await loadAll(opened);
  const { answer } = received.find(selectsAggregates);
  const errors = answer.errors.filter(({ extensions }) => extensions.reason === "PRECISION");
  for (const id of ["habits", "dimensions", "network", "mixture"]) {
    const error = panel(id).locator('[data-code="INSUFFICIENT_DATA"]');
    assert.match(await error.innerText(), /PRECISION/);
    assert.equal((await figures(panel(id))).length, 0);
  }
  assert.ok(errors.every(({ extensions }) => extensions.peopleNeeded > answer.data.segment.size.value));
  await screenshot(page, "portrait-precision", { fullPage: true });
  await assertAccessible(page);
  await page.getByRole("combobox", { name: "Precision" }).selectOption("FINEST");
  assert.equal(new URL(page.url()).searchParams.get("precision"), "finest");
  await panel("habits").getByRole("button", { name: /^Show/ }).click();
  await panel("habits").locator(".picture").waitFor();
  await settled();
  const finest = received.findLast(selectsAggregates);
  assert.equal(finest.variables.precision, "FINEST");
  await assertShows(panel("habits"), measures(PICTURES.habits(finest.answer.data.segment)), "habits");
  assertNoFaults();
});

test("an unknown slug or value is reported before prices are requested", async (t) => {
  for (const [query, code] of [
    ["segment=harbor-adult", "INVALID_SEGMENT"],
    ["region=atlantis", "BAD_USER_INPUT"],
  ]) {
    const { page, sent, assertNoFaults } = await portrait(t, query);
    await page.locator(`[data-code="${code}"]`).waitFor();
    assert.equal(await page.locator(".show").count(), 0);
    assert.equal(await page.getByRole("button", { name: "Try again" }).count(), 0, "a retry cannot succeed");
    assert.deepEqual(
      sent.filter(({ query }) => query.includes("quote(")),
      [],
    );
    assertNoFaults();
  }
});

test("a rate-limited request shows the wait time and can be repeated", async (t) => {
  const { page, panel, assertNoFaults } = await portrait(t, "segment=harbor-adults", { allow: [/status of 429/] });
  const rateLimitError = {
    errors: [
      {
        message: "Too many requests.",
        extensions: {
          code: "RATE_LIMIT_EXCEEDED",
          limit: "minute",
          allowed: 100,
          retryAfterSeconds: 2,
          docs: "/docs/errors.md#rate_limit_exceeded",
        },
      },
    ],
  };
  const button = panel("size").getByRole("button", { name: /^Show/ });
  await panel("size").locator("button:enabled .price data").first().waitFor();
  let rejected = 0;
  await page.route(`${server}/graphql`, (route) => {
    if (rejected > 0 || !selectsAggregates(route.request().postDataJSON())) return route.continue();
    rejected++;
    return route.fulfill({ status: 429, headers: { "retry-after": "2" }, json: rateLimitError });
  });
  await button.click();
  await panel("size").locator('[data-code="RATE_LIMIT_EXCEEDED"]').waitFor();
  assert.ok(
    await panel("size")
      .getByRole("button", { name: /^Retry in \d s/ })
      .isDisabled(),
  );
  const again = panel("size").getByRole("button", { name: /^Retry Size/ });
  await again.waitFor();
  assert.equal((await priceOf(again)).length, 2, "the retry button shows a price");
  await again.click();
  await panel("size").locator(".picture").waitFor();
  assert.equal(await panel("size").locator(".coded").count(), 0);
  assertNoFaults();
});

test("after failed requests one button retries all pictures, and they are not reported as rejected", async (t) => {
  const { page, sent, panel, assertNoFaults } = await portrait(t, "segment=harbor-adults", {
    allow: [/ERR_FAILED/, /status of (502|429)/],
  });
  await showAll(page).and(page.locator(":enabled")).waitFor();
  const failures = [
    (route) => route.abort(),
    (route) => route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad gateway</h1>" }),
    (route) =>
      route.fulfill({
        status: 429,
        headers: { "retry-after": "2" },
        json: { errors: [{ message: "Too many requests.", extensions: { code: "RATE_LIMIT_EXCEEDED" } }] },
      }),
  ];
  let turn = 0;
  await page.route(`${server}/graphql`, (route) => {
    if (turn === failures.length || !selectsAggregates(route.request().postDataJSON())) return route.continue();
    return failures[turn++](route);
  });
  const budget = page.locator(".budget");
  const again = budget.getByRole("button", { name: /^Retry all/ });
  await showAll(page).click();
  for (const outcome of [
    "12 pictures were not loaded.",
    "12 pictures were not loaded.",
    "12 pictures were rejected.",
  ]) {
    await budget.getByText(outcome, { exact: true }).waitFor();
    const text = await budget.innerText();
    assert.ok(!text.includes("cost no units again") && !text.includes("No picture was requested"), text);
    assert.equal(await page.locator(".all-loaded").count(), 0);
    if (outcome.includes("rejected"))
      assert.ok(await again.isDisabled(), "disabled until the server accepts the request again");
    await again.click();
  }
  await page.getByText("All pictures are loaded.").waitFor();
  await panel("knot").locator(".picture").waitFor();
  const asked = sent.filter(selectsAggregates);
  assert.equal(asked.length, 4);
  assert.deepEqual(asked.at(-1), asked[0]);
  assertNoFaults();
});

test("one button loads all prices that failed to load", async (t) => {
  const { page, assertNoFaults } = await portrait(t, "", { allow: [/ERR_FAILED/] });
  await page.route(`${server}/graphql`, (route) => {
    return route.request().postDataJSON().query.startsWith("query Prices") ? route.abort() : route.continue();
  });
  await page.getByRole("button", { name: /harbor-adults/ }).click();
  const again = page.getByRole("button", { name: "Load the price again" });
  await again.nth(12).waitFor();
  await page.unrouteAll();
  await again.first().click();
  await page.locator(".show button:enabled .price data").nth(25).waitFor();
  assert.equal(await again.count(), 0);
  assertNoFaults();
});

for (const colorScheme of ["light", "dark"]) {
  for (const [device, viewport] of [
    ["desktop", { width: 1280, height: 800 }],
    ["phone", { width: 390, height: 844 }],
  ]) {
    test(`accessible and without horizontal scrolling: ${colorScheme}, ${device}`, async (t) => {
      const opened = await portrait(t, `segment=young-nightlife&with.segment=harbor-adults&${PRODUCT}`, {
        colorScheme,
        viewport,
        reducedMotion: "reduce",
      });
      const { page, panel, assertNoFaults } = opened;
      await panel("size").locator("button:enabled .price data").first().waitFor();
      await assertNoHorizontalScroll(page);
      await assertAccessible(page);
      await screenshot(page, `portrait-before-${colorScheme}-${device}`, { fullPage: true });
      await loadAll(opened);
      await unfold(opened);
      const collapsed = page.locator(
        "main .picture details, [data-picture=size] details, [data-picture=dimensions] details, .product details",
      );
      for (const details of await collapsed.all()) await details.evaluate((node) => (node.open = true));
      await panel("product").getByRole("checkbox", { name: "Vintage" }).waitFor();
      await panel("size").locator(".as-table table").waitFor();
      await page.getByRole("button", { name: "Change segment A" }).click();
      await page.getByRole("radio", { name: "Compose" }).check();
      await assertNoHorizontalScroll(page);
      await assertAccessible(page);
      await screenshot(page, `portrait-${colorScheme}-${device}`, { fullPage: true });
      assertNoFaults();
    });
  }
}
