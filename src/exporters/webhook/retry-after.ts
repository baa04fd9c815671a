// SPDX-License-Identifier: BSD-3-Clause

/** A receiver that asks for more has made a mistake. */
const LONGEST_MS = 86_400_000;
const SECONDS = /^\d{1,9}$/;
/** The form of RFC 9110 section 5.6.7 that is to be written: `Sun, 06 Nov 1994 08:49:37 GMT`. */
const DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Milliseconds that a Retry-After header asks for (RFC 9110 section 10.2.3): seconds, or a date. */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? "";
  if (SECONDS.test(text)) return Math.min(Number(text) * 1000, LONGEST_MS);
  const date = DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.min(Math.max(date - now, 0), LONGEST_MS);
}
