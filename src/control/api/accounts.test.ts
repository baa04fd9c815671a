// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allows, ROLES, type Role, SCOPES } from "../auth/access.ts";
import { Auth } from "../auth/auth.ts";
import { COOKIE_NAME } from "../auth/cookie.ts";
import type { ApiOptions } from "./index.ts";
import { everything, TestApi } from "./testing/fixtures.ts";

const folder = mkdtempSync(join(tmpdir(), "nemean-accounts-"));
afterAll(() => rmSync(folder, { recursive: true }));

const PASSWORD = "correct horse battery";
const COOKIE = new RegExp(`^${COOKIE_NAME}=([^;]*); Path=/; Secure; HttpOnly; SameSite=Strict`);

interface Session {
  readonly cookie: string;
  readonly csrf: string;
}

let files = 0;
/** An API with accounts, and its setup token. */
function apiWithAccounts(options: Partial<ApiOptions> = {}): {
  api: TestApi;
  auth: Auth;
  setup: string;
} {
  const auth = new Auth(join(folder, `${++files}.sqlite`));
  const { token } = auth.setup.begin()!;
  return { api: new TestApi([], { auth, ...options }), auth, setup: token };
}

const post = (body: unknown, session?: Session, method = "POST"): RequestInit => ({
  method,
  headers: {
    "content-type": "application/json",
    ...(session
      ? { cookie: `${COOKIE_NAME}=${session.cookie}`, "x-csrf-token": session.csrf }
      : {}),
  },
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
});

const as = ({ cookie }: Session): RequestInit => ({
  headers: { cookie: `${COOKIE_NAME}=${cookie}` },
});

async function sessionOf(response: Response): Promise<Session> {
  expect(response.status).toBe(200);
  const [, cookie] = COOKIE.exec(response.headers.get("set-cookie") ?? "")!;
  const { csrf } = (await response.json()) as { csrf: string };
  return { cookie: cookie!, csrf };
}

/** The first admin's session. */
const setUp = async (api: TestApi, token: string): Promise<Session> =>
  sessionOf(await api.ask("/api/v1/setup", post({ token, name: "Root", password: PASSWORD })));

async function userOf(api: TestApi, admin: Session, role: Role): Promise<Session> {
  const made = await api.ask(
    "/api/v1/users",
    post({ name: role, role, password: PASSWORD }, admin),
  );
  expect(made.status).toBe(200);
  return sessionOf(await api.ask("/api/v1/login", post({ name: role, password: PASSWORD })));
}

describe("accounts", () => {
  test("setup takes the token once, and alerts are for those who log in from then on", async () => {
    const { api, setup } = apiWithAccounts();
    expect((await api.ask("/api/v1/alerts")).status).toBe(200);
    expect((await api.ask("/api/v1/users")).status).toBe(403);
    const wrong = await api.ask(
      "/api/v1/setup",
      post({ token: "x", name: "root", password: PASSWORD }),
    );
    expect(wrong.status).toBe(401);
    const admin = await setUp(api, setup);
    expect((await api.ask("/api/v1/alerts")).status).toBe(401);
    expect((await api.ask("/api/v1/alerts", as(admin))).status).toBe(200);
    const again = await api.ask(
      "/api/v1/setup",
      post({ token: setup, name: "two", password: PASSWORD }),
    );
    expect(again.status).toBe(401);
    expect((await api.ask("/healthz")).status).toBe(200);
  });

  test("a session says who it is, changes nothing without its CSRF token, and ends at log-out", async () => {
    const { api, setup } = apiWithAccounts();
    const admin = await setUp(api, setup);
    const me = await api.ask("/api/v1/session", as(admin));
    expect(await me.json()).toEqual({ csrf: admin.csrf, name: "root", role: "admin" });
    const body = { name: "eve", role: "viewer", password: PASSWORD };
    for (const csrf of ["", "x", `${admin.csrf}x`])
      expect((await api.ask("/api/v1/users", post(body, { ...admin, csrf }))).status).toBe(403);
    const out = await api.ask("/api/v1/logout", post(undefined, admin));
    expect(out.headers.get("set-cookie")).toContain("Max-Age=0");
    expect((await api.ask("/api/v1/session", as(admin))).status).toBe(401);
  });

  test("an API token does what its scopes say, until it is revoked", async () => {
    const { api, setup } = apiWithAccounts();
    const admin = await setUp(api, setup);
    const wish = { name: "siem", scopes: ["read:alerts"], expires: null };
    const made = await api.ask("/api/v1/tokens", post(wish, admin));
    const { id, token } = (await made.json()) as { id: number; token: string };
    const bearer = { headers: { authorization: `Bearer ${token}` } };
    expect((await api.ask("/api/v1/alerts", bearer)).status).toBe(200);
    expect((await api.ask("/api/v1/users", bearer)).status).toBe(403);
    expect((await api.ask("/api/v1/session", bearer)).status).toBe(403);
    const list = await (await api.ask("/api/v1/tokens", as(admin))).json();
    expect(JSON.stringify(list)).not.toContain(token);
    expect((await api.ask(`/api/v1/tokens/${id}`, post(undefined, admin, "DELETE"))).status).toBe(
      200,
    );
    expect((await api.ask("/api/v1/alerts", bearer)).status).toBe(401);
  });

  test("users are changed and removed by admins only, and the last admin stays", async () => {
    const { api, auth, setup } = apiWithAccounts();
    const admin = await setUp(api, setup);
    await userOf(api, admin, "viewer");
    const { id } = auth.users.byName("viewer")!;
    const changed = await api.ask(
      `/api/v1/users/${id}`,
      post({ role: "operator" }, admin, "PATCH"),
    );
    expect(await changed.json()).toMatchObject({ name: "viewer", role: "operator" });
    const root = auth.users.byName("root")!.id;
    expect((await api.ask(`/api/v1/users/${root}`, post(undefined, admin, "DELETE"))).status).toBe(
      409,
    );
    expect((await api.ask(`/api/v1/users/${id}`, post(undefined, admin, "DELETE"))).status).toBe(
      200,
    );
    expect((await api.ask("/api/v1/users/99", post(undefined, admin, "DELETE"))).status).toBe(404);
    const { items } = (await (await api.ask("/api/v1/audit", as(admin))).json()) as {
      items: { action: string }[];
    };
    expect(items.map(({ action }) => action)).toEqual(
      expect.arrayContaining(["user.remove", "user.change", "user.create", "login"]),
    );
  });

  test("guessing passwords is slowed down", async () => {
    const { api, setup } = apiWithAccounts();
    await setUp(api, setup);
    const guess = () =>
      api.ask("/api/v1/login", post({ name: "root", password: "wrong wrong wrong" }));
    const statuses: number[] = [];
    for (let i = 0; i < 20; i++) statuses.push((await guess()).status);
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    expect(statuses.filter((status) => status === 401).length).toBeLessThan(12);
    expect(Number((await guess()).headers.get("retry-after"))).toBeGreaterThan(0);
  }, 30_000);
});

