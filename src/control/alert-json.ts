// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../core/alert.ts";

/** Of alerts that are on their way: the store and the queue of sinks both write them, which a third of their cost is. */
const texts = new WeakMap<Alert, string>();

/** An alert as JSON: of its evidence, bytes become hexadecimal text and 64-bit integers decimal text. */
export function alertJson(alert: Alert): string {
  const known = texts.get(alert);
  if (known !== undefined) return known;
  // A replacer costs more than all the rest, and only evidence holds what JSON cannot.
  const replacer = alert.evidence.some(needsWords) ? jsonValue : undefined;
  const text = JSON.stringify(alert, replacer);
  texts.set(alert, text);
  return text;
}

function needsWords(flow: Readonly<Record<string, unknown>>): boolean {
  for (const name in flow) {
    const value = flow[name];
    if (typeof value === "bigint" || (typeof value === "object" && value !== null)) return true;
  }
  return false;
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}
