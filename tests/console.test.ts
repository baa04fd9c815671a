// SPDX-License-Identifier: BSD-3-Clause
/** The console as a browser shows it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { certificateIn } from "../src/control/api/certificate.ts";
import { serve } from "../src/control/api/serve.ts";
import { TestApi } from "../src/control/api/testing/fixtures.ts";
import { GOOD, TestAuth } from "../src/control/auth/testing/auth.ts";
import { Delivery } from "../src/control/delivery/delivery.ts";
import { alertOf } from "../src/control/store/testing/alerts.ts";
import type { Sink } from "../src/core/exporter.ts";
import { counted, inBrowser, launch, overhang, title, watched } from "./console/browser.ts";
import { Product } from "./live/product.ts";

// A browser starts, on a machine that may be busy.
setDefaultTimeout(120_000);

let browser: Browser | undefined;
beforeAll(async () => {
  browser = await launch();
});
afterAll(async () => await browser?.close());

describe("the console", () => {
  inBrowser(title("shows the demo's alerts, one in detail, and asks nobody else"), async () => {
    await using product = new Product(["demo", "--port", "0", "--scale", "0.1"]);
    const url = await product.until(
      () => /The console is at (http:\S+?\/)console:/.exec(product.stdout)?.[1],
    );
    const { page, errors, origins } = await watched(browser);
    await page.goto(url);
    expect(page.url()).toBe(`${url}console`);
    const totals = async (): Promise<[string | null, string]> => {
      const stats = (await (await fetch(`${url}api/v1/stats`)).json()) as {
        store: { total: number };
      };
      return [await page.locator("#alert-total").textContent(), String(stats.store.total)];
    };
    // The traffic is live: the page has the API's number as soon as it has looked.
    await product.until(async () => {
      const [shown, total] = await totals();
      return shown === total && total !== "0" ? true : undefined;
    }, "as many alerts on the page as in the API");
    // Before there is something to draw, the charts say so: no axis without times.
    await counted(page.locator(".chart canvas"), 3);

    await page.getByRole("link", { name: "Alerts", exact: true }).click();
    await page.locator(".alerts tbody tr").first().waitFor();

    await page.locator(".alerts .title a").first().click();
    await page.locator(".reason").waitFor();
    const id = page.url().split("/").at(-1);
    const shown = async (): Promise<[string | null, number]> => [
      await page.locator(".reason").textContent(),
      await page.locator(".evidence .flow").count(),
    ];
    // The event may get an update while one looks.
    await product.until(async () => {
      await page.reload();
      await page.locator(".reason").waitFor();
      const alert = (await (await fetch(`${url}api/v1/alerts/${id}`)).json()) as {
        reason: string;
        evidence: unknown[];
      };
      const [reason, flows] = await shown();
      return reason === alert.reason && flows === alert.evidence.length && flows > 0
        ? true
        : undefined;
    }, "the API's reason and evidence on the page");

    for (const name of ["sinks", "pipeline", "modules", "setup", "overview"]) {
      await page.goto(`${url}console#/${name}`);
      await page.locator("h1").waitFor();
    }
    // There are no accounts, so there is nothing to set up.
    const links = await page.locator("header nav a").allTextContents();
    expect(links).toEqual(["Overview", "Alerts", "Pipeline"]);
    expect(errors).toEqual([]);
    expect([...origins]).toEqual([new URL(url).origin]);
  });

  inBrowser(title("shows text of the network as text, on a small screen too"), async () => {
    const evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
    const host = `${"x".repeat(300)}.example`;
    const alert = alertOf({ reason: `${evil} ${host}`, title: evil, evidence: [{ HOST: evil }] });
    using api = new TestApi([alert]);
    using server = serve(api.app, { hostname: "127.0.0.1", port: 0 });
    const { page, errors } = await watched(browser, { width: 390 });
    for (const hash of ["overview", "alerts", `alerts/${alert.id}`, "modules"]) {
      await page.goto(`${server.url}console#/${hash}`);
      await page.locator("h1").waitFor();
      await page
        .locator(hash === "alerts" ? ".alerts" : "main > *:nth-child(2)")
        .first()
        .waitFor();
      expect([hash, await overhang(page)]).toEqual([hash, 0]);
    }
    await page.goto(`${server.url}console#/alerts/${alert.id}`);
    expect(await page.locator(".reason").textContent()).toBe(`${evil} ${host}`);
    expect(await page.locator(".evidence td").first().textContent()).toBe(evil);
    expect(await page.title()).toBe("Alerts – Nemean");
    expect(errors).toEqual([]);
  });

  inBrowser(title("filters by what is typed, and says what the API does not take"), async () => {
    const alerts = [
      alertOf({ source: { ip: "10.9.9.9" }, severity: 9 }),
      ...Array.from({ length: 60 }, () => alertOf({ severity: 5 })),
    ];
    using api = new TestApi(alerts);
    using server = serve(api.app, { hostname: "127.0.0.1", port: 0 });
    const { page } = await watched(browser);
    await page.goto(`${server.url}console#/alerts`);
    const rows = page.locator(".alerts tbody tr");
    await rows.nth(49).waitFor();
    await page.getByRole("link", { name: "Older" }).click();
    await page.getByRole("link", { name: "Latest" }).waitFor();
    await counted(rows, 11);

    await page.getByLabel("Address").fill(" 10.9.9.9 ");
    await page.getByLabel("Address").press("Enter");
    await counted(rows, 1);
    expect(page.url()).toEndWith("#/alerts?ip=10.9.9.9");
    expect(await page.locator(":focus").getAttribute("name")).toBe("ip");
    expect(await page.getByLabel("Address").inputValue()).toBe("10.9.9.9");
    await page.getByLabel("Address").fill("not an address");
    await page.getByRole("button", { name: "Filter" }).click();
    expect(await page.getByRole("alert").textContent()).toContain("an IPv4 or IPv6 address");
  });

  inBrowser(title("makes the first admin, logs out and in again"), async () => {
    using accounts = new TestAuth();
    const { token } = accounts.auth.setup.begin()!;
    using api = new TestApi([alertOf()], { auth: accounts.auth });
    using server = serve(api.app, { hostname: "127.0.0.1", port: 0 });
    const { page, errors } = await watched(browser);
    await page.goto(`${server.url}console`);
    await page.getByLabel("Setup token").fill(token);
    await page.getByLabel("Name").fill("root");
    await page.getByLabel("Password").fill(GOOD);
    await page.getByRole("button", { name: "Make admin" }).click();
    await page.getByText("root (admin)").waitFor();
    await page.reload();
    await page.getByText("root (admin)").waitFor();
    expect(errors).toEqual([]);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Name").fill("root");
    await page.getByLabel("Password").fill("wrong password");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("alert").waitFor();
    expect(await page.locator("#alert-total").count()).toBe(0);
    await page.getByLabel("Password").fill(GOOD);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.locator("#alert-total").waitFor();
    expect(await page.locator("#alert-total").textContent()).toBe("1");
    // An admin may lock somebody out who has the console open.
    accounts.auth.users.list().forEach(({ id }) => void accounts.auth.sessions.revokeAll(id));
    await page.getByRole("heading", { name: "Log in" }).waitFor();
  });

  inBrowser(title("keeps over TLS what an operator makes of an alert"), async () => {
    using accounts = new TestAuth();
    await accounts.user("root", "admin");
    await accounts.user("ann", "operator");
    const alert = alertOf();
    const reach = { hosts: [], secure: true };
    using api = new TestApi([alert], { auth: accounts.auth, reach });
    const tls = certificateIn(join(accounts.folder.path, "tls"), ["localhost", "127.0.0.1"]);
    using server = serve(api.app, { hostname: "127.0.0.1", port: 0, tls });
    const { page } = await watched(browser, { ignoreHTTPSErrors: true });
    await page.goto(`${server.url}console#/alerts/${alert.id}`);
    await page.getByLabel("Name").fill("ann");
    await page.getByLabel("Password").fill(GOOD);
    await page.getByLabel("Password").press("Enter");
    await page.getByText("ann (operator)").waitFor();
    await page.goto(`${server.url}console#/alerts/${alert.id}`);
    await page.getByLabel("Status").selectOption("false-positive");
    await page.getByLabel("Note").fill("<i>our own</i> scanner");
    await page.getByRole("button", { name: "Keep" }).click();
    await page.getByRole("status").getByText("Kept: false-positive").waitFor();
    expect(api.store.get(alert.id)?.triage).toMatchObject({
      status: "false-positive",
      note: "<i>our own</i> scanner",
      by: "ann",
    });
    await page.reload();
    await page.getByText("false-positive by ann").waitFor();
    expect(await page.getByLabel("Status").inputValue()).toBe("false-positive");
  });

  inBrowser(title("shows how sinks fare, and sends a test alert"), async () => {
    using accounts = new TestAuth();
    await accounts.user("root", "admin");
    await accounts.user("ann", "operator");
    let refuses = false;
    const sink: Sink = {
      send: async (alerts) =>
        refuses ? { accepted: 0, refused: "<b>no</b>" } : { accepted: alerts.length },
      close: async () => {},
    };
    const queue = join(accounts.folder.path, "delivery.sqlite");
    const delivery = Delivery.start(queue, [{ name: "siem", sink }]);
    delivery.put(alertOf());
    using api = new TestApi([], { auth: accounts.auth, delivery });
    using server = serve(api.app, { hostname: "127.0.0.1", port: 0 });
    const { page } = await watched(browser);
    await page.goto(`${server.url}console`);
    await page.getByLabel("Name").fill("ann");
    await page.getByLabel("Password").fill(GOOD);
    await page.getByLabel("Password").press("Enter");
    await page.getByRole("link", { name: "Sinks" }).click();
    await page
      .locator(".figure", { hasText: "Delivered" })
      .getByText("1", { exact: true })
      .waitFor();
    await page.getByRole("button", { name: "Send test alert" }).click();
    const status = page.getByRole("status");
    await status.getByText("The receiver has the test alert.").waitFor();
    refuses = true;
    await page.getByRole("button", { name: "Send test alert" }).click();
    await status.getByText("Refused: <b>no</b>").waitFor();
    await delivery.close();
  });
});
