/** Blending, and what becomes of nulls and their errors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiError } from "../src/client.js";
import type { ContextQuery, FitQuery, ProductFitFragment, Quality } from "../src/generated/graphql.js";
import { WEIGHT, blend, lift, rank } from "../src/ranking.js";
import { compose, definitions, type SegmentKey } from "../src/segments.js";
import { SHOP } from "../src/shop.js";
import { table } from "../src/table.js";

const VOCABULARY: ContextQuery["vocabulary"] = {
  regions: ["a", "b", "c", "d", "e", "f"],
  ageBands: [18, 25, 35, 45, 55, 65].map((from, index) => ({ from, to: [24, 34, 44, 54, 64, null][index] ?? null })),
};
const SEGMENTS = compose(VOCABULARY);

function fit(value: number, half: number, quality: Quality = "OK"): ProductFitFragment {
  return { score: { value, interval95: { low: value - half, high: value + half }, quality }, ignored: [] };
}

/** Every segment alike: 1,000 people, every score 0.7 within 0.02. */
function answer(): { [Key in SegmentKey]: NonNullable<FitQuery[Key]> } {
  const release = { id: "x", epoch: "2026-W22" };
  return Object.fromEntries(
    SEGMENTS.map(({ key }) => [
      key,
      {
        size: { value: 1000, quality: "HIGH" },
        p1: { ...fit(0.7, 0.02), release },
        p2: fit(0.7, 0.02),
        p3: fit(0.7, 0.02),
      },
    ]),
  ) as { [Key in SegmentKey]: NonNullable<FitQuery[Key]> };
}

function refused(path: string[], code: string, reason?: string): ApiError {
  return { message: "No.", path, extensions: { code, ...(reason === undefined ? {} : { reason }) } };
}

test("twenty segments that differ, one for each alias", () => {
  assert.equal(SEGMENTS.length, 20);
  assert.deepEqual(SEGMENTS[0], {
    key: "s01",
    name: "a 18-24",
    definition: { regions: ["a"], age: { from: 18, to: 24 } },
  });
  assert.deepEqual(SEGMENTS[19]?.definition, { regions: ["e"], age: { from: 65 } });
  assert.equal(new Set(SEGMENTS.map(({ definition }) => JSON.stringify(definition))).size, 20);
  assert.deepEqual(
    Object.keys(definitions(SEGMENTS)),
    SEGMENTS.map(({ key }) => key),
  );
});

test("too few regions, or other age bands, are said and not asked", () => {
  assert.throws(() => compose({ ...VOCABULARY, regions: ["a", "b"] }), /2 regions make 8 segments/);
  assert.throws(() => compose({ ...VOCABULARY, ageBands: [{ from: 18, to: null }] }), /18-24/);
});

test("only what is certain lifts: the nearer end of the interval", () => {
  assert.equal(lift({ low: 0.7, high: 0.8 }, 0.6), 0.7 - 0.6);
  assert.equal(lift({ low: 0.4, high: 0.5 }, 0.6), 0.5 - 0.6);
  assert.equal(lift({ low: 0.5, high: 0.7 }, 0.6), 0);
});

test("blending moves the popularity, never below 0, and leaves it without a score", () => {
  const score = { people: 1, value: 0.75, low: 0.7, high: 0.8 };
  assert.ok(Math.abs(blend(0.5, score, 0.6) - 0.5 * (1 + WEIGHT * 0.1)) < 1e-12);
  assert.equal(blend(0.5, { people: 1, value: 0, low: 0, high: 0 }, 1), 0);
  assert.equal(blend(0.5, undefined, 0.6), 0.5);
  assert.equal(blend(0.5, score, undefined), 0.5);
});

