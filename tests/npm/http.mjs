// Runs the audits of the graphql-http package against a server, and the introspection that tools send first.
// Usage: node http.mjs URL KEY SCHEMA_FILE
import { readFileSync } from "node:fs";
import { auditServer } from "graphql-http";
import { buildClientSchema, buildSchema, getIntrospectionQuery, printSchema, lexicographicSortSchema } from "graphql";

const [url, key, schemaFile] = process.argv.slice(2);
let failed = 0;
const fail = (text) => {
  failed += 1;
  console.log(`FAILED: ${text}`);
};

const expected = { MUST: 13, SHOULD: 23, MAY: 25 };
const passed = { MUST: 0, SHOULD: 0, MAY: 0 };
for (const result of await auditServer({ url })) {
  const level = result.name.split(" ")[0];
  if (result.status === "ok") passed[level] += 1;
  else fail(`${result.id} ${result.name}: ${result.reason}`);
}
for (const [level, number] of Object.entries(expected)) {
  console.log(`graphql-http audits, ${level}: ${passed[level]} of ${number}`);
  if (passed[level] !== number) fail(`${level}: ${passed[level]} of ${number} audits`);
}

// The first query of GraphiQL and code generators. The key has a limit of 50 points per document.
const response = await fetch(url, {
  method: "POST",
  headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
  body: JSON.stringify({ query: getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true }) }),
});
const { data, errors } = await response.json();
if (errors) fail(`introspection: ${JSON.stringify(errors)}`);
else {
  const served = printSchema(lexicographicSortSchema(buildClientSchema(data)));
  const committed = printSchema(lexicographicSortSchema(buildSchema(readFileSync(schemaFile, "utf8"))));
  const lines = (text) => text.split("\n").filter((line) => line.trim() !== "");
  const [a, b] = [lines(served), lines(committed)];
  const first = a.findIndex((line, number) => line !== b[number]);
  if (first !== -1) fail(`introspection differs from ${schemaFile}: ${a[first]} / ${b[first]}`);
  else console.log(`introspection with a key of 50 points: ${a.length} lines, equal to the committed schema`);
}
process.exit(failed === 0 ? 0 : 1);
