// The pages of the documents: assertAccessible, without horizontal scrolling, without scripts.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertAccessible, launch, open, screenshot, server } from "./browser.mjs";

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
