import type { Exported } from "./operation";
import { hasPrice, PRICE } from "./price";
import { type OperationTypes, typesOf } from "./types";

const UNTYPED: OperationTypes = {
  declarations: ["// The types need the schema, and the schema needs a key."],
  variables: "Record<string, unknown>",
  data: "unknown",
};

/** Stops before a query that costs more than the program may spend. */
const CHECK_OF_PRICE = `// The price first: a run spends at most SPOTS_MAX_UNITS privacy units (default 1).
const PRICE = \`
${PRICE}
\`;
const price = await ask<{ quote: { points: number; fits: boolean; units: number } | null }>(PRICE, {
  document: DOCUMENT,
  variables: VARIABLES,
});
const quote = price.data?.quote;
if (!quote) throw new Error(\`There is no price: \${JSON.stringify(price.errors)}\`);
if (!quote.fits || quote.units > Number(process.env["SPOTS_MAX_UNITS"] ?? "1")) {
  throw new Error(\`The query was not sent, because it costs \${quote.points} points and \${quote.units} units\`);
}

`;

export function typescript(from: Exported): string {
  const { text, variables, endpoint, operation, schema } = from;
  const types = schema === null ? UNTYPED : typesOf({ ...from, schema });
  // A mutation may have been applied before a 503, so only queries are retried.
  const retryCondition =
    operation.operation === "mutation"
      ? "response.status === 429"
      : "(response.status === 429 || response.status === 503)";
  const checkOfPrice = hasPrice(from) ? CHECK_OF_PRICE : "";
  return `// Node 20 or newer: SPOTS_KEY=... npx tsx ask.mts
const ENDPOINT = ${JSON.stringify(endpoint)};

const DOCUMENT = \`
${text.replace(/[\\`]|\$\{/g, "\\$&")}
\`;

${types.declarations.map((declaration) => `${declaration}\n\n`).join("")}type Variables = ${types.variables};

type Data = ${types.data};

interface ApiError {
  message: string;
  path?: (string | number)[];
  extensions?: { code?: string; reason?: string; requestId?: string; retryAfterSeconds?: number };
}

interface Answer<Data> {
  data?: Data | null;
  errors?: ApiError[];
  extensions?: { cost?: { requested: number; actual: number; available: number } };
}

/** Sends a document. If the server is overloaded or a limit is reached, waits as requested, at most a minute. */
async function ask<Data>(query: string, variables: object, attempts = 5): Promise<Answer<Data>> {
  const key = process.env["SPOTS_KEY"];
  if (!key) throw new Error("Set SPOTS_KEY to your API key.");
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(ENDPOINT, {
      method: "POST",
      headers: {
        "Authorization": \`Bearer \${key}\`,
        "Content-Type": "application/json",
        "Accept": "application/graphql-response+json",
      },
      body: JSON.stringify({ query, variables }),
    });
    if (${retryCondition} && attempt < attempts) {
      const seconds = Number(response.headers.get("retry-after") ?? "1");
      if (seconds > 60) throw new Error(\`HTTP \${response.status}: giving up, the wait would be \${seconds} s\`);
      await new Promise((resolve) => setTimeout(resolve, 1000 * (seconds + Math.random())));
      continue;
    }
    return (await response.json()) as Answer<Data>;
  }
}

const VARIABLES: Variables = ${JSON.stringify(variables, null, 2)};

${checkOfPrice}const answer = await ask<Data>(DOCUMENT, VARIABLES);
const { data, errors = [], extensions } = answer;
for (const { message, path = [], extensions: details } of errors) {
  // Branch on the code; the text of the message can change.
  console.error(details?.code, path.join("."), message, details?.requestId);
}
console.log(JSON.stringify(data, null, 2));
console.error("points:", extensions?.cost?.actual);

export {};
`;
}
