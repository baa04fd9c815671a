// SPDX-License-Identifier: BSD-3-Clause
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * One row per event; its updates change the row. Columns are what is filtered or ordered by, and what
 * updates fold together; the rest is in the canonical alert's JSON.
 *
 * Pages go by (opened_at, seq), which no update changes. Every index ends in them, so that a filter and
 * the order come out of the same index. Times are microseconds since 1970.
 */
export const event = sqliteTable(
  "event",
  {
    /** SQLite's rowid: the order of arrival, which parts events opened in the same microsecond. */
    seq: integer("seq").primaryKey(),
    id: text("id").notNull().unique(),
    openedAt: integer("opened_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    firstTime: integer("first_time").notNull(),
    lastTime: integer("last_time").notNull(),
    updates: integer("updates").notNull(),
    state: text("state", { enum: ["open", "closed"] }).notNull(),
    detector: text("detector").notNull(),
    category: text("category").notNull(),
    rule: integer("rule").notNull(),
    severity: real("severity").notNull(),
    sourceIp: text("source_ip"),
    targetIp: text("target_ip"),
    /** JSON of the alert as it was last sent. */
    body: text("body").notNull(),
  },
  (column) => [
    // Severity is a minimum, so it cannot lead; at the end it still spares the look into the table.
    index("event_by_time").on(column.openedAt, column.seq, column.severity),
    index("event_by_detector").on(column.detector, column.openedAt),
    index("event_by_category").on(column.category, column.openedAt),
    index("event_by_rule").on(column.rule, column.openedAt),
    index("event_by_source").on(column.sourceIp, column.openedAt),
    index("event_by_target").on(column.targetIp, column.openedAt),
    index("event_open").on(column.openedAt).where(sql`state = 'open'`),
  ],
);

/** How many events are stored, kept by triggers: counting a million rows would hold up the API. */
export const tally = sqliteTable(
  "tally",
  {
    detector: text("detector").notNull(),
    severity: real("severity").notNull(),
    events: integer("events").notNull(),
  },
  (column) => [primaryKey({ columns: [column.detector, column.severity] })],
);
