// The pages of the documents: accessible, without horizontal scrolling, with a sidebar, a search and tools for code.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, key, launch, open, screenshot, server } from "./browser.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

async function documents() {
  const list = await (await fetch(`${server}/docs`)).text();
  return ["/docs", ...[...list.matchAll(/href="(\/docs\/[a-z]+\.md)"/g)].map(([, path]) => path)];
}

for (const colorScheme of ["light", "dark"]) {
  test(`every document is accessible and fits a phone screen, ${colorScheme}`, async () => {
    const paths = await documents();
    assert.ok(paths.length >= 8, `${paths}`);
    for (const path of paths) {
      const tab = await open(browser, path, { key: "", colorScheme, viewport: { width: 390, height: 844 } });
      await assertAccessible(tab.page);
      const wide = await tab.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(wide <= 0, `${path} is ${wide} pixels too wide`);
      if (path === "/docs/errors.md") await screenshot(tab.page, `docs-errors-phone-${colorScheme}`);
      tab.assertNoFaults();
      await tab.close();
    }
  });
}

test("the link of an error opens the section of its code", async () => {
  const response = await fetch(`${server}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ viewer { partner } }" }),
  });
  const { errors } = await response.json();
  const tab = await open(browser, errors[0].extensions.docs, { key: "" });
  const heading = tab.page.locator("h2:target");
  assert.equal(await heading.textContent(), errors[0].extensions.code);
  assert.ok(await heading.isVisible());
  await screenshot(tab.page, "docs-errors");
  tab.assertNoFaults();
  await tab.close();
});

test("the search finds sections of all documents by their words", async () => {
  const tab = await open(browser, "/docs/quickstart.md", { key: "" });
  const { page } = tab;
  await page.getByRole("searchbox", { name: "Search the documents" }).fill("retry-after wait");
  const results = page.locator(".search-results a");
  await results.first().waitFor();
  await assertAccessible(page);
  await screenshot(page, "docs-search");
  const target = await results.first().getAttribute("href");
  await page.keyboard.press("Enter");
  await page.waitForURL(`${server}${target}`);
  assert.equal(await page.locator(":target").count(), 1, `${target} is the anchor of a section`);
  await page.getByRole("searchbox", { name: "Search the documents" }).fill("zebra xylophone");
  await page.getByText("No section contains all of these words.").waitFor();
  tab.assertNoFaults();
  await tab.close();
});

test("every result of a search is the anchor of a section", async () => {
  const tab = await open(browser, "/docs", { key: "" });
  await tab.page.getByRole("searchbox", { name: "Search the documents" }).fill("the");
  await tab.page.locator(".search-results a").first().waitFor();
  const targets = await tab.page.locator(".search-results a").evaluateAll((links) => links.map(({ href }) => href));
  assert.ok(targets.length > 5);
  for (const target of targets) {
    await tab.page.goto(target);
    assert.equal(await tab.page.locator(":target").count(), 1, target);
  }
  tab.assertNoFaults();
  await tab.close();
});

test("code is highlighted, can be copied, and queries open in the explorer", async () => {
  const tab = await open(browser, "/docs/quickstart.md");
  const { page } = tab;
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: server });
  await page.locator("code.hljs.language-graphql .hljs-keyword").first().waitFor();
  await assertAccessible(page);
  await screenshot(page, "docs-quickstart");
  // The query about food lovers, with the variables below it.
  const tools = page.locator(".code-tools").filter({ hasText: "Open in explorer" }).nth(3);
  await tools.getByRole("button", { name: "Copy" }).click();
  await tools.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const link = new URL(await tools.getByRole("link", { name: "Open in explorer" }).getAttribute("href"), server);
  const fragment = new URLSearchParams(link.hash.slice(1));
  assert.equal(fragment.get("query"), copied);
  assert.ok(copied.includes("FoodLovers") && fragment.get("variables").includes("demo-hills"), link.href);
  // The queries of the page run on this server.
  const response = await fetch(`${server}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: copied, variables: JSON.parse(fragment.get("variables")) }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  assert.ok(data);
  tab.assertNoFaults();
  await tab.close();
});
