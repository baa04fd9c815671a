// SPDX-License-Identifier: BSD-3-Clause
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { hashOf, newSecret } from "./secrets.ts";
import { csrfToken, isCsrfToken } from "./sessions.ts";
import { MINUTE, MONDAY, TestAuth } from "./testing/auth.ts";

const HOUR = 60 * MINUTE;

test("Sessions know whose token it is, with the role of today", async () => {
  using t = new TestAuth();
  const { sessions, users } = t.auth;
  const id = await t.user("ann");
  const token = sessions.create(id, "192.0.2.1");
  expect(token).toMatch(/^[\w-]{43}$/);
  expect(sessions.verify(token)).toEqual({
    kind: "session",
    userId: id,
    name: "ann",
    role: "viewer",
    sessionId: hashOf(token).slice(0, 16),
  });
  users.update(id, { role: "operator" });
  expect(sessions.verify(token)?.role).toBe("operator");
  users.update(id, { disabled: true });
  expect(sessions.verify(token)).toBeUndefined();
});

test("Sessions keep no token, only its hash", async () => {
  using t = new TestAuth();
  const token = t.auth.sessions.create(await t.user("ann"), "");
  t.auth.close();
  const bytes = Buffer.from(await Bun.file(t.folder.file("control.sqlite")).bytes());
  expect(bytes.includes(hashOf(token))).toBeTrue();
  expect(bytes.includes(token)).toBeFalse();
});

test("Sessions end 30 minutes after the last use", async () => {
  using t = new TestAuth();
  const { sessions } = t.auth;
  const token = sessions.create(await t.user("ann"), "");
  t.time.now += 30 * MINUTE - 1;
  expect(sessions.verify(token)).toBeDefined();
  t.time.now += 30 * MINUTE - 1;
  expect(sessions.verify(token)).toBeDefined();
  t.time.now += 30 * MINUTE;
  expect(sessions.verify(token)).toBeUndefined();
});

test("Sessions end 12 hours after the log-in, however much they are used", async () => {
  using t = new TestAuth();
  const { sessions } = t.auth;
  const token = sessions.create(await t.user("ann"), "");
  for (let i = 1; i < 72; i++) {
    t.time.now = MONDAY + i * 10 * MINUTE;
    expect(sessions.verify(token)).toBeDefined();
  }
  t.time.now = MONDAY + 12 * HOUR - 1;
  expect(sessions.verify(token)).toBeDefined();
  t.time.now++;
  expect(sessions.verify(token)).toBeUndefined();
});

test("Sessions write a use down once a minute", async () => {
  using t = new TestAuth();
  const { sessions } = t.auth;
  const id = await t.user("ann");
  const token = sessions.create(id, "");
  const used = () => sessions.list(id)[0]!.lastUsed - MONDAY;
  t.time.now += MINUTE - 1;
  sessions.verify(token);
  expect(used()).toBe(0);
  t.time.now++;
  sessions.verify(token);
  expect(used()).toBe(MINUTE);
});

test("Sessions do not live longer by a clock that is set back", async () => {
  using t = new TestAuth();
  const { sessions } = t.auth;
  const token = sessions.create(await t.user("ann"), "");
  t.time.now -= 4 * MINUTE;
  expect(sessions.verify(token)).toBeDefined();
  t.time.now -= 365 * 24 * HOUR;
  expect(sessions.verify(token)).toBeUndefined();
});

test("Sessions rotate: a log-in ends the browser's session before", async () => {
  using t = new TestAuth();
  const { sessions } = t.auth;
  const id = await t.user("ann");
  const first = sessions.create(id, "");
  const second = sessions.create(id, "", first);
  expect(second).not.toBe(first);
  expect(sessions.verify(first)).toBeUndefined();
  expect(sessions.verify(second)).toBeDefined();
});

