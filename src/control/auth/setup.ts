// SPDX-License-Identifier: BSD-3-Clause
import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { eq } from "drizzle-orm";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import type { ControlDatabase } from "./database.ts";
import { setting } from "./schema.ts";
import { hashOf, isSecretForm, newSecret, sameSecret } from "./secrets.ts";
import type { Users } from "./users.ts";

const KEY = "setup.token";
const MODE = 0o600;

/** The token of a machine nobody has set up yet. */
export interface SetupToken {
  readonly token: string;
  /** The file that holds it, for the one who missed the console. */
  readonly file: string;
  /** Whether it was made just now: the caller shows it then, and only then. */
  readonly fresh: boolean;
}

/**
 * What the first admin proves to be at the machine with. There is no default password: a token is made at the
 * first start, shown once, and ends the moment there is an admin, however that one came to be.
 */
export class Setup {
  readonly #database: ControlDatabase;
  readonly #users: Users;
  readonly #file: string;

  constructor(database: ControlDatabase, users: Users, file: string) {
    this.#database = database;
    this.#users = users;
    this.#file = file;
  }

  /** Whether the machine waits for its first admin. */
  get isOpen(): boolean {
    return !this.#users.hasAdmin();
  }

  /**
   * At every start: the token while there is no admin, the same one as long as its file is there.
   * Throws `ERR_STORE` when the file cannot be written.
   */
  begin(): SetupToken | undefined {
    if (!this.isOpen) {
      this.end();
      return undefined;
    }
    const file = this.#file;
    const kept = this.#kept();
    if (kept !== undefined && this.accepts(kept)) return { token: kept, file, fresh: false };
    const token = newSecret();
    this.#write(token);
    const value = hashOf(token);
    this.#database.orm
      .insert(setting)
      .values({ key: KEY, value })
      .onConflictDoUpdate({ target: setting.key, set: { value } })
      .run();
    return { token, file, fresh: true };
  }

  /** Whether this is the token and there is still something to set up. */
  accepts(token: string): boolean {
    if (!isSecretForm(token) || !this.isOpen) return false;
    const row = this.#database.orm.select().from(setting).where(eq(setting.key, KEY)).get();
    return row !== undefined && sameSecret(row.value, hashOf(token));
  }

  /** Forget the token. That it does not count any more needs no file to be removed. */
  end(): void {
    this.#database.orm.delete(setting).where(eq(setting.key, KEY)).run();
    try {
      rmSync(this.#file, { force: true });
    } catch {
      // It opens nothing.
    }
  }

  #kept(): string | undefined {
    try {
      return readFileSync(this.#file, "utf8").trim();
    } catch {
      return undefined;
    }
  }

  #write(token: string): void {
    try {
      // A link put in its place would have the token written to where others read.
      rmSync(this.#file, { force: true });
      const { O_CREAT, O_EXCL, O_WRONLY } = constants;
      const fd = openSync(this.#file, O_CREAT | O_EXCL | O_WRONLY, MODE);
      try {
        writeSync(fd, `${token}\n`);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      throw new NemeanError(
        "ERR_STORE",
        EXIT.cannotCreate,
        `setup token: ${this.#file} cannot be written (${messageOf(error)})`,
        error,
      );
    }
  }
}
