import type { Exported } from "./operation";

export function python({ text, variables, endpoint, operation }: Exported): string {
  // A mutation may have been done before a 503: whoever sends it decides whether to send it again.
  const again = operation.operation === "mutation" ? "== 429" : "in (429, 503)";
  const given = Object.keys(variables).length > 0;
  return `# pip install httpx; the key comes from the environment: export SPOTS_KEY=...
import json
import os
import sys
import time

import httpx

URL = ${JSON.stringify(endpoint)}

QUERY = ${longText(text)}
${given ? `\nVARIABLES = ${literal(variables, "")}\n` : ""}

def ask(query, variables=None, attempts=5):
    """Sends one document; waits as the server says if it is too busy or a limit is reached."""
    headers = {
        "Authorization": f"Bearer {os.environ['SPOTS_KEY']}",
        "Accept": "application/graphql-response+json",
    }
    with httpx.Client(headers=headers, timeout=15) as client:
        for attempt in range(1, attempts + 1):
            response = client.post(URL, json={"query": query, "variables": variables})
            if response.status_code ${again} and attempt < attempts:
                time.sleep(float(response.headers.get("Retry-After", "1")))
                continue
            return response.json()


answer = ask(QUERY${given ? ", VARIABLES" : ""})
for error in answer.get("errors", []):
    # Decide by the code; the message is for people.
    code = error.get("extensions", {}).get("code")
    print(code, error.get("path"), error["message"], file=sys.stderr)
print(json.dumps(answer.get("data"), indent=2))
print(answer.get("extensions", {}).get("cost"), file=sys.stderr)
`;
}

/** Text of several lines; a JSON string is one of Python too. */
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
