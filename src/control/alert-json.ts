// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../core/alert.ts";

/** An alert as JSON: of its evidence, bytes become hexadecimal text and 64-bit integers decimal text. */
export const alertJson = (alert: Alert): string =>
  // A replacer costs more than all the rest, and only evidence holds what JSON cannot.
  alert.evidence.some(needsWords) ? JSON.stringify(alert, jsonValue) : JSON.stringify(alert);

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
