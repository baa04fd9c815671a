// SPDX-License-Identifier: BSD-3-Clause
/** Values as logs write them; what is none is undefined. @module */
import { SECOND } from "../unirec/time.ts";

const ISO =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[T ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:[.,](\d{1,9}))?(?:Z|([+-])(\d\d):?(\d\d))?$/;
const DECIMAL = /^\d{1,10}(\.\d{1,9})?$/;
/** UniRec's times end there, in 2106. */
const TIME_MAX = 2 ** 32 * SECOND;

/** Microseconds since 1970 of `2024-01-02T03:04:05.678901+0100`, UTC where no zone is given. */
export function isoMicros(text: unknown): number | undefined {
  const parts = typeof text === "string" ? ISO.exec(text) : null;
  if (!parts) return undefined;
  const [, year, month, day, hours, minutes, seconds, fraction = "", sign, zoneHours, zoneMinutes] =
    parts;
  const utc = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hours),
    Number(minutes),
    Number(seconds),
  );
  const zone =
    sign === undefined
      ? 0
      : (Number(zoneHours) * 60 + Number(zoneMinutes)) * (sign === "-" ? -1 : 1);
  return inRange((utc - zone * 60_000) * 1000 + Number(fraction.padEnd(6, "0").slice(0, 6)));
}

/** Microseconds of `1331901000.123456` seconds, as text or as a number. */
export function decimalMicros(value: unknown): number | undefined {
  if (typeof value === "number") return inRange(Math.round(value * SECOND));
  if (typeof value !== "string" || !DECIMAL.test(value)) return undefined;
  const [whole, fraction = ""] = value.split(".");
  return inRange(Number(whole) * SECOND + Number(fraction.padEnd(6, "0").slice(0, 6)));
}

const inRange = (micros: number): number | undefined =>
  micros >= 0 && micros < TIME_MAX ? micros : undefined;

/** A whole number from 0 to `max`, as text or as a number; a larger one is `max`. */
export function counterOf(value: unknown, max: number): number | undefined {
  const number = wholeOf(value);
  return number === undefined ? undefined : Math.min(number, max);
}

/** A whole number from 0 to `max`, as text or as a number. */
export function numberOf(value: unknown, max: number): number | undefined {
  const number = wholeOf(value);
  return number === undefined || number > max ? undefined : number;
}

const DIGITS = /^\d{1,20}$/;

function wholeOf(value: unknown): number | undefined {
  if (typeof value === "number")
    return value >= 0 && Number.isFinite(value) ? Math.floor(value) : undefined;
  return typeof value === "string" && DIGITS.test(value) ? Number(value) : undefined;
}
