// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { TestAuth } from "../auth/testing/auth.ts";
import { parseConfig } from "./read.ts";
import { applyUsers } from "./users.ts";

const accounts = new TestAuth();
const file = join(accounts.folder.path, "password");
beforeAll(() => writeFileSync(file, "a long enough password\nand more\n"));
afterAll(() => accounts[Symbol.dispose]());

const alice = (role: "viewer" | "operator" | "admin", passwordFile = file) => [
  { name: "alice", role, passwordFile },
];

test("applyUsers makes a user with the password of its file, who can log in", async () => {
  const { auth } = accounts;
  expect(await applyUsers(auth, alice("operator"))).toEqual([]);
  const password = "a long enough password";
  const login = await auth.login({ name: "alice", password, address: "" });
  expect(login).toMatchObject({ ok: true, value: { principal: { role: "operator" } } });
  expect(auth.audit.page({}).items[1]).toMatchObject({
    actor: "(configuration)",
    action: "user.create",
    target: "alice",
  });
});

test("applyUsers gives a user that is there another role, and leaves the password", async () => {
  const { auth } = accounts;
  const { passwordHash } = auth.users.byName("alice")!;
  expect(await applyUsers(auth, alice("viewer", "/none"))).toEqual([]);
  expect(auth.users.byName("alice")).toMatchObject({ role: "viewer", passwordHash });
});

test("applyUsers says which file cannot be read and which password is too weak", async () => {
  const weak = join(accounts.folder.path, "weak");
  writeFileSync(weak, "short\n");
  const problems = await applyUsers(accounts.auth, [
    { name: "bob", role: "viewer", passwordFile: "/none" },
    { name: "carol", role: "viewer", passwordFile: weak },
  ]);
  expect(problems).toEqual([
    expect.stringMatching(/^users.bob: passwordFile: ENOENT/),
    expect.stringMatching(/^users.carol: password: /),
  ]);
});

test.each([
  ['[users."a b"]\npasswordFile = "x"\n', /:3:1: users: name: 1 to 64/],
  ["[users.a]\n", /:3:1: users.a: name the file of the first password/],
  ['[users.a]\nrole = "root"\n', /users.a.role: expected viewer, operator, admin, got "root"/],
])("a configuration whose users cannot be is refused: %p", async (text, message) => {
  const tap = '[[sources]]\ninterface = "tap0"\n';
  await expect(parseConfig(tap + text, "x.toml")).rejects.toThrow(message);
});
