// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, constantFrom, property, subarray } from "fast-check";
import { allows, isRole, isScope, LOCAL, type Need, ROLES, type Role, SCOPES } from "./access.ts";

const NEEDS: readonly Need[] = [...SCOPES, "account"];
const user = (role: Role) =>
  ({ kind: "session", userId: 1, name: "ann", role, sessionId: "" }) as const;

test.each<[Role, Need[]]>([
  ["viewer", ["read:alerts", "account"]],
  ["operator", ["read:alerts", "write:alerts", "read:config", "control", "account"]],
  ["admin", [...NEEDS]],
])("allows lets a %s do what is in the table and nothing else", (role, may) => {
  expect(NEEDS.filter((need) => allows(user(role), need))).toEqual(may);
});

test("allows never gives a viewer more than an operator, nor an operator more than an admin", () => {
  for (const need of NEEDS) {
    const may = ROLES.map((role) => Number(allows(user(role), need)));
    expect(may).toEqual([...may].sort());
  }
});

test("allows never gives a token more than its owner or its scopes", () => {
  assert(
    property(constantFrom(...ROLES), subarray([...SCOPES]), (role, scopes) => {
      const token = { ...user(role), kind: "token", tokenId: 1, scopes } as const;
      const may = NEEDS.filter((need) => allows(token, need));
      const owner = NEEDS.filter((need) => allows(user(role), need));
      expect(may).toEqual(owner.filter((need) => (scopes as Need[]).includes(need)));
    }),
    { seed: 5, numRuns: 200 },
  );
});

test("allows lets the local peer do all but mind an account it does not have", () => {
  expect(NEEDS.filter((need) => !allows(LOCAL, need))).toEqual(["account"]);
});

test("isRole and isScope know no names of Object.prototype", () => {
  for (const name of ["constructor", "__proto__", "toString", "", "Admin", "admin "]) {
    expect(isRole(name)).toBeFalse();
    expect(isScope(name)).toBeFalse();
  }
});
