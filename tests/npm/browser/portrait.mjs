// Shared code of the portrait tests: opens the page, reads it, and compares it with the answers of the API.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { parse, visit } from "graphql";
import { key, launch, open, server } from "./browser.mjs";

// For each picture, by id, the part of the segment that contains its numbers.
export const PICTURES = {
  size: ({ size }) => size,
  habits: ({ behavior }) => without(behavior, "timeSpent", "dayParts", "categories", "implications"),
  places: ({ behavior }) => behavior.categories,
  dwell: ({ behavior }) => behavior.timeSpent,
  week: ({ behavior }) => behavior.dayParts,
  network: ({ network }) => without(network, "implications"),
  dimensions: ({ personality }) => personality.dimensions.map(({ name, mean }) => ({ name, mean })),
  archetypes: ({ personality }) => personality.archetypes,
  mixture: ({ quantumState }) => quantumState,
  product: ({ compatibility }) => compatibility,
  knot: ({ knot }) => knot.origin.correlations,
  productRules: ({ behavior }) => behavior.implications,
  marketingRules: ({ network }) => network.implications,
};

// Fields of a segment that return aggregates about its people. They cost units.
const AGGREGATE_FIELDS = [
  "size",
  "behavior",
  "personality",
  "network",
  "compatibility",
  "quantumState",
  "knot",
  "knotCompatibility",
  "compare",
  "recommendations",
];

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

// Opens the page and records all requests and responses.
export async function portrait(t, query = "", options = {}) {
  const sent = [];
  const received = [];
  const recordingBrowser = {
    async newContext(settings) {
      const context = await browser.newContext(settings);
      context.on("request", (request) => {
        if (request.url() === `${server}/graphql`) sent.push(request.postDataJSON());
      });
      context.on("response", async (response) => {
        if (response.url() !== `${server}/graphql`) return;
        const answer = await response.json().catch(() => null);
        received.push({ ...response.request().postDataJSON(), answer });
      });
      return context;
    },
  };
  const opened = await open(recordingBrowser, `/portrait${query === "" ? "" : `?${query}`}`, options);
  t.after(opened.close);
  const panel = (id) => opened.page.locator(`[data-picture="${id}"]`);
  // A page can show an answer before the test has read it.
  const settled = async () => {
    for (let n = 0; n < 100 && received.length < sent.length; n++) await opened.page.waitForTimeout(50);
  };
  return { ...opened, sent, received, settled, panel };
}

