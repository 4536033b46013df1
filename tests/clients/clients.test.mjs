// Runs the same checks with four GraphQL clients against a running server:
//   SERVER=http://127.0.0.1:8099 KEY=... node --test --test-reporter=tap clients.test.mjs
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  gql,
  HttpLink,
  InMemoryCache,
} from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { Client, fetchExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { persistedExchange } from "@urql/exchange-persisted";
import { ClientError, GraphQLClient } from "graphql-request";
import relayCompiler from "relay-compiler";
import relay from "relay-runtime";
import { DIMENSIONS, compatibility, densityMatrix } from "../../examples/javascript/compatibility.mjs";

const { SERVER, KEY } = process.env;
const url = `${SERVER}/graphql`;
const headers = { Authorization: `Bearer ${KEY}` };
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const code = (error) => error.extensions.code;

// The documents. The key is the name of the operation. Relay requires names that end in Query or Mutation.
const segment = "id slug name definitionHash";
const page = `totalCount nodes { ${segment} } pageInfo { hasNextPage endCursor }`;
const documents = {
  listQuery: `query listQuery { segments(first: 2) { ${page} } }`,
  nextQuery: `query nextQuery($after: String) { segments(first: 2, after: $after) { ${page} } }`,
  lastQuery: `query lastQuery { segments(last: 1) { ${page} } }`,
  errorQuery: `query errorQuery {
    good: segment(slug: "harbor-adults") { id slug }
    bad: segment(slug: "no-such") { id slug }
  }`,
  saveMutation: `mutation saveMutation($input: SaveSegmentInput!) {
    saveSegment(input: $input) { ${segment} }
  }`,
  deleteMutation: "mutation deleteMutation($slug: String!) { deleteSegment(slug: $slug) }",
  bothQuery: `query bothQuery {
    harbor: segment(slug: "harbor-adults") { ${segment} }
    copy: segment(slug: "harbor-copy") { ${segment} }
  }`,
  cohortQuery: `query cohortQuery { cohort(definition: { regions: ["demo-harbor"] }) { ${segment} } }`,
  harborQuery: 'query harborQuery { segment(slug: "harbor-adults") { id slug name } }',
  copyQuery: 'query copyQuery { segment(slug: "harbor-copy") { id slug name } }',
};

// The server remembers persisted documents, so their names are different in each run.
const run = randomBytes(6).toString("hex");
const persistedName = (client, method) => `persisted${client}${method}${run}Query`;
const persistedMethods = {
  Apollo: ["POST", "GET"],
  Urql: ["POST", "GET"],
  Relay: ["POST"],
  Request: ["POST"],
};
for (const [client, methods] of Object.entries(persistedMethods)) {
  for (const method of methods) {
    const name = persistedName(client, method);
    documents[name] = `query ${name} { segments(first: 2) { nodes { ${segment} } } }`;
  }
}

// Compiles the documents for Relay with the schema that the server publishes.
const folder = mkdtempSync(join(tmpdir(), "relay-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "schema.graphql"), await (await fetch(`${SERVER}/docs/schema.graphql`)).text());
for (const [name, document] of Object.entries(documents)) {
  // Relay ignores the error of a field unless the field has @catch. @catch is not sent to the server.
  const text = document.replace('(slug: "no-such")', '(slug: "no-such") @catch(to: RESULT)');
  writeFileSync(join(folder, `${name.replace(/Query|Mutation/, "")}.js`), `graphql\`${text}\``);
}
const config = { src: ".", schema: "schema.graphql", language: "javascript", eagerEsModules: false };
writeFileSync(join(folder, "relay.config.json"), JSON.stringify(config));
execFileSync(relayCompiler, ["--noWatchman"], { cwd: folder });
const artifact = (name) => createRequire(folder)(join(folder, "__generated__", `${name}.graphql.js`));

// A document that does not fit the schema. It cannot be compiled.
documents.nonsenseQuery = "query nonsenseQuery { nonsense }";

// A fetch that writes down each request and its answer, such as "POST hash -> PERSISTED_QUERY_NOT_FOUND".
function recordingFetch(log) {
  return async (url, init) => {
    const response = await fetch(url, init);
    const parameters = new URL(url).searchParams;
    const sent = init.body
      ? JSON.parse(init.body)
      : {
          query: parameters.get("query"),
          extensions: JSON.parse(parameters.get("extensions")),
        };
    const parts = [sent.extensions?.persistedQuery && "hash", sent.query && "document"].filter(Boolean);
    const { errors } = await response.clone().json();
    log.push(`${init.method} ${parts.join(" + ")} -> ${errors ? code(errors[0]) : "data"}`);
    return response;
  };
}

// Automatic persisted queries for the clients that do not have them.
const persistedFetch = (fetch) => async (url, init) => {
  const { query, ...body } = JSON.parse(init.body);
  body.extensions = { persistedQuery: { version: 1, sha256Hash: sha256(query) } };
  const response = await fetch(url, { ...init, body: JSON.stringify(body) });
  const { errors } = await response.clone().json();
  if (errors?.[0].message !== "PersistedQueryNotFound") return response;
  return fetch(url, { ...init, body: JSON.stringify({ ...body, query }) });
};

// Each of these makes a client and returns a function. It executes a document by name and returns the data
// and the codes of the errors. `persisted` is the HTTP method for persisted queries, undefined for none.
const clients = {
  Apollo(fetch, persisted) {
    const http = new HttpLink({ uri: url, headers, fetch });
    const hashing = new PersistedQueryLink({ sha256, useGETForHashedQueries: persisted === "GET" });
    const client = new ApolloClient({
      cache: new InMemoryCache(),
      link: persisted ? ApolloLink.from([hashing, http]) : http,
    });
    return async (name, variables, fetchPolicy = "network-only") => {
      const document = gql(documents[name]);
      const { data, error } = name.endsWith("Mutation")
        ? await client.mutate({ mutation: document, variables, errorPolicy: "all" })
        : await client.query({ query: document, variables, errorPolicy: "all", fetchPolicy });
      if (error && !CombinedGraphQLErrors.is(error)) throw error;
      return { data, codes: error?.errors.map(code) ?? [] };
    };
  },

  Urql(fetch, persisted) {
    const client = new Client({
      url,
      fetch,
      fetchOptions: { headers },
      exchanges: [
        cacheExchange({ keys: { SegmentConnection: () => null } }),
        ...(persisted ? [persistedExchange({ preferGetForPersistedQueries: persisted === "GET" })] : []),
        fetchExchange,
      ],
    });
    return async (name, variables, requestPolicy = "network-only") => {
      const { data, error } = name.endsWith("Mutation")
        ? await client.mutation(documents[name], variables)
        : await client.query(documents[name], variables, { requestPolicy });
      if (error?.networkError) throw error;
      return { data, codes: error?.graphQLErrors.map(code) ?? [] };
    };
  },

  Relay(fetch, persisted) {
    const send = persisted ? persistedFetch(fetch) : fetch;
    const network = relay.Network.create(async ({ text }, variables) => {
      const response = await send(url, {
        method: "POST",
        headers: {
          ...headers,
          Accept: "application/graphql-response+json",
          "Content-Type": "application/json",
        },
        body: JSON.stringify({ query: text, variables }),
      });
      return response.json();
    });
    const environment = new relay.Environment({ network, store: new relay.Store(new relay.RecordSource()) });
    return async (name, variables = {}, fetchPolicy = "network-only") => {
      let request;
      if (name === "nonsenseQuery") {
        const listQuery = artifact("listQuery");
        request = { ...listQuery, params: { ...listQuery.params, cacheID: name, text: documents[name] } };
      } else {
        request = artifact(name);
      }
      const operation = relay.createOperationDescriptor(request, variables);
      environment.retain(operation);
      if (fetchPolicy === "cache-only") return { data: environment.lookup(operation.fragment).data };
      try {
        const data = name.endsWith("Mutation")
          ? await new Promise((onCompleted, onError) => {
              relay.commitMutation(environment, { mutation: request, variables, onCompleted, onError });
            })
          : await relay.fetchQuery(environment, request, variables).toPromise();
        if (!data.bad) return { data, codes: [] };
        assert.equal(data.bad.ok, false);
        return { data: { ...data, bad: null }, codes: data.bad.errors.map(code) };
      } catch (error) {
        if (!error.source) throw error;
        return { codes: error.source.errors.map(code) };
      }
    };
  },

  Request(fetch, persisted) {
    const client = new GraphQLClient(url, { headers, fetch: persisted ? persistedFetch(fetch) : fetch });
    return async (name, variables) => {
      try {
        return { data: await client.request(documents[name], variables), codes: [] };
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        return { data: error.response.data, codes: error.response.errors.map(code) };
      }
    };
  },
};

for (const [client, create] of Object.entries(clients)) {
  test(`${client}: list`, async () => {
    const { data, codes } = await create(fetch)("listQuery");
    assert.deepEqual(codes, []);
    assert.ok(data.segments.totalCount >= 3);
    assert.equal(data.segments.nodes.length, 2);
  });

  test(`${client}: pages`, async () => {
    const execute = create(fetch);
    let { segments } = (await execute("listQuery")).data;
    const { totalCount } = segments;
    const nodes = [...segments.nodes];
    while (segments.pageInfo.hasNextPage) {
      ({ segments } = (await execute("nextQuery", { after: segments.pageInfo.endCursor })).data);
      nodes.push(...segments.nodes);
    }
    assert.equal(nodes.length, totalCount);
    assert.equal(new Set(nodes.map((node) => node.id)).size, totalCount);
    const last = (await execute("lastQuery")).data.segments.nodes;
    assert.deepEqual(
      last.map((node) => node.slug),
      [nodes.at(-1).slug],
    );
  });

  test(`${client}: errors`, async () => {
    const execute = create(fetch);
    const { data, codes } = await execute("errorQuery");
    assert.equal(data.good.slug, "harbor-adults");
    assert.equal(data.bad, null);
    assert.deepEqual(codes, ["INVALID_SEGMENT"]);
    const nonsense = await execute("nonsenseQuery");
    assert.equal(nonsense.data ?? null, null);
    assert.deepEqual(nonsense.codes, ["INVALID_REQUEST"]);
  });

  for (const method of persistedMethods[client]) {
    test(`${client}: persisted query with ${method}`, async () => {
      const log = [];
      const execute = create(recordingFetch(log), method);
      for (let i = 0; i < 2; i += 1) {
        const { data, codes } = await execute(persistedName(client, method));
        assert.deepEqual(codes, []);
        assert.equal(data.segments.nodes.length, 2);
      }
      // Apollo sends the document with POST in any case.
      const second = client === "Apollo" ? "POST" : method;
      assert.deepEqual(log, [
        `${method} hash -> PERSISTED_QUERY_NOT_FOUND`,
        `${second} hash + document -> data`,
        `${method} hash -> data`,
      ]);
    });
  }

  test(`${client}: ${client === "Request" ? "ids" : "cache"}`, async () => {
    const log = [];
    const execute = create(recordingFetch(log));
    const input = { slug: "harbor-copy", name: "Copy", definition: { regions: ["demo-harbor"] } };
    const saved = await execute("saveMutation", { input });
    try {
      assert.deepEqual(saved.codes, []);
      const { harbor, copy } = (await execute("bothQuery")).data;
      const { cohort } = (await execute("cohortQuery")).data;
      assert.equal(copy.id, saved.data.saveSegment.id);
      assert.equal(new Set([harbor.id, copy.id, cohort.id]).size, 3);
      assert.equal(new Set([harbor, copy, cohort].map((node) => node.definitionHash)).size, 1);
      assert.equal(cohort.slug, null);
      assert.equal(cohort.name, null);
      if (client !== "Request") {
        // The cache still has both saved segments as they are. Reading them sends no request.
        const requests = log.length;
        for (const [name, { id, slug, name: title }] of [
          ["harborQuery", harbor],
          ["copyQuery", copy],
        ]) {
          const read = (await execute(name, {}, "cache-only")).data.segment;
          assert.deepEqual([read.id, read.slug, read.name], [id, slug, title]);
        }
        assert.deepEqual([harbor.slug, copy.slug, copy.name], ["harbor-adults", "harbor-copy", "Copy"]);
        assert.equal(log.length, requests);
      }
    } finally {
      const deleted = await execute("deleteMutation", { slug: "harbor-copy" });
      assert.deepEqual(deleted.codes, []);
      assert.equal(deleted.data.deleteSegment, true);
    }
  });
}

test("products are scored from the density matrix as the server scores them", async () => {
  const { rows } = await densityMatrix(url, KEY, "harbor-adults");
  const products = [
    { noveltySeeking: 0.9 },
    { energyPreference: 0.7, crowdTolerance: 0.2, valueOrientation: 0.5 },
    Object.fromEntries(DIMENSIONS.map((name, k) => [name, (k + 1) / 14])),
  ];
  const fields = products.map((product, k) => {
    const state = Object.entries(product).map(([name, value]) => `${name}: ${value}`);
    return `p${k}: compatibility(product: {${state.join(", ")}}) { score { value } }`;
  });
  const query = `{ segment(slug: "harbor-adults") { ${fields.join(" ")} } }`;
  const response = await fetch(url, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({ query }),
  });
  const { data, extensions } = await response.json();
  assert.equal(extensions.privacy.charged, 0, "the same release");
  for (const [k, product] of products.entries()) {
    // The server rounds to four decimals.
    const own = Math.round(compatibility(rows, product) * 1e4) / 1e4;
    assert.ok(Math.abs(own - data.segment[`p${k}`].score.value) < 1e-9, JSON.stringify(product));
  }
});
