// SPDX-License-Identifier: BSD-3-Clause
import { eq, inArray } from "drizzle-orm";
import type { BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";
import { event, triage } from "./schema.ts";

/** What somebody may make of an event. A muted one is stored and shown, and no sink hears of it any more. */
export const STATUSES = triage.status.enumValues;
export type TriageStatus = (typeof STATUSES)[number];

export interface Triage {
  readonly status: TriageStatus;
  readonly note: string;
  /** Who said so last. */
  readonly by: string;
  /** Microseconds since 1970. */
  readonly at: number;
}

/** What people have made of events, beside them in the database. */
export class TriageTable {
  readonly #orm: BunSQLiteDatabase;
  /** Asked for each alert, so not in the database alone. */
  readonly #muted: Set<string>;

  constructor(orm: BunSQLiteDatabase) {
    this.#orm = orm;
    const muted = orm.select().from(triage).where(eq(triage.status, "muted")).all();
    this.#muted = new Set(muted.map(({ eventId }) => eventId));
  }

  /** Say what is made of an event; false when there is none of that id. */
  put(eventId: string, said: Triage): boolean {
    const known = this.#orm.select({ id: event.id }).from(event).where(eq(event.id, eventId)).get();
    if (!known) return false;
    this.#orm
      .insert(triage)
      .values({ eventId, ...said })
      .onConflictDoUpdate({ target: triage.eventId, set: said })
      .run();
    if (said.status === "muted") this.#muted.add(eventId);
    else this.#muted.delete(eventId);
    return true;
  }

  isMuted(eventId: string): boolean {
    return this.#muted.has(eventId);
  }

  /** What was made of these events, by their id. */
  of(eventIds: readonly string[]): Map<string, Triage> {
    if (eventIds.length === 0) return new Map();
    const rows = this.#orm
      .select()
      .from(triage)
      .where(inArray(triage.eventId, [...eventIds]))
      .all();
    return new Map(rows.map(({ eventId, ...said }) => [eventId, said]));
  }
}
