// The browser of the tests: Debian's Chromium with an empty profile. Requests to hosts other than the server under test
// are reported as faults. SERVER and KEY are the URL and the key of the server; SCREENSHOTS is the output folder.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const server = requireEnv("SERVER");
export const key = requireEnv("KEY");
const screenshots = requireEnv("SCREENSHOTS");

function requireEnv(name) {
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

// Opens a page of the server in a new tab and collects faults: requests to another host, console errors, exceptions,
// and violations of the content security policy. `assertNoFaults()` fails if there are any, except for those that match
// a pattern of `allow`, such as a 401 that the test provokes.
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
    assertNoFaults() {
      assert.deepEqual(faults.filter((fault) => !allow.some((pattern) => pattern.test(fault))), []);
    },
    close: () => context.close(),
  };
}

// Fails if axe-core reports a serious or critical violation in the current state of the page.
export async function assertAccessible(page) {
  // Legacy mode runs in the page itself and needs no second page.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const findings = serious.map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target).join(" | ")}`,
  );
  assert.deepEqual(findings, []);
}

// Saves a screenshot as a CI artifact.
export async function screenshot(page, name, options = {}) {
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${name}.png`), ...options });
}
