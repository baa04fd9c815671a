// SPDX-License-Identifier: BSD-3-Clause
import { index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * One row per event; its updates change the row. Columns are what is filtered or ordered by, and what
 * updates fold together; the rest is in the canonical alert's JSON.
 *
 * Pages go by (opened_at, seq), which no update changes. Each index of a filter goes on with them
 * (SQLite ends every index in the rowid), so that filter and order come out of one index. Times are microseconds since 1970.
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
    // Severity is a minimum, and a state or a rule has too many events to lead. At the end they still
    // spare a look into the table for each event that does not match: 1,000,000 take 0.1 s, not 1 s.
    index("event_by_time").on(
      column.openedAt,
      column.seq,
      column.severity,
      column.rule,
      column.state,
    ),
    index("event_by_detector").on(
      column.detector,
      column.openedAt,
      column.seq,
      column.severity,
      column.state,
    ),
    index("event_by_category").on(
      column.category,
      column.openedAt,
      column.seq,
      column.severity,
      column.state,
    ),
    index("event_by_source").on(column.sourceIp, column.openedAt),
    index("event_by_target").on(column.targetIp, column.openedAt),
  ],
);

/** How many events are stored, written with them: counting a million rows would hold up the API. */
export const tally = sqliteTable(
  "tally",
  {
    detector: text("detector").notNull(),
    severity: real("severity").notNull(),
    events: integer("events").notNull(),
  },
  (column) => [primaryKey({ columns: [column.detector, column.severity] })],
);

/** What people made of events. Leaves with the event. */
export const triage = sqliteTable("triage", {
  eventId: text("event_id")
    .primaryKey()
    .references(() => event.id, { onDelete: "cascade" }),
  status: text("status", { enum: ["new", "acknowledged", "false-positive", "muted"] }).notNull(),
  note: text("note").notNull(),
  /** Name of the user. */
  by: text("by").notNull(),
  /** Microseconds since 1970. */
  at: integer("at").notNull(),
});

/** Configurations that were applied, the newest last; rolling back applies an old one again. */
export const configRevision = sqliteTable("config_revision", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  /** Microseconds since 1970. */
  at: integer("at").notNull(),
  /** What made it: `apply nemean.toml`, `rollback to 3`. */
  reason: text("reason").notNull(),
  /** The TOML as it was given. */
  body: text("body").notNull(),
});
