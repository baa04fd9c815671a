// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, constantFrom, integer, property, string, subarray } from "fast-check";
import { allows, grants, ROLES, SCOPES } from "./access.ts";
import { hashOf } from "./secrets.ts";
import { MINUTE, MONDAY, TestAuth } from "./testing/auth.ts";
import { isTokenForm, newToken, TOKENS_PER_USER_MAX } from "./tokens.ts";

const WISH = { name: "backup", scopes: ["read:alerts"], expires: null } as const;

test("newToken has a prefix, 256 bits of base62 and a checksum", () => {
  const tokens = Array.from({ length: 400 }, newToken);
  expect(new Set(tokens).size).toBe(400);
  for (const token of tokens) expect(token).toMatch(/^nmn_[0-9A-Za-z]{49}$/);
  // Each character as likely as another: 17,200 over 62, and their spread is about 17.
  const seen = new Map<string, number>();
  for (const token of tokens)
    for (const each of token.slice(4, 47)) seen.set(each, (seen.get(each) ?? 0) + 1);
  expect(seen.size).toBe(62);
  for (const count of seen.values()) expect(count).toBeWithin(277 - 120, 277 + 120);
  // The first eight of the alphabet are where a byte modulo 62 would show: 2,219, or 2,687 with that.
  const first = [..."01234567"].reduce((sum, each) => sum + seen.get(each)!, 0);
  expect(first).toBeWithin(2219 - 230, 2219 + 230);
});

test("isTokenForm finds every single typing error, and takes any text", () => {
  const token = newToken();
  expect(isTokenForm(token)).toBeTrue();
  assert(
    property(integer({ min: 4, max: 52 }), constantFrom(..."0aZ9mQ"), (at, other) => {
      const typed = token.slice(0, at) + other + token.slice(at + 1);
      expect(isTokenForm(typed)).toBe(typed === token);
    }),
    { seed: 9, numRuns: 300 },
  );
  assert(
    property(string({ unit: "binary" }), (text) => {
      expect(isTokenForm(text)).toBeFalse();
      expect(isTokenForm(token + text)).toBe(text === "");
    }),
    { seed: 9 },
  );
  expect(isTokenForm(`${token}\n`)).toBeFalse();
  expect(isTokenForm(token.toLowerCase())).toBeFalse();
});

test("Tokens know their owner, with the role of today", async () => {
  using t = new TestAuth();
  const { tokens, users } = t.auth;
  const owner = await t.user("ann", "operator");
  const { id, token } = tokens.create(owner, { ...WISH, scopes: ["read:alerts", "control"] });
  const principal = tokens.verify(token)!;
  expect(principal).toEqual({
    kind: "token",
    userId: owner,
    name: "ann",
    role: "operator",
    tokenId: id,
    scopes: ["read:alerts", "control"],
  });
  expect(allows(principal, "control")).toBeTrue();
  users.update(owner, { role: "viewer" });
  expect(allows(tokens.verify(token)!, "control")).toBeFalse();
  expect(allows(tokens.verify(token)!, "read:alerts")).toBeTrue();
  users.update(owner, { disabled: true });
  expect(tokens.verify(token)).toBeUndefined();
});

test("Tokens keep no token, only its hash", async () => {
  using t = new TestAuth();
  const { token } = t.auth.tokens.create(await t.user("ann"), WISH);
  t.auth.close();
  const bytes = Buffer.from(await Bun.file(t.folder.file("control.sqlite")).bytes());
  expect(bytes.includes(hashOf(token))).toBeTrue();
  expect(bytes.includes(token.slice(4))).toBeFalse();
});

test("Tokens end at their time, and when they are revoked by their owner", async () => {
  using t = new TestAuth();
  const { tokens } = t.auth;
  const [ann, bob] = [await t.user("ann"), await t.user("bob")];
  const brief = tokens.create(ann, { ...WISH, expires: MONDAY + MINUTE });
  const endless = tokens.create(ann, WISH);
  t.time.now += MINUTE - 1;
  expect(tokens.verify(brief.token)).toBeDefined();
  t.time.now++;
  expect(tokens.verify(brief.token)).toBeUndefined();
  t.time.now += 1e12;
  expect(tokens.verify(endless.token)).toBeDefined();
  expect(tokens.revoke(bob, endless.id)).toBeFalse();
  expect(tokens.verify(endless.token)).toBeDefined();
  expect(tokens.revoke(ann, endless.id)).toBeTrue();
  expect(tokens.verify(endless.token)).toBeUndefined();
});

test("Tokens with an end do not live longer by a clock that is set back", async () => {
  using t = new TestAuth();
  const { token } = t.auth.tokens.create(await t.user("ann"), {
    ...WISH,
    expires: MONDAY + MINUTE,
  });
  t.time.now -= 24 * 60 * MINUTE;
  expect(t.auth.tokens.verify(token)).toBeUndefined();
});

test("Tokens write a use down once a minute, and stay over a restart", async () => {
  using t = new TestAuth();
  const id = await t.user("ann");
  const { token } = t.auth.tokens.create(id, WISH);
  const used = () => t.auth.tokens.list(id)[0]!.lastUsed;
  expect(used()).toBeNull();
  t.auth.tokens.verify(token);
  expect(used()).toBe(MONDAY);
  t.time.now += MINUTE - 1;
  t.auth.tokens.verify(token);
  expect(used()).toBe(MONDAY);
  t.time.now++;
  expect(t.restart().tokens.verify(token)).toBeDefined();
  expect(used()).toBe(MONDAY + MINUTE);
});

test("Tokens.complaint names what is wrong with a wish", async () => {
  using t = new TestAuth();
  const { tokens } = t.auth;
  const id = await t.user("ann");
  const of = (change: object) => tokens.complaint(id, "viewer", { ...WISH, ...change });
  expect(of({})).toBeUndefined();
  expect(of({ name: "a\u001b[2J" })).toStartWith("name:");
  expect(of({ name: "" })).toStartWith("name:");
  expect(of({ scopes: [] })).toStartWith("scopes: at least");
  expect(of({ scopes: ["read:alerts", "read:alerts"] })).toStartWith("scopes: each");
  for (const scope of ["admin", "account", "read:alerts admin", "constructor", ""])
    expect(of({ scopes: ["read:alerts", scope] })).toStartWith("scopes: not all");
  for (const expires of [MONDAY, -1, Number.NaN, Number.POSITIVE_INFINITY, MONDAY + 0.5])
    expect(of({ expires })).toStartWith("expires:");
  for (let i = 0; i < TOKENS_PER_USER_MAX; i++) tokens.create(id, WISH);
  expect(of({})).toStartWith("at most 100");
});

test("Tokens.complaint lets nobody give what they do not have", async () => {
  using t = new TestAuth();
  const id = await t.user("ann");
  assert(
    property(constantFrom(...ROLES), subarray([...SCOPES], { minLength: 1 }), (role, scopes) => {
      const fine = t.auth.tokens.complaint(id, role, { ...WISH, scopes }) === undefined;
      expect(fine).toBe(scopes.every((scope) => grants(role, scope)));
    }),
    { seed: 10 },
  );
});

test("Tokens leave out a scope that another version knew", async () => {
  using t = new TestAuth();
  const { token } = t.auth.tokens.create(await t.user("ann"), {
    ...WISH,
    scopes: ["read:alerts", "read:future"],
  });
  expect(t.auth.tokens.verify(token)?.scopes).toEqual(["read:alerts"]);
});
