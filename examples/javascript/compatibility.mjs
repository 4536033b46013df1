// Scores any number of products against a segment without another request, from its density matrix.
//
//   SPOTS_KEY=spots_... node examples/javascript/compatibility.mjs harbor-adults
//
// The formula is that of `docs/personality.md`, "States". It needs Node 20 and no packages.
import { pathToFileURL } from "node:url";

/** The dimensions in the order of the rows 1 to 12 of the matrix. */
export const DIMENSIONS = [
  "explorationEagerness",
  "communityOrientation",
  "authenticityPreference",
  "socialDiscoveryStyle",
  "temporalFlexibility",
  "locationAdventurousness",
  "curationTendency",
  "trustNetworkReliance",
  "energyPreference",
  "noveltySeeking",
  "valueOrientation",
  "crowdTolerance",
];

/**
 * The compatibility of a segment with a product, 0 to 1.
 *
 * @param {number[][]} rows The density matrix: 13 x 13, trace 1.
 * @param {Record<string, number>} product The dimensions that the product states, each 0 to 1; at least one.
 */
export function compatibility(rows, product) {
  const stated = DIMENSIONS.map((name) => product[name]);
  const count = stated.filter((value) => value !== undefined).length;
  if (count === 0) throw new RangeError("a product states at least one dimension");
  const phi = [Math.sqrt(count / 4), ...stated.map((value) => (value === undefined ? 0 : value - 0.5))];
  const reduction = [Math.sqrt(count / 12), ...stated.map((value) => (value === undefined ? 0 : 1))];
  const length = Math.hypot(...phi);
  const weights = phi.map((value, k) => (reduction[k] * value) / length);
  const sum = (of) => rows.reduce((total, row, k) => total + of(row, k), 0);
  const overlap = sum((row, k) => weights[k] * row.reduce((total, value, l) => total + value * weights[l], 0));
  return overlap / sum((row, k) => reduction[k] ** 2 * row[k]);
}

/** Requests the density matrix of a segment. It costs units once; scoring products costs none. */
export async function densityMatrix(url, key, slug) {
  const query = `query Matrix($slug: String!) {
    segment(slug: $slug) { quantumState { densityMatrix { rows sigma sizeSigma } } }
  }`;
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables: { slug } }),
  });
  const { data, errors } = await response.json();
  if (errors !== undefined) throw new Error(errors.map(({ message }) => message).join("\n"));
  return data.segment.quantumState.densityMatrix;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { SPOTS_KEY, SPOTS_URL = "http://127.0.0.1:8080/graphql" } = process.env;
  const { rows } = await densityMatrix(SPOTS_URL, SPOTS_KEY, process.argv[2] ?? "harbor-adults");
  for (let step = 0; step <= 10; step++) {
    const product = { noveltySeeking: step / 10, energyPreference: 0.7 };
    console.log(JSON.stringify(product), compatibility(rows, product).toFixed(4));
  }
}
