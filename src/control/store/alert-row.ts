// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import { alertJson } from "../alert-json.ts";

/** What the alerts of one event have in common; the rest is the latest alert's. */
export interface EventSpan {
  /** Time of the first alert. It never changes once stored, since cursors point at it. */
  readonly openedAt: number;
  readonly updatedAt: number;
  readonly firstTime: number;
  readonly lastTime: number;
  /** Number of the latest update. */
  readonly updates: number;
}

/** An alert that waits for its commit, with the span of those it stands for. */
export interface Pending extends EventSpan {
  readonly alert: Alert;
}

export const pendingOf = (alert: Alert): Pending => ({
  alert,
  openedAt: whole(alert.detectTime),
  updatedAt: whole(alert.detectTime),
  firstTime: whole(alert.firstTime),
  lastTime: whole(alert.lastTime),
  updates: alert.update,
});

/** The span of an event with a further alert: a late one still widens it. */
export const widen = (span: EventSpan, other: EventSpan): EventSpan => ({
  openedAt: span.openedAt,
  updatedAt: Math.max(span.updatedAt, other.updatedAt),
  firstTime: Math.min(span.firstTime, other.firstTime),
  lastTime: Math.max(span.lastTime, other.lastTime),
  updates: Math.max(span.updates, other.updates),
});

/** Two waiting alerts of one event as one. */
export const fold = (waiting: Pending, next: Pending): Pending => ({
  ...widen(waiting, next),
  alert: next.updates >= waiting.updates ? next.alert : waiting.alert,
});

/** Columns that follow the latest alert, in the order of {@link contentOf}. */
export const CONTENT = [
  "state",
  "detector",
  "category",
  "rule",
  "severity",
  "source_ip",
  "target_ip",
  "body",
] as const;

export type Value = string | number | null;

export const contentOf = (alert: Alert): Value[] => [
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
