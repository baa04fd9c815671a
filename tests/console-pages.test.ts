// SPDX-License-Identifier: BSD-3-Clause
/** What one does on the console's pages. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import type { Browser } from "playwright-core";
import { GOOD } from "../src/control/auth/testing/auth.ts";
import { alertOf } from "../src/control/store/testing/alerts.ts";
import { ConsoleAppliance } from "./console/appliance.ts";
import { findings, inBrowser, launch, overhang, title, visit } from "./console/browser.ts";
import { HOSTILE, HOSTILE_SHOWN } from "./console/fake-processes.ts";

// A browser starts, on a machine that may be busy.
setDefaultTimeout(180_000);

let browser: Browser | undefined;
beforeAll(async () => {
  browser = await launch();
});
afterAll(async () => await browser?.close());

/** Somebody at a page of an appliance. */
const at = (appliance: ConsoleAppliance, hash: string, name = "root", width = 1280) =>
  visit(browser, appliance.page(hash), { name, width });

/** Hashes of all pages, and what is on each when it is there. */
const pagesOf = (alert: string): readonly (readonly [hash: string, sign: string])[] => [
  ["overview", "#alert-total"],
  ["alerts", ".alerts tbody tr"],
  [`alerts/${alert}`, ".evidence .flow"],
  ["pipeline", ".pipeline .numbers"],
  ["pipeline?process=module%40ddos", ".panel .log"],
  ["sinks", ".figure"],
  ["configuration", ".revisions tbody tr"],
  ["users", ".users tbody tr"],
  ["audit", ".audit tbody tr"],
  ["account", "form"],
];

