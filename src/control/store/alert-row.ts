// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";

/** An alert that waits for its commit, with what it has in common with its earlier updates. */
export interface Pending {
  readonly alert: Alert;
  readonly openedAt: number;
  readonly updatedAt: number;
  readonly firstTime: number;
  readonly lastTime: number;
}

export const pendingOf = (alert: Alert): Pending => ({
  alert,
  openedAt: whole(alert.detectTime),
  updatedAt: whole(alert.detectTime),
  firstTime: whole(alert.firstTime),
  lastTime: whole(alert.lastTime),
});

/** Two updates of one event as one; which came first does not matter. The same rules as in {@link UPSERT}. */
export function fold(a: Pending, b: Pending): Pending {
  const [older, newer] = b.alert.update >= a.alert.update ? [a, b] : [b, a];
  return {
    alert: newer.alert,
    openedAt: older.openedAt,
    updatedAt: Math.max(a.updatedAt, b.updatedAt),
    firstTime: Math.min(a.firstTime, b.firstTime),
    lastTime: Math.max(a.lastTime, b.lastTime),
  };
}

/** A late update still widens the event's times; it does not bring an older state back. */
const IF_NEWER = (column: string): string =>
  `${column} = CASE WHEN excluded.updates >= updates THEN excluded.${column} ELSE ${column} END`;

// opened_at stays as first stored: cursors point at it.
export const UPSERT = `
  INSERT INTO event (id, opened_at, updated_at, first_time, last_time, updates, state, detector, category,
    rule, severity, source_ip, target_ip, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET
    updated_at = max(updated_at, excluded.updated_at),
    first_time = min(first_time, excluded.first_time),
    last_time = max(last_time, excluded.last_time),
    ${["state", "category", "rule", "severity", "source_ip", "target_ip", "body"].map(IF_NEWER).join(",\n    ")},
    updates = max(updates, excluded.updates)`;

type Value = string | number | null;

/** The values of {@link UPSERT} in its order. */
export const upsertValues = ({ alert, ...times }: Pending): Value[] => [
  alert.id,
  times.openedAt,
  times.updatedAt,
  times.firstTime,
  times.lastTime,
  alert.update,
  alert.state,
  alert.detector,
  alert.category,
  alert.rule,
  alert.severity,
  alert.source.ip ?? null,
  alert.target.ip ?? null,
  alertJson(alert),
];

/** A time from a hostile capture may be any double; SQLite would keep a fraction, and NaN as NULL. */
const whole = (micros: number): number => (Number.isFinite(micros) ? Math.trunc(micros) : 0);

/** Evidence may hold what JSON cannot: bytes become hexadecimal text, 64-bit integers decimal text. */
export const alertJson = (alert: Alert): string =>
  alert.evidence.length === 0 ? JSON.stringify(alert) : JSON.stringify(alert, jsonValue);

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}
