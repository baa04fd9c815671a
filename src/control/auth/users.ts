// SPDX-License-Identifier: BSD-3-Clause
import { and, asc, count, eq } from "drizzle-orm";
import type { Role } from "./access.ts";
import type { ControlDatabase } from "./database.ts";
import { user } from "./schema.ts";
import { userName } from "./text.ts";

/** A user as others may see it. */
export interface UserInfo {
  readonly id: number;
  readonly name: string;
  readonly role: Role;
  readonly created: number;
  readonly disabled: boolean;
}

export interface UserChange {
  readonly role?: Role;
  readonly disabled?: boolean;
}

export const USERS_MAX = 1000;

const COLUMNS = {
  id: user.id,
  name: user.name,
  role: user.role,
  created: user.created,
  disabled: user.disabled,
};

/** The table of users. What may be done to it is decided where it is called from. */
export class Users {
  readonly #database: ControlDatabase;
  readonly #now: () => number;

  constructor(database: ControlDatabase, now: () => number = Date.now) {
    this.#database = database;
    this.#now = now;
  }

  list(): UserInfo[] {
    return this.#database.orm.select(COLUMNS).from(user).orderBy(asc(user.name)).all();
  }

  get(id: number): UserInfo | undefined {
    return this.#database.orm.select(COLUMNS).from(user).where(eq(user.id, id)).get();
  }

  count(): number {
    return this.#database.orm.select({ n: count() }).from(user).get()?.n ?? 0;
  }

  /** How many admins may log in. */
  admins(): number {
    const of = and(eq(user.role, "admin"), eq(user.disabled, false));
    return this.#database.orm.select({ n: count() }).from(user).where(of).get()?.n ?? 0;
  }

  /** Whether there is an admin, be it one who may not log in. */
  hasAdmin(): boolean {
    const of = eq(user.role, "admin");
    return this.#database.orm.select(COLUMNS).from(user).where(of).limit(1).get() !== undefined;
  }

  /** The row of a name, however its letters are written. */
  byName(name: string): (UserInfo & { readonly passwordHash: string }) | undefined {
    const folded = userName(name);
    if (folded === undefined) return undefined;
    return this.#database.orm.select().from(user).where(eq(user.name, folded)).get();
  }

  /** Add a user by a name that {@link userName} made; its number. */
  insert(name: string, role: Role, passwordHash: string): number {
    return this.#database.orm
      .insert(user)
      .values({ name, role, passwordHash, created: this.#now() })
      .returning({ id: user.id })
      .get().id;
  }

  update(id: number, change: UserChange): void {
    this.#database.orm.update(user).set(change).where(eq(user.id, id)).run();
  }

  setPassword(id: number, passwordHash: string): void {
    this.#database.orm.update(user).set({ passwordHash }).where(eq(user.id, id)).run();
  }

  /** Sessions and tokens go as well. */
  remove(id: number): void {
    this.#database.orm.delete(user).where(eq(user.id, id)).run();
  }
}
