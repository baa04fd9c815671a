// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { SCOPES } from "../auth/access.ts";
import { COOKIE_NAME } from "../auth/cookie.ts";
import { GOOD, TestAuth } from "../auth/testing/auth.ts";
import { CONSOLE_PATHS } from "./console-routes.ts";
import { SCHEMAS } from "./schemas.ts";
import { TestApi } from "./testing/fixtures.ts";
import { schemaErrors } from "./testing/json-schema.ts";

const FIRST_LOAD_MAX = 150_000;

test("the console's first load is at most 150 kB, as gzip has it", async () => {
  using api = new TestApi();
  let size = 0;
  for (const path of CONSOLE_PATHS) {
    const response = await api.ask(path);
    expect([path, response.status]).toEqual([path, 200]);
    const bytes = Bun.gzipSync(await response.arrayBuffer()).byteLength;
    expect(bytes).toBeGreaterThan(100);
    size += bytes;
  }
  expect(size).toBeLessThan(FIRST_LOAD_MAX);
});

test("the console's files say their types, are not kept, and may load from their own origin only", async () => {
  using api = new TestApi();
  const types: (string | null)[] = [];
  for (const path of CONSOLE_PATHS) {
    const { headers } = await api.ask(path);
    types.push(headers.get("content-type"));
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
        "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    );
  }
  expect(types).toEqual([
    "text/html; charset=utf-8",
    "text/javascript; charset=utf-8",
    "text/css; charset=utf-8",
  ]);
});

test("the console's page names no other origin and has nothing inline that its policy would stop", async () => {
  using api = new TestApi();
  const html = await (await api.ask("/console")).text();
  expect(html).not.toMatch(/https?:\/\/|\sstyle=|\son\w+=|<style/);
  expect([...html.matchAll(/<script[^>]*>([^<]*)<\/script>/g)].map(([, code]) => code)).toEqual([
    "",
  ]);
});

test("GET / sends browsers to the console, and tells all others where everything is", async () => {
  using api = new TestApi();
  const browser = { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };
  const sent = await api.ask("/", browser);
  expect([sent.status, sent.headers.get("location")]).toEqual([302, "/console"]);
  expect(await api.json("/")).toMatchObject({ console: "/console", alerts: "/api/v1/alerts" });
});

test("GET / names a session only where there are accounts", async () => {
  using open = new TestApi();
  expect(await open.json("/")).not.toHaveProperty("session");
  using accounts = new TestAuth();
  using api = new TestApi([], { auth: accounts.auth });
  const { session, sinks } = await api.json("/");
  expect([session, sinks]).toEqual(["/api/v1/session", undefined]);
});

test("GET / says what whoever asks is here, and nothing where there are no accounts", async () => {
  const accessOf = async (api: TestApi, headers: Record<string, string> = {}) => {
    const index = (await (await api.ask("/", { headers })).json()) as { access?: string };
    expect(schemaErrors(index, SCHEMAS["Index"]!)).toEqual([]);
    return index.access;
  };
  using open = new TestApi();
  expect(await accessOf(open)).toBeUndefined();
  using accounts = new TestAuth();
  using api = new TestApi([], { auth: accounts.auth });
  expect(await accessOf(api)).toBe("setup");
  const root = await accounts.user("root", "admin");
  expect(await accessOf(api)).toBe("stranger");
  const made = await accounts.auth.login({ name: "root", password: GOOD, address: "" });
  const cookie = `${COOKIE_NAME}=${made.ok ? made.value.token : ""}`;
  expect(await accessOf(api, { cookie })).toBe("session");
  const wish = { name: "siem", scopes: [...SCOPES], expires: null };
  const { token } = accounts.auth.tokens.create(root, wish);
  expect(await accessOf(api, { authorization: `Bearer ${token}` })).toBe("stranger");
  accounts.auth.sessions.revokeAll(root);
  expect(await accessOf(api, { cookie })).toBe("stranger");
});