export async function sendQuery(query, variables, apiKey = key) {
  const response = await fetch(`${server}/graphql`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

// Whether a document selects one of the fields above. Documents to be quoted are variables and are ignored.
export function selectsAggregates({ query }) {
  let found = false;
  visit(parse(query), {
    Field({ name, selectionSet }) {
      if (selectionSet && AGGREGATE_FIELDS.includes(name.value)) found = true;
    },
  });
  return found;
}

export const showAll = (page) => page.getByRole("button", { name: /^Show all/ });
export const priceOf = (button) =>
  button.locator("data").evaluateAll((nodes) => nodes.map((node) => Number(node.value)));

export async function loadAll({ page, settled }) {
  await showAll(page).click();
  await page.locator(".all-loaded").waitFor();
  await settled();
}

// Opens the pictures that a narrow page folds.
export async function unfold({ page }) {
  const folded = page.locator(".fold[aria-expanded=false]");
  for (let left = await folded.count(); left > 0; left = await folded.count()) await folded.first().click();
}

// The names of the numbers of which the intervals of A and B do not overlap, with the segment that has more.
export function differing(a, b) {
  const facts = ({ behavior, network, personality }) => [
    ["visits", behavior.visitsPerPerson],
    ["dwell", behavior.averageDwellMinutes],
    ["returns", behavior.returnVisitRate],
    ["events", behavior.communityEngagement],
    ["connections", network.connectionsPerPerson],
    ...personality.dimensions.map(({ name, mean }) => [name, mean]),
  ];
  const others = new Map(facts(b));
  return facts(a).flatMap(([name, own]) => {
    const other = others.get(name);
    if (own === null || other === null) return [];
    const more = own.interval95.low > other.interval95.high;
    return more || own.interval95.high < other.interval95.low ? [[name, more]] : [];
  });
}

// All measures inside a value.
export function measures(value) {
  if (typeof value !== "object" || value === null) return [];
  if ("interval95" in value) return [value];
  const skip = ["release", "otherRelease"];
  return Object.entries(value).flatMap(([field, inner]) => (skip.includes(field) ? [] : measures(inner)));
}

export function without(value, ...fields) {
  return Object.fromEntries(Object.entries(value).filter(([field]) => !fields.includes(field)));
}

// The numbers that a panel shows, with their texts, without the numbers of its table.
export function figures(panel) {
  return panel.locator(".figure").evaluateAll((nodes) =>
    nodes.map((node) => ({
      value: Number(node.querySelector("data").value),
      text: node.querySelector("data").textContent,
      interval: node.querySelector(".interval [aria-hidden]").parentElement.textContent.split(/ to –|–/),
      quality: node.querySelector(".quality").textContent.trim().split(" ").at(-1),
    })),
  );
}

const FACTORS = { SHARE: 100, DENSITY: 1000 };

// Checks that a text is the number, rounded to the decimals of the text.
function assertFormatted(text, number, what) {
  const plain = text.replaceAll(",", "").replace("\u2212", "-");
  const decimals = plain.split(".")[1]?.length ?? 0;
  const shown = Number(plain);
  assert.ok(Math.abs(shown - number) <= 0.5 * 10 ** -decimals + 1e-9, `${what}: ${text} is shown for ${number}`);
}

// Checks that a panel shows exactly the numbers of the API, each with its interval and quality.
export async function assertShows(panel, expected, what) {
  const shown = await figures(panel);
  assert.ok(expected.length > 0, `${what}: the answer contains no numbers`);
  const list = (values) => [...new Set(values)].sort((a, b) => a - b);
  assert.deepEqual(list(shown.map(({ value }) => value)), list(expected.map(({ value }) => value)), what);
  for (const figure of shown) {
    const same = expected.filter(({ value }) => value === figure.value);
    const fits = same.some((measure) => {
      const factor = FACTORS[measure.unit] ?? 1;
      try {
        assertFormatted(figure.text, measure.value * factor, what);
        assertFormatted(figure.interval[0], measure.interval95.low * factor, what);
        assertFormatted(figure.interval[1], measure.interval95.high * factor, what);
        assert.equal(figure.quality, measure.quality);
        return true;
      } catch {
        return false;
      }
    });
    assert.ok(fits, `${what}: ${JSON.stringify(figure)} is not one of ${JSON.stringify(same)}`);
  }
}

export async function assertNoHorizontalScroll(page) {
  const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= width, `the page is ${content} pixels wide in a window of ${width} pixels`);
}

// Presses Tab until an element with the role and the name has the focus; returns the element.
export async function tabTo(page, role, name) {
  const target = page.getByRole(role, { name }).first();
  for (let n = 0; n < 150; n++) {
    await page.keyboard.press("Tab");
    if ((await target.count()) > 0 && (await target.evaluate((node) => node === document.activeElement))) return target;
  }
  throw new Error(`Tab does not reach ${role} ${name}`);
}

export function releaseOf({ size, behavior, personality, network, quantumState, compatibility, knot }, id) {
  if (id === "size") return size.release;
  if (["habits", "places", "dwell", "week", "productRules"].includes(id)) return behavior.release;
  if (["network", "marketingRules"].includes(id)) return network.release;
  if (["dimensions", "archetypes"].includes(id)) return personality.release;
  return { mixture: quantumState, product: compatibility, knot: knot.origin }[id].release;
}

// Checks the positions of the marks: dots at the means, bands from p25 to p75, one rectangle per released bin.
export async function assertMarks(panel, dimensions) {
  for (const { name, mean, p25, p50, p75, histogram } of dimensions) {
    const row = panel.locator(`[data-row="${name}"]`);
    const near = async (selector, attribute, value) => {
      const text = await row.locator(selector).getAttribute(attribute);
      assert.ok(Math.abs(Number.parseFloat(text) - value * 100) < 0.01, `${name}: ${selector} ${attribute} ${text}`);
    };
    await near("svg.dot", "x", mean.value);
    await near(".band", "x", p25.value);
    await near(".band", "width", p75.value - p25.value);
    await near(".median", "x1", p50.value);
    assert.equal(await row.locator(".bin").count(), histogram.filter((share) => share !== null).length);
    assert.equal(await row.locator(".withheld-bin").count(), histogram.filter((share) => share === null).length);
  }
}

export async function assertKnot(panel, knot) {
  const text = (field) => panel.locator(`[data-row="${field}"] dd`).innerText();
  for (const field of ["components", "writhe", "determinant"]) assert.equal(await text(field), String(knot[field]));
  assert.match(await text("arf"), knot.arf === null ? /^none/ : new RegExp(`^${knot.arf}$`));
  for (const field of ["jones", "alexander"]) {
    assert.equal(await panel.locator(`[data-row="${field}"] .polynomial`).getAttribute("data-text"), knot[field].text);
  }
  const label = await panel.getByRole("img").getAttribute("aria-label");
  assert.ok(label.endsWith(`Braid word: ${knot.braid.join(" ")}`));
  assertBraid(await drawnBraid(panel), knot.braid);
  const names = await panel.locator(".strands button").allInnerTexts();
  const inWords = (name) => name.replaceAll("_", " ").toLowerCase();
  assert.deepEqual(
    names.map((name) => name.replace(/^\d+\s+/, "").toLowerCase()),
    knot.origin.dimensions.map(inWords),
  );
  // The numbers at both ends define a permutation. The number of its cycles is the number of components.
  const ends = await panel.locator(".braid-lines svg").evaluateAll((lines) => {
    const texts = (line, end) =>
      [...line.querySelectorAll(".strand-ends")].map((group) =>
        Number(group.querySelectorAll("text")[end].textContent),
      );
    return { first: texts(lines[0], 0), last: texts(lines.at(-1), 1) };
  });
  assert.deepEqual(
    ends.first,
    Array.from({ length: knot.strands }, (_, n) => n + 1),
  );
  const next = new Map(ends.last.map((strand, position) => [strand, position + 1]));
  let cycles = 0;
  const seen = new Set();
  for (const first of ends.first) {
    if (seen.has(first)) continue;
    cycles++;
    for (let strand = first; !seen.has(strand); strand = next.get(strand)) seen.add(strand);
  }
  assert.equal(cycles, knot.components, "components of the drawn braid");
}

// The braid word that is drawn, read from left to right. A crossing consists of two paths of the strand behind and one
// path of the strand in front, which goes down for generator i and up for its inverse.
function drawnBraid(panel) {
  return panel.locator(".braid-lines svg").evaluateAll((lines) =>
    lines.flatMap((line) => {
      const groups = [...line.querySelectorAll("g:has(> path.strand)")];
      const positions = [...line.querySelectorAll(".strand-ends text:first-child")].map((text) =>
        Number(text.getAttribute("y")),
      );
      const step = positions[1] - positions[0];
      const crossings = groups.map((group) => {
        const paths = [...group.querySelectorAll("path.strand")].map((path) => path.getAttribute("d"));
        const [, x, from, to] = /^M([\d.]+) ([\d.]+) C.* [\d.]+ ([\d.]+)$/.exec(paths.at(-1)).map(Number);
        const generator = Math.round((Math.min(from, to) - (positions[0] - 3.5)) / step) + 1;
        return { x, generator: from < to ? generator : -generator, pieces: paths.length };
      });
      if (crossings.some(({ pieces }) => pieces !== 3)) throw new Error("a crossing does not consist of three paths");
      return crossings.sort((a, b) => a.x - b.x).map(({ generator }) => generator);
    }),
  );
}

// Generators without a common strand commute; the order of all others is significant. Two braid words are equal up to
// this commutation if they agree after restriction to each pair of adjacent generators.
function assertBraid(drawn, braid) {
  assert.equal(drawn.length, braid.length);
  const highest = Math.max(...braid.map(Math.abs));
  for (let n = 1; n <= highest; n++) {
    const only = (word) => word.filter((generator) => [n, n + 1].includes(Math.abs(generator)));
    assert.deepEqual(only(drawn), only(braid), `generators ${n} and ${n + 1}`);
  }
}

export async function assertRules(panel, implications) {
  const all = { ...without(implications, "strategies"), ...implications.strategies };
  for (const [field, implication] of Object.entries(all)) {
    const row = panel.locator(`[data-row="${field}"]`).last();
    const expected = implication === null ? "withheld" : implication.verdict;
    assert.ok((await row.innerText()).includes(expected), `${field}: ${expected}`);
  }
}