describe("the console's pages", () => {
  inBrowser(title("have room, ask nobody else, and can be used by everybody"), async () => {
    const flow = { SRC_IP: "192.0.2.7", TLS_SNI: HOSTILE };
    const long = alertOf({ title: `${"x".repeat(200)} ${HOSTILE}`, evidence: [flow], severity: 9 });
    await using appliance = await ConsoleAppliance.of([long, alertOf({ detector: "haddrscan" })]);
    for (const [width, colorScheme] of [
      [1280, "light"],
      [390, "dark"],
    ] as const) {
      const { page, errors, origins } = await at(appliance, "overview", "root", width);
      await page.emulateMedia({ colorScheme });
      for (const [hash, sign] of pagesOf(long.id)) {
        await page.goto(appliance.page(hash));
        await page.locator(sign).first().waitFor();
        expect([hash, width, await overhang(page)]).toEqual([hash, width, 0]);
        expect([hash, width, await findings(page)]).toEqual([hash, width, []]);
      }
      expect(errors).toEqual([]);
      expect([...origins]).toEqual([new URL(appliance.url).origin]);
    }
  });

  inBrowser(title("are reached by keyboard, and are read from their headings"), async () => {
    await using appliance = await ConsoleAppliance.of();
    const { page } = await at(appliance, "overview", "root", 390);
    expect(await page.getByRole("link", { name: "Pipeline" }).isVisible()).toBe(false);
    await page.getByRole("button", { name: "Menu" }).press("Enter");
    await page.getByRole("link", { name: "Pipeline" }).press("Enter");
    await page.locator("h1:focus").getByText("Pipeline").waitFor();
    expect(await page.getByRole("link", { name: "Sinks" }).isVisible()).toBe(false);
    await page.getByRole("button", { name: /^vportscan/ }).press("Enter");
    await page.locator("h2:focus").getByText("detectors").waitFor();
  });

  inBrowser(title("show an alert at once when it comes"), async () => {
    await using appliance = await ConsoleAppliance.of([alertOf({ severity: 3 })]);
    const { page } = await at(appliance, "alerts", "vic");
    await page.getByRole("status").getByText("Live").waitFor();
    appliance.alert(alertOf({ title: "Comes later", severity: 9, reason: HOSTILE }));
    // The stream said so: the list by itself is asked again after 10 s.
    await page.getByText("Live, 1 since you came").waitFor();
    await page.locator(".alerts").getByText("Comes later").click();
    expect(await page.locator(".reason").textContent()).toBe(HOSTILE_SHOWN);
    expect(await page.locator(".against").getAttribute("aria-label")).toBe(
      "Observed 50, threshold 50",
    );
    await page.locator(".deliveries").getByText("delivered").waitFor();
    expect(await page.locator(".deliveries tbody tr").textContent()).toBe("siemdelivered");
  });

  inBrowser(title("show what came while nobody told them, without a reload"), async () => {
    await using appliance = await ConsoleAppliance.of();
    const { page } = await at(appliance, "alerts", "vic");
    await page.clock.install();
    await page.reload();
    await page.getByText("No alerts match.").waitFor();
    await page.getByText("Live").waitFor();
    // From here on the page's clock goes by hand, and not as far as to where the list is asked again by itself.
    await page.clock.pauseAt(Date.now() + 1000);
    const isBack = async (since: string, alert: string): Promise<void> => {
      await page.getByRole("status").getByText(since, { exact: true }).waitFor();
      await page.clock.runFor(1500);
      await page.locator(".alerts").getByText(alert).waitFor();
    };
    appliance.restart(() => appliance.alert(alertOf({ title: "First of all" })));
    await page.getByText("Looks again every 10 s").waitFor();
    await isBack("Live", "First of all");
    appliance.alert(alertOf({ title: "Heard of" }));
    await isBack("Live, 1 since you came", "Heard of");
    appliance.cut();
    appliance.alert(alertOf({ title: "During a cut" }));
    await isBack("Live, 2 since you came", "During a cut");
    appliance.restart(() => appliance.alert(alertOf({ title: "During a restart" })));
    await page.getByText("Looks again every 10 s").waitFor();
    await isBack("Live, 2 since you came", "During a restart");
  });

  inBrowser(title("narrow alerts down by facets, with the API's counts"), async () => {
    const alerts = [9, 7, 4].map((severity) => alertOf({ severity }));
    await using appliance = await ConsoleAppliance.of([
      ...alerts,
      alertOf({ severity: 5, detector: "haddrscan", category: "Recon.Other" }),
    ]);
    const { page } = await at(appliance, "alerts", "vic");
    const facets = page.locator(".facets li");
    await facets.getByText("haddrscan").waitFor();
    expect((await facets.allTextContents()).slice(0, 6)).toEqual([
      "critical 1",
      "high or more 2",
      "medium or more 4",
      "low or more 4",
      "vportscan 3",
      "haddrscan 1",
    ]);
    await facets.getByRole("link", { name: "high or more" }).click();
    await page.locator(".alerts tbody tr:nth-child(2):last-child").waitFor();
    await facets.getByRole("link", { name: "haddrscan" }).click();
    await page.getByText("No alerts match.").waitFor();
    await facets.getByRole("link", { name: "high or more" }).click();
    await page.locator(".alerts .title").getByText("Vertical port scan").waitFor();
    expect(page.url()).toEndWith("#/alerts?detector=haddrscan");
  });
});

