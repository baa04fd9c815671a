// SPDX-License-Identifier: BSD-3-Clause
import { join } from "node:path";
import { LOCAL, type Role } from "../access.ts";
import type { By } from "../accounts.ts";
import { Auth } from "../auth.ts";
import { type Hashing, Passwords } from "../passwords.ts";
import { TestFolder } from "./folder.ts";

/** 2026-01-05T09:00:00Z in milliseconds. */
export const MONDAY = 1_767_603_600_000;
export const MINUTE = 60_000;
export const GOOD = "correct horse battery";

/** Hashing without its cost, for tests of everything around it. */
export const QUICK: Hashing = {
  hash: async (password) => `quick:${Bun.hash(password)}`,
  verify: async (password, hash) => hash === `quick:${Bun.hash(password)}`,
};

export const BY_LOCAL: By = { principal: LOCAL, address: "" };

/** An Auth in a folder of its own, whose clocks the test moves. */
export class TestAuth implements Disposable {
  readonly folder = new TestFolder();
  readonly time = { now: MONDAY };
  auth = this.#open();

  #open(): Auth {
    const now = () => this.time.now;
    const passwords = new Passwords(QUICK);
    return new Auth(join(this.folder.path, "control.sqlite"), { now, clock: now, passwords });
  }

  /** Close and open again, as a restart does. */
  restart(): Auth {
    this.auth.close();
    this.auth = this.#open();
    return this.auth;
  }

  /** A new user with the password {@link GOOD}; its number. */
  async user(name: string, role: Role = "viewer"): Promise<number> {
    const made = await this.auth.accounts.createUser(BY_LOCAL, { name, role, password: GOOD });
    if (!made.ok) throw new Error(made.detail);
    return made.value.id;
  }

  /** What was done, the latest first. */
  actions(): string[] {
    return this.auth.audit.page().items.map(({ action }) => action);
  }

  [Symbol.dispose](): void {
    this.auth.close();
    this.folder[Symbol.dispose]();
  }
}
