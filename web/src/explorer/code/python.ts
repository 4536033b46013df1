import type { Exported } from "./operation";
import { hasPrice, PRICE } from "./price";

export function python(from: Exported): string {
  const { text, variables, endpoint, operation } = from;
  // A mutation may have been applied before a 503, so only queries are retried.
  const retryCondition = operation.operation === "mutation" ? "== 429" : "in (429, 503)";
  const given = Object.keys(variables).length > 0;
  return `# pip install httpx; the program reads the key from the environment: export SPOTS_KEY=...
import json
import os
import sys
import time

import httpx

URL = ${JSON.stringify(endpoint)}

QUERY = ${longText(text)}
${given ? `\nVARIABLES = ${literal(variables, "")}\n` : ""}${hasPrice(from) ? `\nPRICE = ${longText(PRICE)}\n` : ""}

def ask(query, variables=None, attempts=5):
    """Sends one document. If the server is overloaded or a limit is reached, waits as requested, at most a minute."""
    headers = {
        "Authorization": f"Bearer {os.environ['SPOTS_KEY']}",
        "Accept": "application/graphql-response+json",
    }
    with httpx.Client(headers=headers, timeout=15) as client:
        for attempt in range(1, attempts + 1):
            response = client.post(URL, json={"query": query, "variables": variables})
            if response.status_code ${retryCondition} and attempt < attempts:
                wait = float(response.headers.get("Retry-After", "1"))
                if wait > 60:
                    sys.exit(f"HTTP {response.status_code}: giving up, because the wait would be {wait:.0f} s")
                time.sleep(wait)
                continue
            return response.json()


${hasPrice(from) ? price(given) : ""}answer = ask(QUERY${given ? ", VARIABLES" : ""})
for error in answer.get("errors", []):
    # Branch on the code; the text of the message can change.
    code = error.get("extensions", {}).get("code")
    print(code, error.get("path"), error["message"], file=sys.stderr)
print(json.dumps(answer.get("data"), indent=2))
print(answer.get("extensions", {}).get("cost"), file=sys.stderr)
`;
}

/** Stops before a query that costs more than the program may spend. */
function price(given: boolean): string {
  return `# The price first: a run spends at most SPOTS_MAX_UNITS privacy units (default 1).
price = ask(PRICE, {"document": QUERY${given ? `, "variables": VARIABLES` : ""}})
quote = (price.get("data") or {}).get("quote")
if quote is None:
    sys.exit(f"There is no price: {price.get('errors')}")
if not quote["fits"] or quote["units"] > float(os.environ.get("SPOTS_MAX_UNITS", "1")):
    sys.exit(f"The query was not sent, because it costs {quote['points']} points and {quote['units']} units")

`;
}

/** A Python string literal; a JSON string is also a valid Python string. */
function longText(text: string): string {
  return text.includes("'''") || text.includes("\\") ? JSON.stringify(text) : `'''\n${text}\n'''`;
}

function literal(value: unknown, indent: string): string {
  const deeper = `${indent}    `;
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, deeper)).join(", ")}]`;
  if (typeof value === "object") {
    const fields = Object.entries(value).map(
      ([name, field]) => `${deeper}${JSON.stringify(name)}: ${literal(field, deeper)},\n`,
    );
    return fields.length === 0 ? "{}" : `{\n${fields.join("")}${indent}}`;
  }
  return JSON.stringify(value);
}