test("Sessions are revoked one by one, by their number, and all of a user's", async () => {
  using t = new TestAuth();
  const { sessions } = t.auth;
  const [ann, bob] = [await t.user("ann"), await t.user("bob")];
  const tokens = Array.from({ length: 4 }, () => sessions.create(ann, "192.0.2.1"));
  const other = sessions.create(bob, "");
  expect(sessions.revoke(tokens[0]!)).toBeTrue();
  expect(sessions.revoke(tokens[0]!)).toBeFalse();
  expect(sessions.revokeById(bob, hashOf(tokens[1]!).slice(0, 16))).toBeFalse();
  expect(sessions.revokeById(ann, hashOf(tokens[1]!).slice(0, 16))).toBeTrue();
  expect(sessions.list(ann)).toHaveLength(2);
  expect(sessions.list(ann)[0]).toMatchObject({ address: "192.0.2.1", created: MONDAY });
  expect(sessions.revokeAll(ann)).toBe(2);
  for (const token of tokens) expect(sessions.verify(token)).toBeUndefined();
  expect(sessions.verify(other)).toBeDefined();
});

test("Sessions of one user are 20 at most: the oldest leaves", async () => {
  using t = new TestAuth();
  const { sessions } = t.auth;
  const id = await t.user("ann");
  const tokens = Array.from({ length: 25 }, () => {
    t.time.now += 1000;
    return sessions.create(id, "");
  });
  expect(sessions.list(id)).toHaveLength(20);
  expect(tokens.map((token) => sessions.verify(token) !== undefined)).toEqual(
    tokens.map((_, i) => i >= 5),
  );
});

test("Sessions stay over a restart, and ended ones leave the table", async () => {
  using t = new TestAuth();
  const id = await t.user("ann");
  const old = t.auth.sessions.create(id, "");
  t.time.now += 20 * MINUTE;
  const young = t.auth.sessions.create(id, "");
  t.time.now += 20 * MINUTE;
  const { sessions } = t.restart();
  expect(sessions.verify(young)).toBeDefined();
  expect(sessions.revoke(old)).toBeFalse();
});

test("Sessions that have ended leave the table at the next log-in, whoever logs in", async () => {
  using t = new TestAuth();
  const { sessions } = t.auth;
  const [ann, bob] = [await t.user("ann"), await t.user("bob")];
  const idle = sessions.create(ann, "");
  const busy = sessions.create(ann, "");
  while (t.time.now < MONDAY + 12 * HOUR) {
    sessions.verify(busy);
    t.time.now += 10 * MINUTE;
  }
  sessions.create(bob, "");
  expect([sessions.revoke(idle), sessions.revoke(busy)]).toEqual([false, false]);
});

test("Sessions go with their user, and a number is never given twice", async () => {
  using t = new TestAuth();
  const { sessions, users } = t.auth;
  const id = await t.user("ann");
  const token = sessions.create(id, "");
  users.remove(id);
  expect(sessions.verify(token)).toBeUndefined();
  expect(await t.user("bob")).toBeGreaterThan(id);
});

test("Sessions let in by a database that cannot be written", async () => {
  using t = new TestAuth();
  const token = t.auth.sessions.create(await t.user("ann"), "");
  using other = new Database(t.folder.file("control.sqlite"));
  other.run("BEGIN IMMEDIATE");
  t.time.now += 5 * MINUTE;
  expect(t.auth.sessions.verify(token)).toBeDefined();
  other.run("COMMIT");
});

test("Sessions take any text for a token that opens nothing", async () => {
  using t = new TestAuth();
  const token = t.auth.sessions.create(await t.user("ann"), "");
  const wrong = ["", "x", token.slice(1), `${token} `, `${token}\0`, hashOf(token), newSecret()];
  for (const text of [...wrong, "' OR 1=1 --", "\ud800".repeat(43), "__proto__"])
    expect(t.auth.sessions.verify(text)).toBeUndefined();
});

test("csrfToken belongs to one session", () => {
  const [one, other] = [newSecret(), newSecret()];
  expect(csrfToken(one)).toMatch(/^[\w-]{43}$/);
  expect(isCsrfToken(one, csrfToken(one))).toBeTrue();
  expect(isCsrfToken(other, csrfToken(one))).toBeFalse();
  for (const text of ["", one, csrfToken(one).slice(1), `${csrfToken(one)}=`, "\ud800"])
    expect(isCsrfToken(one, text)).toBeFalse();
});
