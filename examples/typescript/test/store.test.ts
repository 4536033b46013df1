/** Answers that are kept. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Store } from "../src/store.js";

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "store-"));
  context.after(() => rm(path, { recursive: true }));
  return path;
}

test("an answer is kept for its question and its epoch", async (context) => {
  const store = new Store(join(await folder(context), "new"));
  await store.put({ q: 1 }, "2026-W22", { data: { n: 7 }, errors: [] });
  assert.deepEqual((await store.get<{ n: number }>({ q: 1 }, "2026-W22"))?.data, { n: 7 });
  assert.equal(await store.get({ q: 2 }, "2026-W22"), undefined);
  assert.equal(await store.get({ q: 1 }, "2026-W23"), undefined);
});

test("a new epoch takes the place of the old one", async (context) => {
  const path = await folder(context);
  const store = new Store(path);
  await store.put("q", "2026-W22", { data: 1, errors: [] });
  await store.put("q", "2026-W23", { data: 2, errors: [] });
  assert.equal((await store.get<number>("q", "2026-W23"))?.data, 2);
  assert.equal((await readdir(path)).length, 1);
});

test("a broken file is no answer", async (context) => {
  const path = await folder(context);
  const store = new Store(path);
  await store.put("q", "2026-W22", { data: 1, errors: [] });
  const [file] = await readdir(path);
  await writeFile(join(path, file ?? ""), '{"epoch": "2026-W22", "da');
  assert.equal(await store.get("q", "2026-W22"), undefined);
});
