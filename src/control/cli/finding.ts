// SPDX-License-Identifier: BSD-3-Clause

/** `BAD` spoils a capture or keeps the product from running; a `note` is worth knowing. */
export type Level = "ok" | "note" | "BAD";

/** One thing the doctor has looked at. */
export interface Finding {
  /** What was looked at, a stable word for scripts: `clock`, `disk`, `gro`. */
  readonly check: string;
  readonly level: Level;
  /** What was found. */
  readonly text: string;
  /** What to do, in plain words or as a command; absent where all is well. */
  readonly cure?: string;
}

export const ok = (check: string, text: string): Finding => ({ check, level: "ok", text });
export const note = (check: string, text: string, cure: string): Finding => ({
  check,
  level: "note",
  text,
  cure,
});
export const bad = (check: string, text: string, cure: string): Finding => ({
  check,
  level: "BAD",
  text,
  cure,
});

/** The line a person reads. */
export const findingLine = ({ level, text, cure }: Finding): string =>
  `${level.padEnd(5)} ${text}${cure === undefined ? "" : `: ${cure}`}`;
