// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { connect } from "node:net";
import { NemeanError } from "../../core/errors.ts";
import { GOOD, TestAuth } from "../auth/testing/auth.ts";
import { AlertStore } from "../store/alert-store.ts";
import { openDatabase } from "../store/database.ts";
import { alertOf, MONDAY } from "../store/testing/alerts.ts";
import type { Problem } from "./problem.ts";
import { SCHEMAS } from "./schemas.ts";
import { serve } from "./serve.ts";
import { snapshotOf, TestApi } from "./testing/fixtures.ts";
import { schemaErrors } from "./testing/json-schema.ts";

/** An error must be RFC 9457's, whoever finds it. */
async function problemOf(response: Response): Promise<Required<Problem> & { status: number }> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const body = (await response.json()) as Required<Problem> & { status: number };
  expect(schemaErrors(body, SCHEMAS["Problem"]!)).toEqual([]);
  expect(body.status).toBe(response.status);
  return body;
}

test("API pages through all events by its cursor, with times as RFC 3339", async () => {
  const alerts = Array.from({ length: 5 }, (_, i) => alertOf({ detectTime: MONDAY + i }));
  using api = new TestApi(alerts);
  const seen: string[] = [];
  let path = "/api/v1/alerts?limit=2";
  for (;;) {
    const page = await api.json(path);
    expect(schemaErrors(page, SCHEMAS["AlertPage"]!)).toEqual([]);
    for (const { openedAt } of page.items) seen.push(openedAt);
    if (page.next === null) break;
    path = `/api/v1/alerts?limit=2&cursor=${page.next}`;
  }
  expect(seen).toEqual([4, 3, 2, 1, 0].map((i) => `2026-01-05T09:00:00.00000${i}Z`));
});

test("API filters as asked, and takes any text of an address", async () => {
  using api = new TestApi([
    alertOf({ source: { ip: "2001:db8::1" } }),
    alertOf({ detectTime: MONDAY - 1, severity: 9 }),
  ]);
  const count = async (query: string): Promise<number> =>
    (await api.json(`/api/v1/alerts?${query}`)).items.length;
  expect(await count("source=2001:DB8:0:0::1")).toBe(1);
  expect(await count("ip=2001:db8::1&detector=vportscan&state=open&rule=9000001")).toBe(1);
  expect(await count("severity=6")).toBe(1);
  expect(await count("to=2026-01-05T10:00:00%2B01:00")).toBe(1);
  expect(await count("category=Recon.Scanning&from=2025-01-01T00:00:00Z&target=192.0.2.1")).toBe(2);
});

test("API shows one event, and says when there is none", async () => {
  const alert = alertOf();
  using api = new TestApi([alert]);
  const shown = await api.json(`/api/v1/alerts/${alert.id}`);
  expect(schemaErrors(shown, SCHEMAS["Alert"]!)).toEqual([]);
  expect(shown).toMatchObject({ id: alert.id, reason: alert.reason });
  const missing = await api.ask("/api/v1/alerts/0");
  expect(missing.status).toBe(404);
  await problemOf(missing);
});

test.each([
  ["limit=0", "limit: expected a whole number from 1 to 1000"],
  ["limit=1001", "limit: expected a whole number"],
  ["limit=0x10", "limit: expected a whole number"],
  ["limit=", "limit: expected a whole number"],
  ["limit=1&limit=1", "limit: given more than once"],
  ["severity=11", "severity: expected a whole number from 0 to 10"],
  ["state=ajar", "state: expected open or closed"],
  ["from=yesterday", "from: expected an RFC 3339 time"],
  ["to=2026-02-30T00:00:00Z", "to: expected an RFC 3339 time"],
  ["ip=1.2.3", "ip: expected an IPv4 or IPv6 address"],
  ["cursor=AAAA", "cursor: expected `next` of an earlier page"],
  ["detector=", "detector: expected a name such as vportscan"],
  ["detectr=x", "there are limit, cursor, detector, category"],
  ["__proto__=x", "no such parameter"],
  ["constructor[prototype]=x", "no such parameter"],
])("API refuses ?%s and names what it takes", async (query, text) => {
  using api = new TestApi();
  const response = await api.ask(`/api/v1/alerts?${query}`);
  expect(response.status).toBe(400);
  const { detail, errors } = await problemOf(response);
  expect(detail).toContain(text);
  expect(errors).toHaveLength(1);
});

test("API names each of several wrong parameters, and refuses any where there are none", async () => {
  using api = new TestApi();
  const { errors } = await problemOf(await api.ask("/api/v1/alerts?limit=x&state=y&from=z"));
  expect(errors).toMatchObject(["limit", "state", "from"].map((parameter) => ({ parameter })));
  expect((await api.ask("/api/v1/stats?limit=1")).status).toBe(400);
});

