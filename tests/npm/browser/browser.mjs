// A browser for the tests: Debian's Chromium, an empty profile, no network but the server under test.
// SERVER and KEY name the server; SCREENSHOTS is the folder that pictures go to.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const server = need("SERVER");
export const key = need("KEY");
const screenshots = need("SCREENSHOTS");

function need(name) {
  const value = process.env[name];
  assert.ok(value, `${name} must be set`);
  return value;
}

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

// Opens a page of the server in a tab of its own. `watch` collects what must not happen: requests to another host,
// errors on the console, exceptions, violations of the policy. `calm()` fails if something did; `allow` names patterns
// of console errors that the test provokes, such as a 401.
export async function open(browser, path, { key: apiKey = key, allow = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const faults = [];
  const origin = new URL(server).origin;
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith("data:") && !url.startsWith(`blob:${origin}/`)) {
      faults.push(`request to ${url}`);
    }
  });
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => faults.push(`exception: ${error.message}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  await page.goto(`${server}${path}${apiKey === "" ? "" : `#key=${apiKey}`}`);
  return {
    page,
    calm() {
      assert.deepEqual(faults.filter((fault) => !allow.some((pattern) => pattern.test(fault))), []);
    },
    close: () => context.close(),
  };
}

// No serious or critical finding of axe-core on the page as it is now.
export async function accessible(page) {
  // In the page itself: a second, blank page for its frames would be one more thing to wait for.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = serious.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target).join(" | ")}`);
  assert.deepEqual(told, []);
}

// Keeps a picture as output of CI.
export async function picture(page, name, options = {}) {
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${name}.png`), ...options });
}
