// SPDX-License-Identifier: BSD-3-Clause
/** Users that a configuration names: they are there once it is in force. @module */
import { readFileSync } from "node:fs";
import { messageOf } from "../../core/errors.ts";
import type { LocalPrincipal } from "../auth/access.ts";
import type { By } from "../auth/accounts.ts";
import type { Auth } from "../auth/auth.ts";
import type { UserConfig } from "./read.ts";

/** Who it is in the audit log. */
const CONFIGURATION: LocalPrincipal = { kind: "local", name: "(configuration)", role: "admin" };
const BY: By = { principal: CONFIGURATION, address: "" };

/**
 * Make the users that are missing, with the passwords of their files, and give all of them their roles. A password that
 * a user has already stays, and a user that the configuration no longer names is left alone.
 * @returns what could not be done, in words
 */
export async function applyUsers(
  { accounts, users }: Pick<Auth, "accounts" | "users">,
  wanted: readonly UserConfig[],
): Promise<string[]> {
  const each = wanted.map(async ({ name, role, passwordFile }): Promise<string[]> => {
    const known = users.byName(name);
    if (known?.role === role) return [];
    try {
      const result = known
        ? accounts.changeUser(BY, known.id, { role })
        : await accounts.createUser(BY, { name, role, password: firstLine(passwordFile) });
      return result.ok ? [] : [`users.${name}: ${result.detail}`];
    } catch (error) {
      return [`users.${name}: passwordFile: ${messageOf(error)}`];
    }
  });
  return (await Promise.all(each)).flat();
}

const firstLine = (path: string): string => readFileSync(path, "utf8").split("\n")[0]!;
