// SPDX-License-Identifier: BSD-3-Clause
import { SECOND } from "../../core/unirec/time.ts";

/** SBFD_EVENT_ID: the digits of a time (seconds since 1970) in UTC, YYYYMMDDhhmmss, and a number of four digits. */
export function eventId(seconds: number, number: number): bigint {
  const time = new Date((seconds * SECOND) / 1000);
  const digits = [
    time.getUTCMonth() + 1,
    time.getUTCDate(),
    time.getUTCHours(),
    time.getUTCMinutes(),
    time.getUTCSeconds(),
  ].reduce((sum, part) => sum * 100 + part, time.getUTCFullYear());
  return BigInt(digits) * 10_000n + BigInt(number % 10_000);
}
