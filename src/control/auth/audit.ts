// SPDX-License-Identifier: BSD-3-Clause
import { desc, lt, lte } from "drizzle-orm";
import { type Cursor, encodeCursor } from "../store/cursor.ts";
import type { ControlDatabase } from "./database.ts";
import { audit } from "./schema.ts";

/** Something that was done or tried. */
export interface AuditEntry {
  readonly actor: string;
  /** Noun and verb: `user.create`, `login.fail`. */
  readonly action: string;
  readonly target?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly address?: string;
}

/** An entry as it is kept. */
export interface AuditRecord {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly address: string;
}

export interface AuditPage {
  /** Newest first. */
  readonly items: readonly AuditRecord[];
  /** The cursor of the next page; null after the oldest. */
  readonly next: string | null;
}

export interface AuditOptions {
  /** Entries kept; past it the oldest leave. */
  readonly max?: number;
  readonly now?: () => number;
}

export const AUDIT_PAGE_MAX = 1000;
const PAGE_DEFAULT = 100;
const TEXT_MAX = 256;
const DETAIL_MAX = 4096;

/**
 * The list of what was done, which only grows at one end and leaves at the other.
 *
 * What is tried by strangers is here too, so every string has a bound. They are kept as they came, but for
 * lone surrogates: who shows them escapes them.
 */
export class AuditLog {
  readonly #database: ControlDatabase;
  readonly #max: number;
  readonly #now: () => number;

  constructor(database: ControlDatabase, { max = 100_000, now = Date.now }: AuditOptions = {}) {
    this.#database = database;
    this.#max = max;
    this.#now = now;
  }

  /** Add an entry. Within a transaction it is there if and only if what it tells of is. */
  append({ actor, action, target = "", detail = {}, address = "" }: AuditEntry): void {
    const { orm } = this.#database;
    const row = {
      at: this.#now(),
      actor: bounded(actor),
      action: bounded(action),
      target: bounded(target),
      detail: detailJson(detail),
      address: bounded(address),
    };
    const { seq } = orm.insert(audit).values(row).returning({ seq: audit.seq }).get();
    orm
      .delete(audit)
      .where(lte(audit.seq, seq - this.#max))
      .run();
  }

  /** Entries before a cursor, newest first. What is added meanwhile moves no page. */
  page({ limit = PAGE_DEFAULT, cursor }: { limit?: number; cursor?: Cursor } = {}): AuditPage {
    const size = Math.min(Math.max(1, Math.trunc(limit)), AUDIT_PAGE_MAX);
    const rows = this.#database.orm
      .select()
      .from(audit)
      .where(cursor && lt(audit.seq, cursor.seq))
      .orderBy(desc(audit.seq))
      .limit(size + 1)
      .all();
    const items = rows.slice(0, size).map((row) => ({ ...row, detail: JSON.parse(row.detail) }));
    const last = items.at(-1);
    const more = last !== undefined && rows.length > size;
    return { items, next: more ? encodeCursor({ openedAt: last.at, seq: last.seq }) : null };
  }
}

const bounded = (text: string): string => text.slice(0, TEXT_MAX).toWellFormed();

function detailJson(detail: Readonly<Record<string, unknown>>): string {
  const json = JSON.stringify(detail, (_, value) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  return json.length <= DETAIL_MAX ? json : JSON.stringify({ cut: true, length: json.length });
}
