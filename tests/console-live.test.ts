// SPDX-License-Identifier: BSD-3-Clause
/** The console of the real product, with its processes, on a cable of its own. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { FrameSender, Network, networkObstacle } from "../src/collectors/live/testing/network.ts";
import { GOOD } from "../src/control/auth/testing/auth.ts";
import type { LinkView, ProcessView } from "../src/control/supervise/view.ts";
import { browserObstacle, launch, watched } from "./console/browser.ts";
import { synFrame } from "./live/frames.ts";
import { Product } from "./live/product.ts";

// A browser and a product start, on a machine that may be busy.
setDefaultTimeout(180_000);

const obstacle = networkObstacle() ?? browserObstacle;
const skipped = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;

const SCANNER = 0x0a090909;
const VICTIM = 0x0a010101;

const CONFIG = `[[sources]]
interface = "right"

[meter]
idle = 1

[api]
port = 0

[modules.vportscan]
portsMax = 50
`;

/** What the API says to who sits at this page. */
const told = async <T>(page: Page, path: string): Promise<readonly T[]> =>
  (
    (await page.evaluate(`fetch("/api/v1/${path}").then((answer) => answer.json())`)) as {
      items: T[];
    }
  ).items;

const pidOf = async (page: Page, name: string): Promise<number | null | undefined> =>
  (await told<ProcessView>(page, "processes")).find((each) => each.name === name)?.pid;

/** Press a button and be sure. */
async function sure(page: Page, button: string, label: string): Promise<void> {
  await page.getByRole("button", { name: button }).click();
  await page.getByRole("dialog").getByRole("button", { name: label }).click();
}

function scan(): void {
  using sender = new FrameSender("left");
  for (let port = 1; port <= 200; port++) sender.send(synFrame(SCANNER, VICTIM, port));
}

/** Make the first admin of a product that has just been started, in a browser that can reach it. */
async function enter(product: Product) {
  const [, url] = await product.said(/the API answers on (\S+)/);
  const [, token] = await product.said(/by the token ([\w-]+)/);
  const browser = (await launch())!;
  const seen = await watched(browser);
  const { page } = seen;
  await page.goto(`${url}console`);
  await page.getByLabel("Setup token").fill(token!);
  await page.getByLabel("Name").fill("root");
  await page.getByLabel("Password").fill(GOOD);
  await page.getByRole("button", { name: "Make admin" }).click();
  await page.locator("#alert-total").waitFor();
  return { ...seen, url: url!, [Symbol.asyncDispose]: () => browser.close() };
}

test.skipIf(obstacle !== undefined)(
  `the console shows an attack as it comes, restarts a process and takes a configuration back${skipped}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "nemean-console-"));
    using _ = { [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
    const file = join(folder, "nemean.toml");
    writeFileSync(file, CONFIG);
    using __ = new Network();
    await using product = new Product(["up", "--config", file, "--data", join(folder, "data")]);
    await using seen = await enter(product);
    const { page, errors, origins, url } = seen;

    await page.getByRole("link", { name: "Alerts", exact: true }).click();
    await page.getByText("Live").waitFor();
    scan();
    await page.getByText(/Live, \d+ since you came/).waitFor();
    await page.locator(".alerts .title a").click();
    await page.locator(".evidence .flow").first().waitFor();
    expect(await page.locator(".under-title").textContent()).toContain("Recon.Scanning");

    await page.getByRole("link", { name: "Pipeline" }).click();
    await page.locator(".links").getByText("200", { exact: true }).first().waitFor();
    const links = await told<LinkView>(page, "links");
    const rows = await page.locator(".links tbody tr").allTextContents();
    expect(rows.length).toBe(links.length);
    for (const [i, { from, to }] of links.entries())
      expect(rows[i]).toMatch(new RegExp(`^${from}.*${to}`));
    const before = await pidOf(page, "detectors");
    await page.locator(".processes").getByRole("link", { name: "detectors" }).click();
    await sure(page, "Restart detectors", "Restart");
    await page.getByText("Done: restart").waitFor();
    const after = await product.until(async () => {
      const pid = await pidOf(page, "detectors");
      return typeof pid === "number" && pid !== before ? pid : undefined;
    }, "another process");
    await page.locator(".panel dd", { hasText: String(after) }).waitFor();

    await page.getByRole("link", { name: "Configuration" }).click();
    await page.getByRole("button", { name: "Edit" }).click();
    await page.getByLabel("Text (TOML)").fill(CONFIG.replace("50", "60"));
    await page.getByRole("button", { name: "Check" }).click();
    await page.getByText("modules.vportscan.portsMax: 50 -> 60").waitFor();
    await sure(page, "Apply", "Apply");
    await page.getByRole("heading", { name: "In force: revision 2" }).waitFor();
    const applied = page.getByRole("status", { name: "Applied" });
    expect(await applied.textContent()).toContain("detectors");
    await sure(page, "Roll back to revision 1", "Roll back");
    await page.getByRole("heading", { name: "In force: revision 3" }).waitFor();
    expect(await page.locator(".code pre").first().textContent()).toBe(CONFIG);
    await page.getByRole("link", { name: "Audit" }).click();
    await page.locator(".audit").getByText("config.rollback").waitFor();
    await page.locator(".audit").getByText("process.restart").waitFor();
    expect(errors).toEqual([]);
    expect([...origins]).toEqual([new URL(url).origin]);
  },
);

test.skipIf(obstacle !== undefined)(
  `the console writes the first configuration of an appliance that has none${skipped}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "nemean-console-"));
    using _ = { [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
    using __ = new Network();
    await using product = new Product(["up", "-I", "right", "--port", "0", "--data", folder]);
    await using seen = await enter(product);
    const { page, errors } = seen;
    await page.getByRole("link", { name: "Configuration" }).click();
    await page.getByRole("button", { name: "Write one" }).click();
    const area = page.getByLabel("Text (TOML)");
    const text = await area.inputValue();
    expect(text).toBe('[[sources]]\ninterface = "right"\n');
    await area.fill(`${text}\n[modules.vportscan]\nportsMax = 60\n`);
    await sure(page, "Apply", "Apply");
    await page.getByRole("heading", { name: "In force: revision 1" }).waitFor();
    const applied = page.getByRole("status", { name: "Applied" });
    expect(await applied.textContent()).toContain("detectors");
    expect(errors).toEqual([]);
  },
);
