// SPDX-License-Identifier: BSD-3-Clause
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import type { SessionPrincipal } from "./access.ts";
import type { By } from "./accounts.ts";
import { BY_LOCAL, GOOD, TestAuth } from "./testing/auth.ts";

const NEW = "staple wagon nightly";

/** A user's session. */
function sessionOf(t: TestAuth, userId: number): { token: string; by: By<SessionPrincipal> } {
  const token = t.auth.sessions.create(userId, "192.0.2.1");
  return { token, by: { principal: t.auth.sessions.verify(token)!, address: "192.0.2.1" } };
}

test("Accounts.createUser takes a name once, however its letters are written", async () => {
  using t = new TestAuth();
  await t.user("ann");
  const make = (name: string, role = "viewer", password = GOOD) =>
    t.auth.accounts.createUser(BY_LOCAL, { name, role, password });
  expect(await make("ANN")).toMatchObject({ ok: false, problem: "taken" });
  expect(await make("Bob")).toMatchObject({ ok: true, value: { name: "bob", disabled: false } });
  expect(await make("(local)")).toMatchObject({ problem: "invalid" });
  expect(await make("cat", "root")).toMatchObject({
    problem: "invalid",
    detail: "role: viewer, operator or admin",
  });
  expect(await make("cat", "viewer", "short")).toMatchObject({ problem: "invalid" });
  const [one, two] = await Promise.all([make("dan"), make("dan")]);
  expect([one.ok, two.ok].sort()).toEqual([false, true]);
  expect(t.auth.users.list().map(({ name }) => name)).toEqual(["ann", "bob", "dan"]);
});

test("Accounts shows no hash of a password", async () => {
  using t = new TestAuth();
  const id = await t.user("ann", "admin");
  const other = await t.user("bob");
  const { accounts, users, audit } = t.auth;
  const shown = [
    users.list(),
    users.get(id),
    accounts.changeUser(BY_LOCAL, other, { role: "admin" }),
    await accounts.resetPassword(BY_LOCAL, other, NEW),
    accounts.removeUser(BY_LOCAL, other),
    audit.page(),
  ];
  expect(JSON.stringify(shown)).not.toContain("quick:");
  expect(JSON.stringify(shown)).not.toContain(NEW);
});

test("Accounts.changeUser holds at once: sessions end, tokens have the new role", async () => {
  using t = new TestAuth();
  const { accounts, sessions, tokens } = t.auth;
  const id = await t.user("ann", "operator");
  const { token, by } = sessionOf(t, id);
  const made = accounts.createToken(by, { name: "a", scopes: ["control"], expires: null });
  if (!made.ok) throw new Error(made.detail);
  expect(accounts.changeUser(BY_LOCAL, id, { role: "viewer" })).toMatchObject({
    ok: true,
    value: { role: "viewer", disabled: false },
  });
  expect(sessions.verify(token)).toBeUndefined();
  expect(tokens.verify(made.value.token)?.role).toBe("viewer");
  accounts.changeUser(BY_LOCAL, id, { disabled: true });
  expect(tokens.verify(made.value.token)).toBeUndefined();
  accounts.changeUser(BY_LOCAL, id, { disabled: false });
  expect(t.auth.users.get(id)).toMatchObject({ role: "viewer", disabled: false });
  for (const none of [999, 0, -1, 0.5, Number.NaN, 2 ** 60, Number.POSITIVE_INFINITY])
    expect(accounts.changeUser(BY_LOCAL, none, {})).toMatchObject({ problem: "missing" });
});

test("Accounts keeps the last admin who can log in", async () => {
  using t = new TestAuth();
  const { accounts } = t.auth;
  const [ann, bob] = [await t.user("ann", "admin"), await t.user("bob", "admin")];
  expect(accounts.changeUser(BY_LOCAL, bob, { disabled: true })).toMatchObject({ ok: true });
  for (const result of [
    accounts.changeUser(BY_LOCAL, ann, { disabled: true }),
    accounts.changeUser(BY_LOCAL, ann, { role: "operator" }),
    accounts.removeUser(BY_LOCAL, ann),
  ])
    expect(result).toMatchObject({ ok: false, problem: "refused" });
  expect(t.auth.users.get(ann)).toMatchObject({ role: "admin", disabled: false });
  // One who cannot log in is nobody's last hope.
  expect(accounts.changeUser(BY_LOCAL, bob, { role: "viewer" })).toMatchObject({ ok: true });
  expect(accounts.changeUser(BY_LOCAL, bob, { role: "admin" })).toMatchObject({ ok: true });
  expect(accounts.changeUser(BY_LOCAL, bob, { disabled: false })).toMatchObject({ ok: true });
  expect(accounts.removeUser(BY_LOCAL, ann)).toMatchObject({ ok: true });
  expect(t.auth.users.list().map(({ name }) => name)).toEqual(["bob"]);
});

test("Accounts.resetPassword ends sessions and lets the new password in alone", async () => {
  using t = new TestAuth();
  const { accounts, sessions } = t.auth;
  const id = await t.user("ann");
  const { token } = sessionOf(t, id);
  expect(await accounts.resetPassword(BY_LOCAL, id, "short")).toMatchObject({ problem: "invalid" });
  expect(sessions.verify(token)).toBeDefined();
  expect(await accounts.resetPassword(BY_LOCAL, id, NEW)).toMatchObject({ ok: true });
  expect(sessions.verify(token)).toBeUndefined();
  const login = (password: string) => t.auth.login({ name: "ann", password, address: "" });
  expect(await login(GOOD)).toMatchObject({ ok: false });
  expect(await login(NEW)).toMatchObject({ ok: true });
  expect(await accounts.resetPassword(BY_LOCAL, 99, NEW)).toMatchObject({ problem: "missing" });
});

