import { stripIgnoredCharacters } from "graphql";
import type { Exported } from "./operation";
import { hasPrice, PRICE } from "./price";

export function curl(from: Exported): string {
  const { text, variables } = from;
  const document = stripIgnoredCharacters(text);
  const given = Object.keys(variables).length === 0 ? {} : { variables };
  const send = request(from.endpoint, { query: document, ...given });
  if (!hasPrice(from)) return `# curl reads the key from the environment: export SPOTS_KEY=...\n${send}`;
  const price = request(from.endpoint, { query: PRICE, variables: { document, ...given } });
  return `# curl reads the key from the environment: export SPOTS_KEY=...
# The price first: the query is sent only if it costs at most SPOTS_MAX_UNITS privacy units (default 1).
price=$(
${price})
units=$(printf '%s' "$price" | sed -n 's/.*"units":\\([0-9.]*\\).*/\\1/p')
if [ -z "$units" ] || ! awk "BEGIN { exit !(0 + \\"$units\\" <= 0 + \\"\${SPOTS_MAX_UNITS:-1}\\") }"; then
  printf 'The query was not sent: %s\\n' "$price" >&2
else
${send}fi
`;
}

/** No line of the JSON can equal the terminator: each starts with a space or a bracket. */
function request(endpoint: string, body: object): string {
  return `curl -sS --max-time 15 '${endpoint}' \\
  -H "Authorization: Bearer $SPOTS_KEY" \\
  -H 'Content-Type: application/json' \\
  -H 'Accept: application/graphql-response+json' \\
  --data-binary @- <<'END_OF_BODY'
${JSON.stringify(body, null, 2)}
END_OF_BODY
`;
}
