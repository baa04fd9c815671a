// SPDX-License-Identifier: BSD-3-Clause
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * Who may do what, and who did. No secret is here as it is: of passwords there is an argon2id hash, of tokens
 * the SHA-256. Times are milliseconds since 1970.
 */
export const user = sqliteTable("user", {
  id: integer("id").primaryKey({ autoIncrement: true }),
  /** In lower case, so that nobody passes for somebody else by a capital letter. */
  name: text("name").notNull().unique(),
  role: text("role", { enum: ["viewer", "operator", "admin"] }).notNull(),
  passwordHash: text("password_hash").notNull(),
  created: integer("created").notNull(),
  disabled: integer("disabled", { mode: "boolean" }).notNull().default(false),
});

export const session = sqliteTable(
  "session",
  {
    /** SHA-256 of the token in hexadecimal: a random token of 256 bits needs no slower hash. */
    tokenHash: text("token_hash").primaryKey(),
    userId: integer("user_id")
      .notNull()
      .references(() => user.id, { onDelete: "cascade" }),
    created: integer("created").notNull(),
    expires: integer("expires").notNull(),
    lastUsed: integer("last_used").notNull(),
    /** Where the log-in came from. */
    address: text("address").notNull(),
  },
  (column) => [
    index("session_by_user").on(column.userId, column.created),
    index("session_by_expiry").on(column.expires),
  ],
);

export const apiToken = sqliteTable(
  "api_token",
  {
    id: integer("id").primaryKey({ autoIncrement: true }),
    /** What its owner calls it. */
    name: text("name").notNull(),
    tokenHash: text("token_hash").notNull().unique(),
    userId: integer("user_id")
      .notNull()
      .references(() => user.id, { onDelete: "cascade" }),
    /** Scopes with blanks between them. */
    scopes: text("scopes").notNull(),
    created: integer("created").notNull(),
    /** Null for a token without an end. */
    expires: integer("expires"),
    lastUsed: integer("last_used"),
  },
  (column) => [index("api_token_by_user").on(column.userId)],
);

/** What was done. Numbers are never used twice, so that a gap at the old end is no gap in between. */
export const audit = sqliteTable("audit", {
  seq: integer("seq").primaryKey({ autoIncrement: true }),
  at: integer("at").notNull(),
  /** A user's name at that time, or the product's own name. */
  actor: text("actor").notNull(),
  action: text("action").notNull(),
  target: text("target").notNull(),
  /** JSON of an object. */
  detail: text("detail").notNull(),
  address: text("address").notNull(),
});

export const setting = sqliteTable("setting", {
  key: text("key").primaryKey(),
  value: text("value").notNull(),
});
