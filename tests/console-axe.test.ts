// SPDX-License-Identifier: BSD-3-Clause
/** The console's pages in the states that one brings them to, as axe-core sees them. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { alertOf } from "../src/control/store/testing/alerts.ts";
import { ConsoleAppliance, configOf } from "./console/appliance.ts";
import { findings, inBrowser, launch, overhang, title, visit, watched } from "./console/browser.ts";

// A browser starts, on a machine that may be busy.
setDefaultTimeout(180_000);

let browser: Browser | undefined;
beforeAll(async () => {
  browser = await launch();
});
afterAll(async () => await browser?.close());

/** Look at a page as it is now, by day and by night. */
async function usable(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect([colorScheme, await overhang(page), await findings(page)]).toEqual([colorScheme, 0, []]);
  }
}

const pressed = (page: Page, name: string): Promise<void> =>
  page.getByRole("button", { name }).click();

const ALERT = alertOf({
  evidence: [
    { SRC_IP: "192.0.2.7", DST_IP: "192.0.2.1", SRC_PORT: 40_000, DST_PORT: 22, PROTOCOL: 6 },
    { SRC_IP: "192.0.2.7", TLS_SNI: "a\u202eb.example", TCP_SYN_SIZE: 60 },
  ],
  severity: 9,
});

/** A page, and what one does there until it is in a state that is to be looked at. */
const STATES: readonly (readonly [
  state: string,
  hash: string,
  into: (page: Page) => Promise<void>,
])[] = [
  [
    "the question before a restart",
    "pipeline?process=detectors",
    async (page) => {
      await pressed(page, "Restart detectors");
      await page.getByRole("dialog").getByText("what it holds in memory is lost").waitFor();
    },
  ],
  [
    "the question before a roll back",
    "configuration",
    async (page) => {
      await pressed(page, "Roll back to revision 1");
      await page.getByRole("dialog").getByText("+ idle = 30").waitFor();
    },
  ],
  [
    "an edit with mistakes",
    "configuration",
    async (page) => {
      await pressed(page, "Edit");
      await page.getByLabel("Text (TOML)").fill(configOf(90).replace("idle", "idel"));
      await pressed(page, "Check");
      await page.locator(".problems").getByText("did you mean idle?").waitFor();
    },
  ],
  [
    "the question before a text comes into force",
    "configuration",
    async (page) => {
      await pressed(page, "Edit");
      await page.getByLabel("Text (TOML)").fill(configOf(90));
      await pressed(page, "Check");
      await page.getByText("meter.idle: 60 -> 90").waitFor();
      await pressed(page, "Apply");
      await page.getByRole("dialog").getByLabel("Why").waitFor();
    },
  ],
  [
    "an alert with its evidence open",
    `alerts/${ALERT.id}`,
    async (page) => {
      await pressed(page, "All fields of flow 2");
      await page.locator(".evidence .fields").getByText("TCP_SYN_SIZE").waitFor();
    },
  ],
];

describe("the console can be used by everybody", () => {
  inBrowser(title("when it is set up"), async () => {
    await using appliance = await ConsoleAppliance.of([], { isNew: true });
    for (const width of [1280, 390]) {
      const { page, errors } = await watched(browser, { width });
      await page.goto(`${appliance.url}console`);
      await page.getByRole("button", { name: "Make admin" }).waitFor();
      await usable(page);
      expect(errors).toEqual([]);
    }
  });

  inBrowser(title("at log-in, and when it was refused"), async () => {
    await using appliance = await ConsoleAppliance.of();
    for (const width of [1280, 390]) {
      const { page, errors } = await watched(browser, { width });
      await page.goto(appliance.page("alerts"));
      await page.getByLabel("Password").fill("wrong password");
      await usable(page);
      expect(errors).toEqual([]);
      await page.getByLabel("Name").fill("root");
      await pressed(page, "Log in");
      await page.getByRole("alert").waitFor();
      await usable(page);
    }
  });

  inBrowser(title("with its menu open on a small screen"), async () => {
    await using appliance = await ConsoleAppliance.of();
    const { page } = await visit(browser, appliance.page("overview"), { width: 390 });
    await page.locator("#alert-total").waitFor();
    await pressed(page, "Menu");
    await page.getByRole("link", { name: "Audit" }).waitFor();
    await usable(page);
  });

  for (const [state, hash, into] of STATES)
    inBrowser(title(`with ${state}`), async () => {
      await using appliance = await ConsoleAppliance.of([ALERT]);
      for (const width of [1280, 390]) {
        const { page, errors } = await visit(browser, appliance.page(hash), { width });
        await into(page);
        await usable(page);
        expect(errors).toEqual([]);
      }
    });

  inBrowser(title("where no configuration was ever applied"), async () => {
    await using appliance = await ConsoleAppliance.of([], { isConfigured: false });
    const { page } = await visit(browser, appliance.page("configuration"), { width: 390 });
    await page.getByRole("button", { name: "Write one" }).waitFor();
    await usable(page);
  });
});