test.each([
  ["host", "attacker.example:8080"],
  ["host", "127.0.0.1.attacker.example"],
  ["host", "localhost@attacker.example"],
  ["host", "0.0.0.0:8080"],
  ["host", ""],
  ["origin", "http://attacker.example"],
  ["origin", "null"],
  ["origin", "http://127.0.0.1:3000"],
  ["origin", "https://127.0.0.1:8080"],
])("API refuses %s %p on every route", async (header, value) => {
  using api = new TestApi();
  for (const { path } of [...api.app.routes, { path: "/nowhere" }]) {
    const headers = { host: "127.0.0.1:8080", [header]: value };
    const response = await api.ask(path, { headers });
    expect(response.status).toBe(403);
    await problemOf(response);
  }
});

test("API answers to the names of loopback, and to pages of its own origin", async () => {
  using api = new TestApi();
  for (const host of ["127.0.0.1:8080", "localhost", "LOCALHOST:9000", "[::1]:8080"]) {
    expect((await api.ask("/healthz", { headers: { host } })).status).toBe(200);
    const headers = { host, origin: `http://${host.toLowerCase()}` };
    expect((await api.ask("/healthz", { headers })).status).toBe(200);
  }
});

test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("API refuses %s", async (method) => {
  using api = new TestApi();
  const response = await api.ask("/api/v1/alerts", { method });
  expect(response.status).toBe(405);
  expect(response.headers.get("allow")).toBe("GET, HEAD");
  await problemOf(response);
});

test("API sends its guards with every answer, errors too, and never allows other origins", async () => {
  using api = new TestApi();
  for (const path of ["/", "/healthz", "/metrics", "/api/v1/alerts?x=1", "/nowhere"]) {
    const { headers } = await api.ask(path);
    expect(headers.get("content-security-policy")).toStartWith("default-src 'none'");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.has("access-control-allow-origin")).toBeFalse();
  }
});

const UPS = [
  "../",
  "..%2f",
  "%2e%2e/",
  "%2e%2e%2f",
  "..%252f",
  "..\\",
  "..%5c",
  "....//",
  "..;/",
  "%c0%ae%c0%ae/",
];
const FILES = ["etc/passwd", "package.json", "nemean.sqlite%00", "%00", "proc/self/environ"];

test("API opens no file for 200 ways to climb out of its paths", async () => {
  using api = new TestApi();
  let asked = 0;
  for (const base of ["/", "/api/v1/alerts/"])
    for (const up of UPS)
      for (const file of FILES)
        for (const times of [1, 6]) {
          const { status } = await api.ask(base + up.repeat(times) + file);
          expect(status).toBe(404);
          asked++;
        }
  expect(asked).toBe(200);
});

