// SPDX-License-Identifier: BSD-3-Clause
/** What one does on the console's page of the configuration. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import type { Browser } from "playwright-core";
import { ConsoleAppliance, configOf } from "./console/appliance.ts";
import { inBrowser, launch, title, visit } from "./console/browser.ts";
import { HOSTILE, HOSTILE_SHOWN } from "./console/fake-processes.ts";

// A browser starts, on a machine that may be busy.
setDefaultTimeout(180_000);

let browser: Browser | undefined;
beforeAll(async () => {
  browser = await launch();
});
afterAll(async () => await browser?.close());

/** Somebody at a page of an appliance. */
const at = (appliance: ConsoleAppliance, hash: string, name = "root") =>
  visit(browser, appliance.page(hash), { name });

describe("the configuration's page", () => {
  inBrowser(title("says where a text is wrong, and puts a right one in force"), async () => {
    await using appliance = await ConsoleAppliance.of();
    const { page } = await at(appliance, "configuration");
    await page.getByRole("button", { name: "Edit" }).click();
    const area = page.getByLabel("Text (TOML)");
    expect(await area.inputValue()).toBe(configOf(60));
    await area.fill(configOf(90).replace("idle", "idel"));
    await page.getByRole("button", { name: "Check" }).click();
    await page.locator(".problems").getByText("did you mean idle?").waitFor();
    await page.getByRole("button", { name: "Line 6, column 1" }).click();
    expect(
      await area.evaluate((element) => (element as { selectionStart?: number }).selectionStart),
    ).toBe(configOf(90).indexOf("idle"));
    await area.fill(configOf(90));
    await page.getByRole("button", { name: "Check" }).click();
    await page.getByText("meter.idle: 60 -> 90").waitFor();
    await page.getByRole("button", { name: "Apply" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("meter.idle: 60 -> 90").waitFor();
    await dialog.getByLabel("Why").fill(HOSTILE);
    await dialog.getByRole("button", { name: "Apply" }).click();
    await page.getByRole("heading", { name: "In force: revision 3" }).waitFor();
    const said = await page.getByRole("status", { name: "Applied" }).textContent();
    expect(said).toContain("detectors");
    expect(said).toContain("api.port: control");
    expect(await page.locator(".revisions tbody tr").first().textContent()).toContain(
      HOSTILE_SHOWN,
    );
    expect(await page.locator(".code pre").textContent()).toBe(configOf(90));
  });

  inBrowser(title("goes back to an earlier revision when one is sure"), async () => {
    await using appliance = await ConsoleAppliance.of();
    const { page } = await at(appliance, "configuration");
    await page.getByRole("button", { name: "Roll back to revision 1" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("− idle = 60").waitFor();
    await dialog.getByText("+ idle = 30").waitFor();
    await dialog.getByRole("button", { name: "Roll back" }).click();
    await page.getByRole("heading", { name: "In force: revision 3" }).waitFor();
    expect(await page.locator(".code pre").first().textContent()).toBe(configOf(30));
    await page.getByRole("button", { name: "Changes of revision 3" }).click();
    await page.locator(".diff").getByText("+ idle = 30").waitFor();
  });

  inBrowser(title("lets operators look and check, and viewers neither"), async () => {
    await using appliance = await ConsoleAppliance.of();
    const ann = await at(appliance, "configuration", "ann");
    await ann.page.getByRole("button", { name: "Edit" }).click();
    await ann.page.getByRole("button", { name: "Check" }).click();
    await ann.page.getByText("Nothing is wrong with it.").waitFor();
    expect(await ann.page.getByRole("button", { name: /^(Apply|Roll back)/ }).count()).toBe(0);
    const vic = await at(appliance, "configuration", "vic");
    await vic.page.getByText("Operators and admins see the configuration.").waitFor();
    const links = await vic.page.locator("header nav a").allTextContents();
    expect(links).toEqual(["Overview", "Alerts", "Pipeline"]);
    expect([...ann.errors, ...vic.errors]).toEqual([]);
  });

  inBrowser(title("says when none was ever applied, and has the first one written"), async () => {
    await using appliance = await ConsoleAppliance.of([], { isConfigured: false });
    const { page, errors } = await at(appliance, "configuration");
    await page.getByRole("heading", { name: "None in force" }).waitFor();
    await page.getByText("the options that the appliance was started with").waitFor();
    expect(await page.getByRole("heading", { name: "Revisions" }).count()).toBe(0);
    await page.getByRole("button", { name: "Write one" }).click();
    const area = page.getByLabel("Text (TOML)");
    expect(await area.inputValue()).toBe('[[sources]]\ninterface = "eth0"\n');
    await page.getByRole("button", { name: "Discard" }).click();
    await page.getByRole("button", { name: "Write one" }).click();
    await page.getByRole("button", { name: "Check" }).click();
    await page.getByText("all: options said what runs").waitFor();
    await page.getByRole("button", { name: "Apply" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Apply" }).click();
    await page.getByRole("heading", { name: "In force: revision 1" }).waitFor();
    expect(await page.locator(".code pre").textContent()).toBe('[[sources]]\ninterface = "eth0"\n');
    expect(await page.getByRole("heading", { name: "None in force" }).count()).toBe(0);
    // Nothing was asked for that is not there.
    expect(errors).toEqual([]);
  });
});
