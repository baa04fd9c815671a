// SPDX-License-Identifier: BSD-3-Clause
import { and, desc, eq, gte, isNull, lt, ne, or, type SQL, sql } from "drizzle-orm";
import type { BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";
import type { Alert } from "../../core/alert.ts";
import { type Cursor, encodeCursor } from "./cursor.ts";
import { event } from "./schema.ts";
import type { Triage } from "./triage.ts";

/** Which events a page shows; what is left out does not filter. */
export interface AlertQuery {
  /** Events in the page, 1 to {@link PAGE_MAX}. */
  readonly limit?: number;
  /** Continue after the last event of the page before. */
  readonly cursor?: Cursor;
  readonly detector?: string;
  readonly category?: string;
  readonly rule?: number;
  readonly state?: "open" | "closed";
  /** Least severity. */
  readonly severity?: number;
  /** Addresses in the text form of core's ipText. */
  readonly source?: string;
  readonly target?: string;
  /** On either side. */
  readonly ip?: string;
  /** Opened at this time or later, microseconds since 1970. */
  readonly from?: number;
  /** Opened before this time. */
  readonly to?: number;
}

/** An event: its last alert, with the times of all its alerts. */
export interface StoredAlert extends Alert {
  /** Event time of the first alert and of the latest one, microseconds since 1970. */
  readonly openedAt: number;
  readonly updatedAt: number;
  /** What somebody made of it, if anybody did. */
  readonly triage?: Triage;
}

export interface AlertPage {
  /** Newest first, by the time they were opened. */
  readonly items: readonly StoredAlert[];
  /** The cursor of the next page; null after the last event. */
  readonly next: string | null;
}

export const PAGE_DEFAULT = 100;
export const PAGE_MAX = 1000;

const COLUMNS = {
  seq: event.seq,
  openedAt: event.openedAt,
  updatedAt: event.updatedAt,
  firstTime: event.firstTime,
  lastTime: event.lastTime,
  body: event.body,
};

/** One statement of a page: what tests explain. */
export function pageStatement(orm: BunSQLiteDatabase, query: AlertQuery, more?: SQL) {
  const { cursor } = query;
  return orm
    .select(COLUMNS)
    .from(event)
    .where(
      and(
        // A row value walks the index; the same said with OR does not.
        cursor && sql`(${event.openedAt}, ${event.seq}) < (${cursor.openedAt}, ${cursor.seq})`,
        query.from === undefined ? undefined : gte(event.openedAt, query.from),
        query.to === undefined ? undefined : lt(event.openedAt, query.to),
        query.detector === undefined ? undefined : eq(event.detector, query.detector),
        query.category === undefined ? undefined : eq(event.category, query.category),
        query.rule === undefined ? undefined : eq(event.rule, query.rule),
        query.severity === undefined ? undefined : gte(event.severity, query.severity),
        query.source === undefined ? undefined : eq(event.sourceIp, query.source),
        query.target === undefined ? undefined : eq(event.targetIp, query.target),
        query.state === undefined ? undefined : eq(event.state, query.state),
        more,
      ),
    )
    .orderBy(desc(event.openedAt), desc(event.seq))
    .limit((query.limit ?? PAGE_DEFAULT) + 1);
}

type Row = ReturnType<ReturnType<typeof pageStatement>["all"]>[number];

/** Either side of `ip` by its own index, merged: SQLite would sort all that an OR finds. */
function rowsOf(orm: BunSQLiteDatabase, query: AlertQuery): Row[] {
  const { ip, ...rest } = query;
  if (ip === undefined) return pageStatement(orm, rest).all();
  const asSource = pageStatement(orm, rest, eq(event.sourceIp, ip)).all();
  const notSource = or(isNull(event.sourceIp), ne(event.sourceIp, ip));
  const asTarget = pageStatement(orm, rest, and(eq(event.targetIp, ip), notSource)).all();
  return [...asSource, ...asTarget].sort((a, b) => b.openedAt - a.openedAt || b.seq - a.seq);
}

export function readPage(orm: BunSQLiteDatabase, query: AlertQuery): AlertPage {
  const limit = query.limit ?? PAGE_DEFAULT;
  const rows = rowsOf(orm, query);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map(storedAlert),
    next: last && rows.length > limit ? encodeCursor(last) : null,
  };
}

export function readEvent(orm: BunSQLiteDatabase, id: string): StoredAlert | undefined {
  const row = orm.select(COLUMNS).from(event).where(eq(event.id, id)).get();
  return row && storedAlert(row);
}

const storedAlert = ({ seq: _seq, body, ...times }: Row): StoredAlert => ({
  ...(JSON.parse(body) as Alert),
  ...times,
});
