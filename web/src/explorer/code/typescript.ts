import type { Exported } from "./operation";
import { type OperationTypes, typesOf } from "./types";

const UNTYPED: OperationTypes = {
  declarations: ["// The types need the schema, and the schema needs a key."],
  variables: "Record<string, unknown>",
  data: "unknown",
};

export function typescript(from: Exported): string {
  const { text, variables, endpoint, operation, schema } = from;
  const types = schema === null ? UNTYPED : typesOf({ ...from, schema });
  // A mutation may have been applied before a 503, so only queries are retried.
  const retryCondition =
    operation.operation === "mutation"
      ? "response.status === 429"
      : "(response.status === 429 || response.status === 503)";
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

interface Answer {
  data?: Data | null;
  errors?: ApiError[];
  extensions?: { cost?: { requested: number; actual: number; available: number } };
}

/** Sends the document. If the server is overloaded or a limit is reached, waits as requested and retries. */
async function ask(variables: Variables, attempts = 5): Promise<Answer> {
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
      body: JSON.stringify({ query: DOCUMENT, variables }),
    });
    if (${retryCondition} && attempt < attempts) {
      const seconds = Number(response.headers.get("retry-after") ?? "1");
      await new Promise((resolve) => setTimeout(resolve, 1000 * (seconds + Math.random())));
      continue;
    }
    return (await response.json()) as Answer;
  }
}

const { data, errors = [], extensions } = await ask(${JSON.stringify(variables, null, 2)});
for (const { message, path = [], extensions: details } of errors) {
  // Branch on the code; the text of the message can change.
  console.error(details?.code, path.join("."), message, details?.requestId);
}
console.log(JSON.stringify(data, null, 2));
console.error("points:", extensions?.cost?.actual);

export {};
`;
}