describe("the pipeline's page", () => {
  inBrowser(title("has the API's numbers in its drawing and in its tables"), async () => {
    await using appliance = await ConsoleAppliance.of();
    const { page } = await at(appliance, "pipeline", "vic");
    await page.locator(".links tbody tr").first().waitFor();
    const links = appliance.processes.links();
    const rows = await page.locator(".links tbody tr").allTextContents();
    const plain = (text: string): string => text.replace(/[\s\u202f]/g, "");
    for (const [i, { from, to, records, dropped }] of links.entries())
      expect(plain(rows[i]!)).toMatch(new RegExp(`^${from}.*${to}.*${records}${dropped}`));
    expect(await page.locator(".pipeline .edge").count()).toBe(links.length);
    expect(await page.locator(".pipeline .lost").allTextContents()).toEqual(["3.40 k lost"]);
    expect(await page.locator(".pipeline .failed .state").textContent()).toBe("failed");
    await page.getByRole("link", { name: "module@ddos" }).click();
    expect(await page.locator(".panel .trouble").textContent()).toContain(HOSTILE_SHOWN);
    // Who looks only starts nothing, and reads no log.
    expect(await page.locator(".panel .buttons, .panel .log").count()).toBe(0);
  });

  inBrowser(title("restarts a process when one is sure, and shows what it wrote"), async () => {
    await using appliance = await ConsoleAppliance.of();
    const { page } = await at(appliance, "pipeline?process=detectors", "ann");
    const { acts } = appliance.processes;
    await page.locator(".log").getByText(HOSTILE_SHOWN).waitFor();
    const restart = page.getByRole("button", { name: "Restart detectors" });
    await restart.click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await restart.click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    expect(acts).toEqual([]);
    await restart.click();
    await page.getByRole("dialog").getByRole("button", { name: "Restart" }).click();
    await page.getByText("Done: restart").waitFor();
    await page.getByRole("button", { name: "Stop detectors" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
    await page.getByRole("button", { name: "Start detectors", exact: true }).waitFor();
    expect(acts).toEqual(["restart detectors", "stop detectors"]);
    expect(await page.locator(".panel .state").textContent()).toBe("stopped");
  });
});

describe("the pages of users", () => {
  inBrowser(title("let in, change and lock out, and the audit log has it"), async () => {
    await using appliance = await ConsoleAppliance.of();
    const { page } = await at(appliance, "users");
    const form = page.getByRole("form", { name: "Add a user" });
    await form.getByLabel("Name").fill("bob");
    await form.getByLabel("Role").selectOption("operator");
    await form.getByLabel("Password").fill(GOOD);
    await form.getByRole("button", { name: "Add" }).click();
    await page.getByText("bob may log in as operator.").waitFor();
    await page.getByRole("button", { name: "Change role of bob" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Role").selectOption("viewer");
    await dialog.getByRole("button", { name: "Change role" }).click();
    await page.getByText("bob has another role.").waitFor();
    await page.getByRole("button", { name: "Lock out bob" }).click();
    await dialog.getByRole("button", { name: "Lock out" }).click();
    await page.getByRole("button", { name: "Let in bob" }).waitFor();
    // The last admin stays, whatever is pressed.
    await page.getByRole("button", { name: "Remove root" }).click();
    await dialog.getByRole("button", { name: "Remove" }).click();
    await page.getByText("it is the last admin who can log in").waitFor();
    const { users } = appliance.accounts.auth;
    expect(users.byName("bob")).toMatchObject({ role: "viewer", disabled: true });
    await page.getByRole("link", { name: "Audit" }).click();
    await page.locator(".audit tbody tr").first().waitFor();
    const actions = await page.locator(".audit tbody td:nth-child(4)").allTextContents();
    expect(actions.slice(0, 3)).toEqual(["user.change", "user.change", "user.create"]);
  });

  inBrowser(title("change one's own password, and make a token that is shown once"), async () => {
    await using appliance = await ConsoleAppliance.of();
    const { page } = await at(appliance, "account", "ann");
    await page.getByLabel("Old password").fill(GOOD);
    await page.getByLabel("New password").fill("another horse battery");
    await page.getByRole("button", { name: "Change password" }).click();
    await page.getByText("Your password is changed").waitFor();
    await page.getByLabel("What it is for").fill("nagios");
    await page.getByLabel("control").check();
    await page.getByRole("button", { name: "Make token" }).click();
    const token = await page.getByLabel("The token").inputValue();
    const ask = (): Promise<Response> =>
      fetch(`${appliance.url}api/v1/alerts`, { headers: { authorization: `Bearer ${token}` } });
    expect((await ask()).status).toBe(200);
    await page.reload();
    expect(await page.locator(".tokens tbody tr").textContent()).toContain("read:alerts, control");
    expect(await page.content()).not.toContain(token);
    await page.getByRole("button", { name: "Revoke nagios" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("You have none.").waitFor();
    expect((await ask()).status).toBe(401);
  });
});
