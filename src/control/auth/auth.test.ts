// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, asyncProperty, string } from "fast-check";
import { Auth } from "./auth.ts";
import { Passwords } from "./passwords.ts";
import { isCsrfToken } from "./sessions.ts";
import { BY_LOCAL, GOOD, QUICK, TestAuth } from "./testing/auth.ts";
import { TestFolder } from "./testing/folder.ts";

const login = (t: TestAuth, name: string, password = GOOD, address = "192.0.2.1") =>
  t.auth.login({ name, password, address });

test("Auth.login begins a session, whose request is then known", async () => {
  using t = new TestAuth();
  const userId = await t.user("ann", "operator");
  const result = await login(t, "ANN");
  if (!result.ok) throw new Error(result.detail);
  const { token, csrf, principal } = result.value;
  expect(principal).toMatchObject({ kind: "session", userId, name: "ann", role: "operator" });
  expect(isCsrfToken(token, csrf)).toBeTrue();
  expect(t.auth.principalOf({ cookie: token })).toEqual(principal);
  t.auth.logout(token, "192.0.2.1");
  expect(t.auth.principalOf({ cookie: token })).toBeUndefined();
  expect(t.actions()).toEqual(["logout", "login", "user.create"]);
});

test("Auth.login says the same for a wrong password, a wrong name and a disabled user", async () => {
  using t = new TestAuth();
  await t.user("ann");
  const off = await t.user("off");
  t.auth.users.update(off, { disabled: true });
  const answers = [
    await login(t, "ann", "something else"),
    await login(t, "nobody"),
    await login(t, "off"),
    await login(t, "\u212a<script>"),
  ];
  for (const answer of answers)
    expect(answer).toEqual({ ok: false, problem: "denied", detail: "name or password is wrong" });
  // What cannot be a name may be a password in the wrong box: it is not written down.
  const actors = t.auth.audit.page({ limit: 4 }).items.map(({ actor }) => actor);
  expect(actors).toEqual(["", "off", "nobody", "ann"]);
});

test("Auth.login ends the session that the browser had before", async () => {
  using t = new TestAuth();
  await t.user("ann");
  const first = await login(t, "ann");
  if (!first.ok) throw new Error(first.detail);
  const previous = first.value.token;
  await t.auth.login({ name: "ann", password: GOOD, address: "", previous });
  expect(t.auth.sessions.verify(previous)).toBeUndefined();
});

test("Auth.login tries at most ten of a thousand passwords, and the user still gets in from elsewhere", async () => {
  using t = new TestAuth();
  await t.user("ann");
  expect(await login(t, "ann", GOOD, "203.0.113.1")).toMatchObject({ ok: true });
  const problems: string[] = [];
  for (let i = 0; i < 1000; i++) {
    const answer = await login(t, "ann", `wrong ${i}`, `198.51.100.${i % 100}`);
    if (!answer.ok) problems.push(answer.problem);
  }
  expect(problems.filter((problem) => problem === "denied")).toHaveLength(10);
  expect(problems.filter((problem) => problem === "throttled")).toHaveLength(990);
  expect(t.actions().filter((action) => action === "login.fail")).toHaveLength(10);
  expect(await login(t, "ann", GOOD, "203.0.113.1")).toMatchObject({ ok: true });
});

test("Auth.login counts attempts that come at once before any of them is checked", async () => {
  using t = new TestAuth();
  await t.user("ann");
  const answers = await Promise.all(Array.from({ length: 50 }, () => login(t, "ann", "wrong")));
  const denied = answers.filter((answer) => !answer.ok && answer.problem === "denied");
  expect(denied).toHaveLength(5);
});

test("Auth.login takes no attempt away from who came while too many waited", async () => {
  using folder = new TestFolder();
  const held: (() => void)[] = [];
  const verify = (password: string, hash: string) =>
    new Promise<boolean>((resolve) => held.push(() => resolve(QUICK.verify(password, hash))));
  const passwords = new Passwords({ ...QUICK, verify });
  using auth = new Auth(folder.file("a.sqlite"), { passwords });
  await auth.accounts.createUser(BY_LOCAL, { name: "ann", role: "viewer", password: GOOD });
  const from = (i: number) => ({ name: `u${i}`, password: GOOD, address: `192.0.2.${i}` });
  const crowd = Array.from({ length: 34 }, (_, i) => auth.login(from(i)));
  const late = { name: "ann", password: GOOD, address: "198.51.100.1" };
  for (let i = 0; i < 20; i++)
    expect(await auth.login(late)).toMatchObject({ problem: "throttled", retryAfter: 1000 });
  let ended = false;
  const all = Promise.all(crowd).then(() => {
    ended = true;
  });
  while (!ended) {
    held.shift()?.();
    await Bun.sleep(0);
  }
  await all;
  const entered = auth.login(late);
  held.shift()?.();
  expect(await entered).toMatchObject({ ok: true });
});

test("Auth.login lets nobody in who was disabled while the password was checked", async () => {
  using t = new TestAuth();
  const id = await t.user("ann");
  const entering = login(t, "ann");
  t.auth.accounts.changeUser(BY_LOCAL, id, { disabled: true });
  expect(await entering).toMatchObject({ ok: false, problem: "denied" });
});

test("Auth.principalOf takes a token before a cookie, and neither for the other", async () => {
  using t = new TestAuth();
  const id = await t.user("ann");
  const session = t.auth.sessions.create(id, "");
  const wish = { name: "a", scopes: ["read:alerts"], expires: null };
  const { token } = t.auth.tokens.create(id, wish);
  expect(t.auth.principalOf({ bearer: token, cookie: session })?.kind).toBe("token");
  expect(t.auth.principalOf({ bearer: session, cookie: session })).toBeUndefined();
  expect(t.auth.principalOf({ cookie: token })).toBeUndefined();
  expect(t.auth.principalOf({})).toBeUndefined();
});

test("Auth.login takes any text", async () => {
  using t = new TestAuth();
  await t.user("ann");
  await assert(
    asyncProperty(
      string({ unit: "binary" }),
      string({ unit: "binary" }),
      async (name, password) => {
        t.time.now += 20 * 60_000;
        expect(await login(t, name, password, name)).toMatchObject({ ok: false });
        expect(t.auth.principalOf({ bearer: name, cookie: password })).toBeUndefined();
      },
    ),
    { seed: 12, numRuns: 100 },
  );
  expect(await login(t, "x".repeat(1e6), "y".repeat(1e6))).toMatchObject({ ok: false });
});

test("Auth keeps users over a restart, with real hashes", async () => {
  using folder = new TestFolder();
  const path = folder.file("control.sqlite");
  const ann = { name: "Ann", password: GOOD, address: "192.0.2.1" };
  {
    using auth = new Auth(path);
    await auth.accounts.createUser(BY_LOCAL, { ...ann, role: "viewer" });
  }
  using auth = new Auth(path);
  expect(await auth.login(ann)).toMatchObject({ ok: true, value: { principal: { name: "ann" } } });
  expect(await auth.login({ ...ann, password: `${GOOD}!` })).toMatchObject({ problem: "denied" });
});