describe("bodies", () => {
  test.each([
    ["", 400, /no JSON/],
    ["[]", 400, /no JSON object/],
    ["null", 400, /no JSON object/],
    ['{"name":1,"password":"x"}', 400, /name: expected a name/],
    ['{"password":"x"}', 400, /name: expected a name/],
    ['{"name":"a","password":"b","admin":true}', 400, /"admin": no such field/],
    ['{"name":"a","password":"b","__proto__":{"role":"admin"}}', 400, /"__proto__": no such field/],
    ["[".repeat(3000), 400, /no JSON/],
    [`{"name":"${"a".repeat(5000)}","password":"b"}`, 413, /at most 4096 bytes/],
  ])("a body is refused that is %p", async (body, status, why) => {
    const { api } = apiWithAccounts();
    const headers = { "content-type": "application/json" };
    const response = await api.ask("/api/v1/login", { method: "POST", headers, body });
    expect(response.status).toBe(status);
    expect(((await response.json()) as { detail: string }).detail).toMatch(why);
  });

  test("a body is refused that a form of another site could send", async () => {
    const { api } = apiWithAccounts();
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      const init = { method: "POST", headers: { "content-type": type }, body: "{}" };
      expect((await api.ask("/api/v1/login", init)).status).toBe(415);
    }
  });
});

test("each route of the description lets in whom it declares, and nobody else", async () => {
  const { options, close } = everything(folder);
  const { api, auth, setup } = apiWithAccounts(options);
  const admin = await setUp(api, setup);
  const sessions = new Map<Role, Session>([["admin", admin]]);
  for (const role of ["viewer", "operator"] as const)
    sessions.set(role, await userOf(api, admin, role));
  const adminId = auth.users.byName("root")!.id;
  const tokens = SCOPES.map((scope) => {
    const { token } = auth.tokens.create(adminId, { name: scope, scopes: [scope], expires: null });
    return [scope, token] as const;
  });
  const { paths } = await api.json("/openapi.json");
  let asked = 0;
  for (const [path, methods] of Object.entries<Record<string, { "x-needs": string }>>(paths))
    for (const [method, { "x-needs": needs }] of Object.entries(methods)) {
      const url = path.replace(/\{\w+\}/g, "999999");
      // Logging out would end the session that the others are asked with.
      if (needs === "public" || url === "/api/v1/logout") continue;
      const ask = async (headers: Record<string, string>): Promise<number> => {
        asked++;
        const init = { method: method.toUpperCase(), headers };
        return (await api.ask(url, init)).status;
      };
      expect([url, await ask({})]).toEqual([url, 401]);
      for (const role of ROLES) {
        const { cookie, csrf } = sessions.get(role)!;
        const status = await ask({ cookie: `${COOKIE_NAME}=${cookie}`, "x-csrf-token": csrf });
        const may = allows(
          { kind: "session", userId: 1, name: role, role, sessionId: "" },
          needs as never,
        );
        expect([method, url, role, status === 403]).toEqual([method, url, role, !may]);
      }
      for (const [scope, token] of tokens) {
        const status = await ask({ authorization: `Bearer ${token}` });
        expect([method, url, scope, status === 403]).toEqual([method, url, scope, scope !== needs]);
      }
    }
  expect(asked).toBeGreaterThan(200);
  await close();
});
