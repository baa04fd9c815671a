// SPDX-License-Identifier: BSD-3-Clause
import { desc, eq, lte } from "drizzle-orm";
import { usageError } from "../../core/errors.ts";
import { type OpenDatabase, openDatabase } from "../store/database.ts";
import { configRevision } from "../store/schema.ts";

/** Older ones than so many are forgotten. */
const KEPT_MAX = 1000;

export type Revision = typeof configRevision.$inferSelect;
export type RevisionSummary = Omit<Revision, "body">;

/** The configurations that were applied to a data folder's database. */
export class Revisions implements Disposable {
  readonly #database: OpenDatabase;

  /** @throws {NemeanError} ERR_STORE */
  constructor(path: string) {
    this.#database = openDatabase(path);
  }

  /** The one in force; undefined when none was applied. */
  newest(): Revision | undefined {
    return this.#database.orm.select().from(configRevision).orderBy(desc(configRevision.id)).get();
  }

  /** The newest first. */
  list(limit = KEPT_MAX): RevisionSummary[] {
    const { id, at, reason } = configRevision;
    const summaries = this.#database.orm.select({ id, at, reason }).from(configRevision);
    return summaries.orderBy(desc(id)).limit(limit).all();
  }

  find(id: number): Revision | undefined {
    const { orm } = this.#database;
    return orm.select().from(configRevision).where(eq(configRevision.id, id)).get();
  }

  /** @throws {NemeanError} ERR_USAGE when there is none of that number */
  get(id: number): Revision {
    const found = this.find(id);
    if (found) return found;
    const newest = this.newest();
    throw usageError(
      newest
        ? `no revision ${id}; nemean config list shows those there are, the newest is ${newest.id}`
        : `no revision ${id}: none was applied yet; nemean config apply FILE makes the first`,
    );
  }

  /** Put a configuration in force, unless it is the one that is. Returns the revision in force. */
  apply(body: string, reason: string): Revision {
    const newest = this.newest();
    if (newest?.body === body) return newest;
    const { orm } = this.#database;
    const at = Date.now() * 1000;
    const made = orm.insert(configRevision).values({ at, reason, body }).returning().get();
    orm
      .delete(configRevision)
      .where(lte(configRevision.id, made.id - KEPT_MAX))
      .run();
    return made;
  }

  [Symbol.dispose](): void {
    this.#database.raw.close();
  }
}