test("API refuses an address of 64 kB, and leaves Object.prototype alone", async () => {
  using api = new TestApi();
  const response = await api.ask(`/api/v1/alerts?detector=${"x".repeat(65_536)}`);
  expect(response.status).toBe(414);
  await problemOf(response);
  await api.ask("/api/v1/alerts?__proto__[polluted]=1", { headers: { cookie: "__proto__=1" } });
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("API sends hostile text as JSON that no browser takes for a page", async () => {
  const reason = `</script><script>alert(1)</script>\u2028\r\nSet-Cookie: a\u001b[2J\0`;
  const alert = alertOf({ reason, evidence: [{ __proto__: null, HTTP_HOST: reason }] });
  using api = new TestApi([alert]);
  const response = await api.ask(`/api/v1/alerts/${alert.id}`);
  expect(response.headers.get("content-type")).toBe("application/json");
  const text = await response.text();
  expect(text).not.toContain("\u001b");
  expect(text).not.toContain("\n");
  expect(JSON.parse(text).reason).toBe(reason);
});

test("API is healthy, then degraded with a reason while the pipeline is silent", async () => {
  let at = Date.now() * 1000;
  let finished = false;
  using api = new TestApi([], { snapshot: () => snapshotOf({ at, finished }) });
  const health = await api.json("/healthz");
  expect(schemaErrors(health, SCHEMAS["Health"]!)).toEqual([]);
  expect(health).toEqual({
    status: "ok",
    reasons: [],
    notes: [],
    version: "0.1.0",
    uptime: 12.5,
  });
  at -= 61_000_000;
  expect(await api.json("/healthz")).toMatchObject({
    status: "degraded",
    reasons: [expect.stringMatching(/^pipeline: no word from it for 6[12] s$/)],
  });
  finished = true;
  expect((await api.json("/healthz")).status).toBe("ok");
});

test("API notes lists that cannot be fetched, which is nothing that is degraded", async () => {
  const lists = { notes: () => ["list feodo: answered 404"], views: () => [] };
  using api = new TestApi([], { lists });
  expect(await api.json("/healthz")).toMatchObject({
    status: "ok",
    reasons: [],
    notes: ["list feodo: answered 404"],
  });
});

test("API is ready once the pipeline has spoken, and not while it is silent", async () => {
  let at = 0;
  using api = new TestApi([], { snapshot: () => snapshotOf({ at }) });
  const early = await api.ask("/readyz");
  expect(early.status).toBe(503);
  await problemOf(early);
  at = Date.now() * 1000;
  const ready = await api.json("/readyz");
  expect(schemaErrors(ready, SCHEMAS["Readiness"]!)).toEqual([]);
  expect(ready).toEqual({ ready: true });
  at -= 61_000_000;
  expect((await api.ask("/readyz")).status).toBe(503);
});

test("API tells strangers from elsewhere that something is wrong, and users what", async () => {
  using accounts = new TestAuth();
  await accounts.user("root", "admin");
  const health = (): string[] => ["sink siem: 192.0.2.7 refuses"];
  const reach = { hosts: ["tap.example"], secure: true };
  using api = new TestApi([], { auth: accounts.auth, health, reach });
  expect(await api.json("/healthz")).toMatchObject({ status: "degraded", reasons: [] });
  const login = await api.ask("/api/v1/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "root", password: GOOD }),
  });
  const [cookie = ""] = login.headers.get("set-cookie")!.split(";");
  const told = await (await api.ask("/healthz", { headers: { cookie } })).json();
  expect(told).toMatchObject({ reasons: health() });
});

test("API passes on what its owner and its store find wrong", async () => {
  using api = new TestApi([], { health: () => ["clock: not synchronised"] });
  expect((await api.json("/healthz")).reasons).toEqual(["clock: not synchronised"]);
});

test("API shows the pipeline's counters with the store's", async () => {
  using api = new TestApi([alertOf()]);
  const stats = await api.json("/api/v1/stats");
  expect(schemaErrors(stats, SCHEMAS["Stats"]!)).toEqual([]);
  expect(stats).toMatchObject({ uptime: 12.5, store: { total: 1, committed: 1 } });
});

test("API says 503 when the store cannot be read", async () => {
  const database = openDatabase(":memory:");
  using api = new TestApi([], { store: new AlertStore(database) });
  database.raw.run("DROP TABLE event");
  const response = await api.ask("/api/v1/alerts");
  expect(response.status).toBe(503);
  await problemOf(response);
});

test("serve answers on a port of its own, refuses a taken one, and closes it", async () => {
  using api = new TestApi([alertOf()]);
  const running = serve(api.app, { hostname: "127.0.0.1", port: 0 });
  expect(running.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  expect(await (await fetch(`${running.url}healthz`)).json()).toMatchObject({ status: "ok" });
  const head = await fetch(`${running.url}healthz`, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  const rebound = await fetch(`${running.url}healthz`, { headers: { host: "attacker.example" } });
  expect(rebound.status).toBe(403);
  const port = Number(new URL(running.url).port);
  const again = (): void => serve(api.app, { hostname: "127.0.0.1", port }).stop();
  expect(again).toThrow(NemeanError);
  expect(again).toThrow(/choose another port/);
  running.stop();
  expect(fetch(`${running.url}healthz`)).rejects.toThrow();
});

test("serve refuses what is not loopback, without TLS", () => {
  using api = new TestApi();
  for (const hostname of ["0.0.0.0", "::", "192.0.2.1", "example.org"])
    expect(() => serve(api.app, { hostname, port: 0 })).toThrow(
      /is not loopback, and there is no TLS/,
    );
});

/** Send bytes as they are; the status of the answer, or 0 when the connection was closed without one. */
const statusOf = (url: string, bytes: string): Promise<number> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    let text = "";
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on("data", (data) => {
      text += data;
      socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)));
  });

test("serve refuses oversized headers and bodies and doubled lengths, and goes on", async () => {
  using api = new TestApi();
  using running = serve(api.app, { hostname: "127.0.0.1", port: 0 });
  const host = `Host: ${new URL(running.url).host}\r\n`;
  const bad = [
    `GET / HTTP/1.1\r\n${host}X: ${"x".repeat(65_536)}\r\n\r\n`,
    `POST / HTTP/1.1\r\n${host}Content-Length: 1000000000\r\n\r\n`,
    `GET / HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
    `GET / HTTP/1.1\r\n\r\n`,
    "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
  ];
  for (const bytes of bad) {
    const status = await statusOf(running.url, bytes);
    expect(status === 0 || (status >= 400 && status < 500)).toBeTrue();
  }
  expect((await fetch(`${running.url}healthz`)).status).toBe(200);
});
