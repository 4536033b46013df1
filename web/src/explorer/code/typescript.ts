import type { Exported } from "./operation";
import { type OperationTypes, typesOf } from "./types";

const UNTYPED: OperationTypes = {
  declarations: ["// Without the schema, which needs a key, there are no types here."],
  variables: "Record<string, unknown>",
  data: "unknown",
};

export function typescript(from: Exported): string {
  const { text, variables, endpoint, operation, schema } = from;
  const types = schema === null ? UNTYPED : typesOf({ ...from, schema });
  // A mutation may have been done before a 503: whoever sends it decides whether to send it again.
  const again =
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

/** Sends the document; waits as the server says if it is too busy or a limit is reached. */
async function ask(variables: Variables, attempts = 5): Promise<Answer> {
  const key = process.env["SPOTS_KEY"];
  if (!key) throw new Error("Set SPOTS_KEY to your key.");
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
    if (${again} && attempt < attempts) {
      const seconds = Number(response.headers.get("retry-after") ?? "1");
      await new Promise((resolve) => setTimeout(resolve, 1000 * (seconds + Math.random())));
      continue;
    }
    return (await response.json()) as Answer;
  }
}

const { data, errors = [], extensions } = await ask(${JSON.stringify(variables, null, 2)});
for (const { message, path = [], extensions: details } of errors) {
  // Decide by the code; the message is for people.
  console.error(details?.code, path.join("."), message, details?.requestId);
}
console.log(JSON.stringify(data, null, 2));
console.error("points:", extensions?.cost?.actual);

export {};
`;
}
