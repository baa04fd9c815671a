// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../core/alert.ts";

/** Of alerts that are on their way: they cross from thread to thread and from process to process, and are stored and queued, as text. */
const texts = new WeakMap<Alert, string>();

/** An alert as JSON: of its evidence, bytes become hexadecimal text and 64-bit integers decimal text. */
export function alertJson(alert: Alert): string {
  const known = texts.get(alert);
  if (known !== undefined) return known;
  // A replacer costs more than all the rest, and only evidence holds what JSON cannot.
  const replacer = alert.evidence.some(needsWords) ? jsonValue : undefined;
  const sum = alert.detectTime + alert.firstTime + alert.lastTime;
  const text = JSON.stringify(Number.isFinite(sum) ? alert : withFiniteTimes(alert), replacer);
  texts.set(alert, text);
  return text;
}

/**
 * The alert of a text of {@link alertJson}.
 * @throws for text that is no JSON
 */
export function alertOfJson(text: string): Alert {
  const alert = JSON.parse(text) as Alert;
  texts.set(alert, text);
  return alert;
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

const whole = (micros: number): number => (Number.isFinite(micros) ? micros : 0);

/** A time from a hostile capture may be any double; JSON would make NaN null. */
const withFiniteTimes = (alert: Alert): Alert => ({
  ...alert,
  detectTime: whole(alert.detectTime),
  firstTime: whole(alert.firstTime),
  lastTime: whole(alert.lastTime),
});
