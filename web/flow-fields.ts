// SPDX-License-Identifier: BSD-3-Clause

/** A flow record by UniRec field names. */
export type Flow = Readonly<Record<string, unknown>>;

/** What a reader looks for first; all other fields follow by name. */
const FIRST = [
  "TIME_FIRST",
  "TIME_LAST",
  "SRC_IP",
  "SRC_PORT",
  "DST_IP",
  "DST_PORT",
  "PROTOCOL",
  "PACKETS",
  "BYTES",
  "TCP_FLAGS",
];

/** Fields that any of the flows has, in the order of the table's columns. */
export function columnsOf(flows: readonly Flow[]): string[] {
  const names = new Set(flows.flatMap((flow) => Object.keys(flow)));
  const first = FIRST.filter((name) => names.delete(name));
  return [...first, ...[...names].sort()];
}

/** Of those the ones a reader looks for first; all, where there is none of these. */
export function mainColumnsOf(flows: readonly Flow[]): string[] {
  const all = columnsOf(flows);
  const first = all.filter((name) => FIRST.includes(name));
  return first.length > 0 ? first : all;
}

const MICROSECONDS = 1000;

/** A value as the table shows it: times as UTC with milliseconds, what is absent as nothing. */
export function cellText(name: string, value: unknown): string {
  if (value === undefined || value === null) return "";
  if (name.startsWith("TIME_") && typeof value === "number") {
    const date = new Date(value / MICROSECONDS);
    if (!Number.isNaN(date.getTime())) return date.toISOString().slice(11, 23);
  }
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
