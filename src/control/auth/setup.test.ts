// SPDX-License-Identifier: BSD-3-Clause
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hashOf, newSecret } from "./secrets.ts";
import { GOOD, TestAuth } from "./testing/auth.ts";

const claim = (t: TestAuth, token: string, name = "ann", password = GOOD) =>
  t.auth.claim(token, { name, password, address: "192.0.2.1" });

test("Setup makes a token at the first start, in a file for its owner alone, and keeps its hash", () => {
  using t = new TestAuth();
  const before = process.umask(0);
  const begun = t.auth.setup.begin()!;
  process.umask(before);
  expect(begun.token).toMatch(/^[\w-]{43}$/);
  expect(begun.fresh).toBeTrue();
  expect(begun.file).toBe(t.folder.file("setup-token"));
  expect(readFileSync(begun.file, "utf8")).toBe(`${begun.token}\n`);
  expect(statSync(begun.file).mode & 0o777).toBe(0o600);
  t.auth.close();
  const bytes = readFileSync(t.folder.file("control.sqlite"));
  expect(bytes.includes(begun.token)).toBeFalse();
  expect(bytes.includes(hashOf(begun.token))).toBeTrue();
  t.restart();
});

test("Setup keeps its token over a restart, and shows it once", () => {
  using t = new TestAuth();
  const { token } = t.auth.setup.begin()!;
  const again = t.restart().setup.begin()!;
  expect(again).toMatchObject({ token, fresh: false });
});

test("Setup makes another token when the file is gone or holds another one", () => {
  using t = new TestAuth();
  const { token, file } = t.auth.setup.begin()!;
  for (const spoil of [() => rmSync(file), () => writeFileSync(file, newSecret())]) {
    spoil();
    const other = t.restart().setup.begin()!;
    expect(other.fresh).toBeTrue();
    expect(other.token).not.toBe(token);
    expect(t.auth.setup.accepts(token)).toBeFalse();
    expect(t.auth.setup.accepts(other.token)).toBeTrue();
  }
});

test("Setup writes through no link, and says when it cannot write", () => {
  using t = new TestAuth();
  const target = t.folder.file("elsewhere");
  writeFileSync(target, "as it was");
  symlinkSync(target, t.folder.file("setup-token"));
  t.auth.setup.begin();
  expect(readFileSync(target, "utf8")).toBe("as it was");
  rmSync(t.folder.file("setup-token"));
  if (process.getuid?.() === 0) return;
  chmodSync(t.folder.path, 0o500);
  expect(() => t.auth.setup.begin()).toThrow(/^setup token: .* cannot be written/);
  chmodSync(t.folder.path, 0o700);
});

test("Setup ends with the first admin, who is logged in", async () => {
  using t = new TestAuth();
  const { token, file } = t.auth.setup.begin()!;
  const claimed = await claim(t, token);
  expect(claimed.ok && t.auth.sessions.verify(claimed.value.token)).toMatchObject({
    name: "ann",
    role: "admin",
  });
  expect(t.auth.setup.isOpen).toBeFalse();
  expect(existsSync(file)).toBeFalse();
  expect(await claim(t, token, "eve")).toMatchObject({ ok: false, problem: "denied" });
  expect(t.restart().setup.begin()).toBeUndefined();
  expect(await claim(t, token, "eve")).toMatchObject({ ok: false, problem: "denied" });
  expect(t.auth.users.list().map(({ name }) => name)).toEqual(["ann"]);
});

test("Setup ends with an admin who was made at the machine, not with a viewer", async () => {
  using t = new TestAuth();
  const { token, file } = t.auth.setup.begin()!;
  await t.user("bob", "viewer");
  expect(t.auth.setup.accepts(token)).toBeTrue();
  expect(await claim(t, token, "BOB")).toMatchObject({ ok: false, problem: "taken" });
  await t.user("ann", "admin");
  expect(t.auth.setup.accepts(token)).toBeFalse();
  expect(existsSync(file)).toBeFalse();
});

test("Setup stays closed though its file was put back, and though the admin was disabled", async () => {
  using t = new TestAuth();
  const { token, file } = t.auth.setup.begin()!;
  const id = await t.user("ann", "admin");
  writeFileSync(file, token);
  // As a crash between the two would leave it.
  using raw = new Database(t.folder.file("control.sqlite"));
  raw.run("INSERT INTO setting VALUES ('setup.token', ?)", [hashOf(token)]);
  t.auth.users.update(id, { disabled: true });
  expect(t.auth.setup.accepts(token)).toBeFalse();
  expect(t.restart().setup.begin()).toBeUndefined();
  expect(existsSync(file)).toBeFalse();
  expect(await claim(t, token)).toMatchObject({ ok: false });
});

test("Setup makes one admin of two claims at once", async () => {
  using t = new TestAuth();
  const { token } = t.auth.setup.begin()!;
  const claims = await Promise.all(["ann", "bob", "cat"].map((name) => claim(t, token, name)));
  expect(claims.filter(({ ok }) => ok)).toHaveLength(1);
  expect(t.auth.users.list()).toHaveLength(1);
});

test("Setup refuses wrong tokens, slower and slower, and keeps the right one for a better password", async () => {
  using t = new TestAuth();
  const { token } = t.auth.setup.begin()!;
  expect(await claim(t, token, "ann", "short")).toMatchObject({ problem: "invalid" });
  expect(await claim(t, token, "<ann>")).toMatchObject({ problem: "invalid" });
  for (const text of ["", "x", hashOf(token), newSecret(), "' OR 1=1 --"])
    expect(await claim(t, text)).toMatchObject({ ok: false, problem: "denied" });
  expect(await claim(t, token)).toMatchObject({ problem: "throttled", retryAfter: 2000 });
  t.time.now += 2000;
  expect(await claim(t, token)).toMatchObject({ ok: true });
  expect(t.actions().filter((action) => action === "setup.fail")).toHaveLength(5);
});
