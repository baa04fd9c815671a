// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { join } from "node:path";
import { TestAuth } from "../auth/testing/auth.ts";
import { RateLimit } from "./rate.ts";
import { serveSocket } from "./serve.ts";
import { TestApi } from "./testing/fixtures.ts";

/** An API whose clock stands still unless a test moves it, and tokens of users. */
class LimitedApi implements Disposable {
  readonly accounts = new TestAuth();
  readonly time = { now: 0 };
  readonly rate = new RateLimit({ clock: () => this.time.now });
  readonly api = new TestApi([], { auth: this.accounts.auth, rate: this.rate });

  tokenOf(name: string): string {
    const { users, tokens } = this.accounts.auth;
    const id = users.byName(name)?.id ?? users.insert(name, "admin", "x");
    return tokens.create(id, { name: "t", scopes: ["read:alerts"], expires: null }).token;
  }

  /** Statuses of requests one after the other, of a token or of a stranger. */
  async statuses(count: number, token?: string, path = "/api/v1/stats"): Promise<number[]> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const all: number[] = [];
    for (let i = 0; i < count; i++) all.push((await this.api.ask(path, { headers })).status);
    return all;
  }

  [Symbol.dispose](): void {
    this.api[Symbol.dispose]();
    this.accounts[Symbol.dispose]();
  }
}

const times = (count: number, status: number): number[] => Array(count).fill(status);

test("a user who floods the API is refused after 200 requests, and another one is served", async () => {
  using limited = new LimitedApi();
  const flooding = limited.tokenOf("mallory");
  const other = limited.tokenOf("ann");
  expect(await limited.statuses(203, flooding)).toEqual([...times(200, 200), 429, 429, 429]);
  expect(await limited.statuses(1, other)).toEqual([200]);
  expect(limited.rate.limited).toEqual({ user: 3, stranger: 0 });
  limited.time.now += 1000;
  expect(await limited.statuses(51, flooding)).toEqual([...times(50, 200), 429]);
});

test("a user who may not counts as that user, not as a stranger at that address", async () => {
  using limited = new LimitedApi();
  const token = limited.tokenOf("ann");
  expect(await limited.statuses(201, token, "/api/v1/users")).toEqual([...times(200, 403), 429]);
  expect(await limited.statuses(1)).toEqual([401]);
});

test("each token of a user counts for itself, and answers say when to come again", async () => {
  using limited = new LimitedApi();
  const [one, two] = [limited.tokenOf("ann"), limited.tokenOf("ann")];
  await limited.statuses(200, one);
  const headers = { authorization: `Bearer ${one}` };
  const refused = await limited.api.ask("/api/v1/stats", { headers });
  expect(refused.status).toBe(429);
  expect(refused.headers.get("content-type")).toBe("application/problem+json");
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(await limited.statuses(1, two)).toEqual([200]);
});

test("strangers who flood the API are refused by what they ask for, be it there or not, and users are served", async () => {
  using limited = new LimitedApi();
  const user = limited.tokenOf("ann");
  expect(await limited.statuses(100)).toEqual(times(100, 401));
  expect(await limited.statuses(50, "nmn_wrong")).toEqual(times(50, 401));
  expect(await limited.statuses(50, undefined, "/nowhere")).toEqual(times(50, 404));
  for (const path of ["/api/v1/stats", "/nowhere", "/", "/openapi.json", "/console"])
    expect([path, await limited.statuses(1, undefined, path)]).toEqual([path, [429]]);
  expect(await limited.statuses(1, user)).toEqual([200]);
  const headers = { authorization: `Bearer ${user}` };
  const metrics = await (await limited.api.ask("/metrics", { headers })).text();
  expect(metrics).toContain('nemean_api_limited_requests_total{sender="stranger"} 5\n');
});

test("who looks whether it lives, and the local socket, may ask as often as they like", async () => {
  using limited = new LimitedApi();
  limited.tokenOf("ann");
  await limited.statuses(201);
  expect(await limited.statuses(1)).toEqual([429]);
  for (const path of ["/healthz", "/readyz"])
    expect(await limited.statuses(300, undefined, path)).toEqual(times(300, 200));
  const unix = join(limited.accounts.folder.path, "api.sock");
  using _ = serveSocket(limited.api.app, unix);
  for (let i = 0; i < 250; i++)
    expect((await fetch("http://localhost/api/v1/stats", { unix })).status).toBe(200);
});

test("strangers cannot push out users, nor fill memory", async () => {
  const clock = () => 0;
  const rate = new RateLimit({ max: 4, clock });
  const request = new Request("http://localhost/");
  const principal = (userId: number) =>
    ({ kind: "session", userId, name: "ann", role: "viewer", sessionId: "" }) as const;
  for (let i = 0; i < 200; i++) rate.refusal(request, principal(1));
  for (let i = 0; i < 300; i++) rate.refusal(request, undefined);
  expect(rate.refusal(request, principal(1))?.status).toBe(429);
  for (let user = 2; user < 6; user++) rate.refusal(request, principal(user));
  expect(rate.refusal(request, principal(1))).toBeUndefined();
});
