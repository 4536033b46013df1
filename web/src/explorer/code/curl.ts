import { stripIgnoredCharacters } from "graphql";
import type { Exported } from "./operation";

export function curl({ text, variables, endpoint }: Exported): string {
  const body = {
    query: stripIgnoredCharacters(text),
    ...(Object.keys(variables).length === 0 ? {} : { variables }),
  };
  // No line of the JSON can equal the terminator: each starts with a space or a bracket.
  return `# curl reads the key from the environment: export SPOTS_KEY=...
curl -sS '${endpoint}' \\
  -H "Authorization: Bearer $SPOTS_KEY" \\
  -H 'Content-Type: application/json' \\
  -H 'Accept: application/graphql-response+json' \\
  --data-binary @- <<'END_OF_BODY'
${JSON.stringify(body, null, 2)}
END_OF_BODY
`;
}
