// SPDX-License-Identifier: BSD-3-Clause
/** A real browser for the console's tests. */

import { test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { GOOD } from "../../src/control/auth/testing/auth.ts";

const CHROMIUM = "/usr/bin/chromium";
const playwright = await import("playwright-core").catch(() => undefined);

function missing(): string | undefined {
  if (!existsSync(CHROMIUM)) return "chromium is missing";
  return playwright ? undefined : "playwright-core is missing";
}

/** Why there is no browser; undefined where there is one. */
export const browserObstacle = missing();

/** A test that needs the browser. */
export const inBrowser = test.skipIf(browserObstacle !== undefined);
export const title = (name: string): string =>
  browserObstacle === undefined ? name : `${name} (skipped: ${browserObstacle})`;

/** Start it; undefined where there is none, and all tests skip. */
export const launch = async (): Promise<Browser | undefined> =>
  browserObstacle === undefined
    ? await playwright?.chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] })
    : undefined;

/** A page, and all that went wrong on it. */
export interface Watched {
  readonly page: Page;
  readonly errors: string[];
  /** Origins that were asked for anything. */
  readonly origins: Set<string>;
}

/** Open a page of a width in a context of its own, so that each has its own session. */
export async function watched(
  browser: Browser | undefined,
  { width = 1280, ...options }: { readonly width?: number } & BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser!.newContext({ viewport: { width, height: 900 }, ...options });
  const page = await context.newPage();
  const errors: string[] = [];
  const origins = new Set<string>();
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("request", (request) => {
    const { protocol, origin } = new URL(request.url());
    if (protocol !== "data:") origins.add(origin);
  });
  return { page, errors, origins };
}

/** Pixels that the page is wider than the window. */
export const overhang = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - innerWidth");

/** Wait until there are so many. */
export async function counted(rows: Locator, count: number): Promise<void> {
  while ((await rows.count()) !== count) await Bun.sleep(20);
}

/** Somebody who has logged in at an address. */
export async function visit(
  browser: Browser | undefined,
  address: string,
  { name = "root", width = 1280 }: { readonly name?: string; readonly width?: number } = {},
): Promise<Watched> {
  const seen = await watched(browser, { width });
  await seen.page.goto(address);
  await logIn(seen.page, name);
  return seen;
}

/** Log in on a page that asks for it. */
export async function logIn(page: Page, name: string): Promise<void> {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(GOOD);
  await page.getByLabel("Password").press("Enter");
  await page.locator(".who").getByText(`${name} (`).waitFor();
}

const AXE = readFileSync(Bun.resolveSync("axe-core/axe.min.js", import.meta.dir), "utf8");

/** What axe-core finds on a page, from serious on. */
export async function findings(page: Page): Promise<string[]> {
  // By the debugger, so that the page's own policy stays as it is.
  await page.evaluate(AXE);
  return await page.evaluate(`axe.run().then(({ violations }) => violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ": " + html)))`);
}
