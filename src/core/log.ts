// SPDX-License-Identifier: BSD-3-Clause

/** Syslog severities used here; journald reads the number in front of a line (`<4>text`). */
const SEVERITY = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 } as const;
export type Level = keyof typeof SEVERITY;
/** The gravest first. */
export const LEVELS = Object.keys(SEVERITY) as readonly Level[];

export type LogFields = Readonly<Record<string, string | number | boolean>>;
export type Log = (level: Level, message: string, fields?: LogFields) => void;

export interface LogOptions {
  /** Least important level that is written. */
  readonly level?: Level;
  readonly format: "text" | "journal" | "json";
  readonly write: (line: string) => void;
}

/**
 * What moves a terminal's cursor, turns its text round or ends a line, so that nothing from the wire forges
 * one: control and format characters, line and paragraph separators.
 */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const hex = (character: string, digits: number): string =>
  character.codePointAt(0)!.toString(16).padStart(digits, "0");

/** Text that is safe on a terminal and stays one line. */
export const printable = (text: string): string =>
  text.replace(CONTROL, (character) => `\\x${hex(character, 2)}`);

/** The same for JSON, which leaves all but the first 32 of them as they are; it stays the same value. */
export const printableJson = (json: string): string =>
  json.replace(CONTROL, (character) =>
    Array.from({ length: character.length }, (_, i) => `\\u${hex(character[i]!, 4)}`).join(""),
  );

/** A logger that writes one line a call: component, message, `key=value` fields. */
export function createLog(component: string, { level = "info", format, write }: LogOptions): Log {
  const limit = SEVERITY[level];
  return (at, message, fields = {}) => {
    if (SEVERITY[at] > limit) return;
    if (format === "json") {
      write(`${printableJson(JSON.stringify({ level: at, component, message, ...fields }))}\n`);
      return;
    }
    const rest = Object.entries(fields).map(
      ([key, value]) => ` ${key}=${printable(String(value))}`,
    );
    const prefix = format === "journal" ? `<${SEVERITY[at]}>` : at === "info" ? "" : `${at}: `;
    write(`${prefix}${component}: ${printable(message)}${rest.join("")}\n`);
  };
}