test("Accounts.changePassword wants the old one, and goes on in a new session", async () => {
  using t = new TestAuth();
  const { accounts, sessions } = t.auth;
  const id = await t.user("ann");
  const { token, by } = sessionOf(t, id);
  const other = sessionOf(t, id);
  expect(await accounts.changePassword(by, "wrong", NEW)).toMatchObject({ problem: "denied" });
  expect(await accounts.changePassword(by, GOOD, "short")).toMatchObject({ problem: "invalid" });
  expect(sessions.verify(token)).toBeDefined();
  const changed = await accounts.changePassword(by, GOOD, NEW);
  if (!changed.ok) throw new Error(changed.detail);
  for (const ended of [token, other.token]) expect(sessions.verify(ended)).toBeUndefined();
  expect(sessions.verify(changed.value)).toMatchObject({ userId: id });
  expect(t.actions().slice(0, 2)).toEqual(["password.change", "password.fail"]);
});

test("Accounts.changePassword is guessed no faster than a log-in", async () => {
  using t = new TestAuth();
  const { by } = sessionOf(t, await t.user("ann"));
  for (let i = 0; i < 5; i++)
    expect(await t.auth.accounts.changePassword(by, `wrong ${i}`, NEW)).toMatchObject({
      problem: "denied",
    });
  expect(await t.auth.accounts.changePassword(by, GOOD, NEW)).toMatchObject({
    problem: "throttled",
  });
});

test("Accounts.changePassword gives way to what an admin did meanwhile", async () => {
  using t = new TestAuth();
  const { accounts } = t.auth;
  const id = await t.user("ann");
  const { by } = sessionOf(t, id);
  const changing = accounts.changePassword(by, GOOD, NEW);
  accounts.changeUser(BY_LOCAL, id, { disabled: true });
  expect(await changing).toMatchObject({ ok: false, problem: "denied" });
  expect(t.auth.sessions.list(id)).toEqual([]);
});

test("Accounts.createToken gives at most what its owner has today", async () => {
  using t = new TestAuth();
  const { accounts, tokens, users } = t.auth;
  const id = await t.user("ann", "admin");
  const { by } = sessionOf(t, id);
  // The principal is older than the demotion.
  users.update(id, { role: "viewer" });
  const wish = { name: "a", scopes: ["admin"], expires: null };
  expect(accounts.createToken(by, wish)).toMatchObject({ ok: false, problem: "invalid" });
  expect(tokens.list(id)).toEqual([]);
  const made = accounts.createToken(by, { ...wish, scopes: ["read:alerts"] });
  if (!made.ok) throw new Error(made.detail);
  expect(accounts.revokeToken(by, 99, made.value.id)).toMatchObject({ problem: "missing" });
  expect(accounts.revokeToken(by, id, made.value.id)).toMatchObject({ ok: true });
  expect(accounts.revokeToken(by, id, made.value.id)).toMatchObject({ problem: "missing" });
  expect(JSON.stringify(t.auth.audit.page())).not.toContain(made.value.token);
});

test("Accounts.revokeSessions ends one or all of a user's", async () => {
  using t = new TestAuth();
  const { accounts, sessions } = t.auth;
  const id = await t.user("ann");
  const { by, token } = sessionOf(t, id);
  const rest = [sessionOf(t, id), sessionOf(t, id)];
  const one = { ok: true, value: 1 } as const;
  expect(accounts.revokeSessions(by, id, by.principal.sessionId)).toEqual(one);
  expect(sessions.verify(token)).toBeUndefined();
  expect(accounts.revokeSessions(by, id, "x")).toMatchObject({ problem: "missing" });
  expect(accounts.revokeSessions(by, 99)).toMatchObject({ problem: "missing" });
  expect(accounts.revokeSessions(BY_LOCAL, id)).toEqual({ ok: true, value: 2 });
  for (const each of rest) expect(sessions.verify(each.token)).toBeUndefined();
});

test("Accounts writes down who did what from where, a token with its number, and nothing that failed", async () => {
  using t = new TestAuth();
  const { accounts, audit } = t.auth;
  const id = await t.user("ann", "admin");
  const { by } = sessionOf(t, id);
  const made = accounts.createToken(by, { name: "a", scopes: ["admin"], expires: null });
  if (!made.ok) throw new Error(made.detail);
  const principal = t.auth.tokens.verify(made.value.token)!;
  const other = await t.user("bob");
  accounts.changeUser({ principal, address: "2001:db8::1" }, other, { role: "operator" });
  accounts.removeUser(by, id);
  const [last, ...earlier] = audit.page().items;
  expect(last).toMatchObject({
    actor: "ann",
    action: "user.change",
    target: "bob",
    address: "2001:db8::1",
    detail: {
      before: { role: "viewer", disabled: false },
      after: { role: "operator", disabled: false },
      token: made.value.id,
    },
  });
  expect(earlier.map(({ actor, action }) => `${actor} ${action}`)).toEqual([
    "(local) user.create",
    "ann token.create",
    "(local) user.create",
  ]);
});

test("Accounts changes nothing that it cannot write down", async () => {
  using t = new TestAuth();
  const id = await t.user("ann");
  using raw = new Database(t.folder.file("control.sqlite"));
  raw.run("CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END");
  expect(() => t.auth.accounts.changeUser(BY_LOCAL, id, { role: "admin" })).toThrow();
  expect(t.auth.users.get(id)?.role).toBe("viewer");
});
