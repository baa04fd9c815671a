// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";

/** An alert as it is queued: JSON that {@link alertOfBody} reads. */
export const bodyOf = (alert: Alert): string => {
  const sum = alert.detectTime + alert.firstTime + alert.lastTime;
  const timed = Number.isFinite(sum) ? alert : withFiniteTimes(alert);
  // A replacer costs more than all the rest, and only evidence holds what JSON cannot.
  return alert.evidence.some(needsWords) ? JSON.stringify(timed, jsonValue) : JSON.stringify(timed);
};

/** @throws for text that is no JSON */
export const alertOfBody = (body: string): Alert => JSON.parse(body) as Alert;

const whole = (micros: number): number => (Number.isFinite(micros) ? micros : 0);

/** A time from a hostile capture may be any double; JSON would make NaN null. */
const withFiniteTimes = (alert: Alert): Alert => ({
  ...alert,
  detectTime: whole(alert.detectTime),
  firstTime: whole(alert.firstTime),
  lastTime: whole(alert.lastTime),
});

function needsWords(flow: Readonly<Record<string, unknown>>): boolean {
  for (const name in flow) {
    const value = flow[name];
    if (typeof value === "bigint" || (typeof value === "object" && value !== null)) return true;
  }
  return false;
}

/** Bytes become hexadecimal text, 64-bit integers decimal text: as the alert store has them. */
function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}
