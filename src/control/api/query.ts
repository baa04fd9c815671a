// SPDX-License-Identifier: BSD-3-Clause
import { parseTime } from "../../core/unirec/time.ts";
import { type AlertQuery, PAGE_MAX } from "../store/alert-query.ts";
import { decodeCursor } from "../store/cursor.ts";

/** A query parameter that is unknown or out of its values: the message names it and what is allowed. */
export class QueryError extends Error {}

function within(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new QueryError(`${name}: expected a whole number from ${min} to ${max}`);
  return value;
}

function time(name: string, text: string): number {
  const value = parseTime(text);
  if (value === undefined)
    throw new QueryError(`${name}: expected a time such as 2026-01-05T09:00:00Z`);
  return value;
}

const READ: Readonly<Record<string, (text: string) => unknown>> = {
  limit: (text) => within("limit", text, 1, PAGE_MAX),
  cursor: (text) => {
    const cursor = decodeCursor(text);
    if (!cursor) throw new QueryError("cursor: expected `next` of a former page");
    return cursor;
  },
  detector: (text) => text,
  category: (text) => text,
  rule: (text) => within("rule", text, 0, 2 ** 31),
  severity: (text) => within("severity", text, 0, 10),
  state: (text) => {
    if (text !== "open" && text !== "closed")
      throw new QueryError("state: expected open or closed");
    return text;
  },
  source: (text) => text,
  target: (text) => text,
  ip: (text) => text,
  from: (text) => time("from", text),
  to: (text) => time("to", text),
};

/** The filters of a request's query. */
export function alertQueryOf(parameters: URLSearchParams): AlertQuery {
  const query: Record<string, unknown> = {};
  for (const [name, text] of parameters) {
    const read = READ[name];
    if (!read || !Object.hasOwn(READ, name))
      throw new QueryError(`${name}: no such filter; there are ${Object.keys(READ).join(", ")}`);
    query[name] = read(text);
  }
  return query as AlertQuery;
}