test("a segment that is certainly above the average changes the order there, and only there", () => {
  const data = answer();
  data.s05.p1 = { ...fit(0.9, 0.02), release: { id: "x", epoch: "2026-W22" } };
  const { rows, averages, scores, outsideNoise, leftOut } = rank(data, [], SEGMENTS, SHOP);
  assert.ok(Math.abs((averages.p1 ?? 0) - (19 * 0.7 + 0.9) / 20) < 1e-12);
  assert.equal(rows[4]?.order[0], "p1");
  // By the low end of the interval, 0.88, over the average, 0.71.
  assert.ok(Math.abs((rows[4]?.blended.p1 ?? 0) - SHOP.p1.popularity * (1 + WEIGHT * (0.88 - 0.71))) < 1e-12);
  assert.deepEqual(rows[0]?.order, ["p3", "p2", "p1"]);
  assert.equal(scores, 60);
  assert.equal(outsideNoise, 1);
  assert.deepEqual(leftOut, []);
});

test("a segment that is null as a whole is left out, and the others are ranked", () => {
  const data: FitQuery = { ...answer(), s03: null };
  const { rows, scores, leftOut } = rank(data, [refused(["s03"], "BAD_USER_INPUT")], SEGMENTS, SHOP);
  assert.equal(rows[2]?.size, null);
  assert.equal(scores, 57);
  assert.deepEqual(
    leftOut.map(({ code }) => code),
    ["BAD_USER_INPUT", "BAD_USER_INPUT", "BAD_USER_INPUT"],
  );
});

test("averages are over people", () => {
  const data = answer();
  for (const { key } of SEGMENTS.slice(2)) data[key].p2 = null;
  data.s01 = { ...data.s01, size: { value: 3000, quality: "HIGH" }, p2: fit(0.6, 0.01) };
  data.s02 = { ...data.s02, p2: fit(0.8, 0.01) };
  const { averages } = rank(data, [], SEGMENTS, SHOP);
  assert.ok(Math.abs((averages.p2 ?? 0) - 0.65) < 1e-12);
});

test("a null is no score, with its code and reason; the rest is ranked", () => {
  const data = answer();
  data.s03 = { size: null, p1: null, p2: null, p3: null };
  const errors = ["size", "p1", "p2", "p3"].map((field) =>
    refused(["s03", field], "INSUFFICIENT_DATA", "BELOW_THRESHOLD"),
  );
  const { rows, scores, leftOut } = rank(data, errors, SEGMENTS, SHOP);
  assert.equal(scores, 57);
  assert.deepEqual(
    leftOut.map(({ segment, product, code, reason }) => [segment.key, product, code, reason]),
    ["p1", "p2", "p3"].map((product) => ["s03", product, "INSUFFICIENT_DATA", "BELOW_THRESHOLD"]),
  );
  assert.equal(rows[2]?.blended.p1, SHOP.p1.popularity);
  assert.match(
    table(rank(data, errors, SEGMENTS, SHOP), SHOP),
    /a 45-64: INSUFFICIENT_DATA, BELOW_THRESHOLD \(market basket, party game, kayak tour\)/,
  );
});

test("a score of quality LOW counts nothing, not even in the average", () => {
  const data = answer();
  data.s01.p3 = fit(0.1, 0.09, "LOW");
  const { averages, rows, leftOut } = rank(data, [], SEGMENTS, SHOP);
  assert.ok(Math.abs((averages.p3 ?? 0) - 0.7) < 1e-12);
  assert.equal(rows[0]?.blended.p3, SHOP.p3.popularity);
  assert.deepEqual(
    leftOut.map(({ code }) => code),
    ["quality LOW"],
  );
});

test("a null whose error is not among the twenty listed ones is not explained", () => {
  const data = answer();
  data.s01.p2 = null;
  const { leftOut } = rank(data, [refused(["s02", "p2"], "INSUFFICIENT_DATA")], SEGMENTS, SHOP);
  assert.deepEqual(
    leftOut.map(({ code }) => code),
    ["no error listed"],
  );
});

test("without any score the ranking is the popularity", () => {
  const data = answer();
  for (const { key } of SEGMENTS) data[key] = { size: null, p1: null, p2: null, p3: null };
  const ranking = rank(data, [], SEGMENTS, SHOP);
  assert.equal(ranking.scores, 0);
  assert.equal(ranking.leftOut.length, 60);
  assert.deepEqual(ranking.averages, { p1: undefined, p2: undefined, p3: undefined });
  for (const { blended } of ranking.rows) assert.deepEqual(blended, { p1: 0.6, p2: 0.62, p3: 0.64 });
});
