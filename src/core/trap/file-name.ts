// SPDX-License-Identifier: BSD-3-Clause
/** Names of the files that an output writes (trap.md section 7, modules.md D1). @module */
import { EXIT, NemeanError } from "../errors.ts";

const two = (value: number): string => String(value).padStart(2, "0");
const DAY_MS = 86_400_000;

const dayOfYear = (date: Date): number =>
  (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) -
    Date.UTC(date.getFullYear(), 0, 1)) /
    DAY_MS +
  1;

/** Conversions of strftime(3) that a path may hold, in local time. */
const CONVERSIONS: Readonly<Record<string, (date: Date) => string>> = {
  Y: (date) => String(date.getFullYear()),
  y: (date) => two(date.getFullYear() % 100),
  m: (date) => two(date.getMonth() + 1),
  d: (date) => two(date.getDate()),
  j: (date) => String(dayOfYear(date)).padStart(3, "0"),
  H: (date) => two(date.getHours()),
  M: (date) => two(date.getMinutes()),
  S: (date) => two(date.getSeconds()),
  "%": () => "%",
};

const CONVERSION = /%(.?)/gsu;
const MICROS_A_MINUTE = 60e6;
const DIGITS = 5;

/**
 * See that a path holds only conversions that are known.
 * @param text the interface's specifier, for the message
 * @throws {NemeanError} ERR_TRAP
 */
export function checkPath(path: string, text: string): void {
  for (const [conversion, letter = ""] of path.matchAll(CONVERSION))
    if (!Object.hasOwn(CONVERSIONS, letter))
      throw new NemeanError(
        "ERR_TRAP",
        EXIT.usage,
        `interface "${text}": "${conversion}" in the path is no conversion; there are ${Object.keys(
          CONVERSIONS,
        )
          .map((known) => `%${known}`)
          .join(" ")}`,
      );
}

/** The path with its conversions filled in; `micros` since 1970. */
export function timedPath(path: string, micros: number): string {
  const date = new Date(micros / 1000);
  return path.replace(CONVERSION, (_, letter: string) => CONVERSIONS[letter]!(date));
}

/** What tells the files of two intervals apart: `.202611240205`, in local time. */
export const intervalSuffix = (micros: number): string => timedPath(".%Y%m%d%H%M", micros);

/** Beginning of the interval of so many minutes, counted since 1970, that `micros` falls into. */
export const intervalStart = (micros: number, minutes: number): number =>
  Math.floor(micros / (minutes * MICROS_A_MINUTE)) * minutes * MICROS_A_MINUTE;

/** `PATH.00000`, `PATH.00001`, … */
export const numberedPath = (path: string, number: number): string =>
  `${path}.${String(number).padStart(DIGITS, "0")}`;

/** Numbers that five digits hold. */
export const NUMBERS = 10 ** DIGITS;
