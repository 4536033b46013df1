/** Queries 20 segments in one document and blends their compatibility with three products into a ranking. */
import { Client, Refused, refusal } from "./client.js";
import {
  ContextDocument,
  FitDocument,
  PriceDocument,
  type FitQuery,
  type FitQueryVariables,
} from "./generated/graphql.js";
import { rank } from "./ranking.js";
import { compose, definitions } from "./segments.js";
import { PRODUCTS, SHOP } from "./shop.js";
import { Store } from "./store.js";
import { table } from "./table.js";

async function main(): Promise<number> {
  const url = process.env["SPOTS_URL"] || "http://127.0.0.1:8080/graphql";
  const key = process.env["SPOTS_KEY"];
  if (!key || !URL.canParse(url)) {
    console.error(
      key
        ? `SPOTS_URL is not a URL: ${url}`
        : "SPOTS_KEY is not set: it holds your API key. `demo` of the server prints one.",
    );
    return 2;
  }
  const maxUnits = Number(process.env["SPOTS_MAX_UNITS"] || "1");
  if (!(maxUnits >= 0)) {
    console.error(`SPOTS_MAX_UNITS is not a number of privacy units: ${process.env["SPOTS_MAX_UNITS"]}`);
    return 2;
  }
  const client = new Client({
    url,
    key,
    onWait: (seconds, code) => console.error(`${code}: waiting ${seconds.toFixed(1)} s`),
    onGiveUp: (seconds, code) =>
      console.error(`${code}: a new attempt would have to wait for ${Math.ceil(seconds)} s; giving up`),
  });
  const store = new Store(".cache");

  const { data: context, errors } = await client.ask(ContextDocument, {});
  if (context.everybody === null) throw refusal(errors);
  const { epoch } = context.everybody.window;
  const segments = compose(context.vocabulary);
  const variables: FitQueryVariables = {
    ...definitions(segments),
    p1: SHOP.p1.state,
    p2: SHOP.p2.state,
    p3: SHOP.p3.state,
  };

  // Whether an overlapping segment is withheld depends on the key, so the response is cached by key.
  const question = { url, key: context.viewer.keyId, document: FitDocument.toString(), variables };
  let answer = await store.get<FitQuery>(question, epoch);
  if (answer !== undefined) {
    console.log(`epoch ${epoch}: cached response, no further request and no units`);
  } else {
    if (!(await affordable(client, variables, maxUnits))) return 1;
    answer = await client.ask(FitDocument, variables);
  }

  const ranking = rank(answer.data, answer.errors, segments, SHOP);
  // Cache only results that apply to the whole epoch: not a spent budget, nor a null without a listed error.
  const answered = segments.map(({ key }) => answer.data[key]?.p1?.release.epoch).find((name) => name !== undefined);
  const final = ranking.leftOut.every(({ code }) => code === "quality LOW" || code === "INSUFFICIENT_DATA");
  if (answered !== undefined && final) await store.put(question, answered, answer);

  const ignored = new Set(segments.flatMap(({ key }) => PRODUCTS.flatMap((p) => answer.data[key]?.[p]?.ignored ?? [])));
  if (ignored.size > 0) console.log(`terms that are not in the vocabulary: ${[...ignored].join(", ")}`);
  console.log(`\n${table(ranking, SHOP)}\n`);
  console.log(`${segments.length} segments, ${ranking.scores} scores, ${ranking.leftOut.length} left out`);
  if (ranking.scores > 0) return 0;
  console.error("There is no score: the ranking is the popularity alone.");
  for (const line of new Set(answer.errors.map(({ message, extensions }) => `${extensions?.code}: ${message}`))) {
    console.error(`  ${line}`);
  }
  return 1;
}

/** Requests the price; false if the document costs too many points, or more units than this run may spend. */
async function affordable(client: Client, variables: FitQueryVariables, maxUnits: number): Promise<boolean> {
  const { data, errors } = await client.ask(PriceDocument, { document: FitDocument.toString(), variables });
  if (data.quote === null) throw refusal(errors);
  const { points, maxQueryPoints, fits, units, unitsLeft, dearestPaths } = data.quote;
  console.log(`price: ${points} of ${maxQueryPoints} points, at most ${units} units of ${unitsLeft} left`);
  if (!fits) {
    console.error("The document costs more points than this key may spend on one. Most expensive paths:");
    for (const place of dearestPaths) console.error(`  ${place.path}: ${place.points}`);
    return false;
  }
  if (units > maxUnits) {
    console.error(`This run may spend ${maxUnits} units: set SPOTS_MAX_UNITS=${Math.ceil(units)} to permit the query`);
    return false;
  }
  // Not a reason to stop: `units` includes releases that this key was shown before, which are free. A document is
  // charged or rejected as a whole, so sending it is safe.
  if (units > unitsLeft) console.log("more units than are left: answered only if most releases were shown before");
  return true;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Refused ? error.message : error);
  process.exitCode = 1;
}
