// SPDX-License-Identifier: BSD-3-Clause
/** Syslog severities used here; journald reads the number in front of a line (`<4>text`). */
const SEVERITY = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 } as const;
export type Level = keyof typeof SEVERITY;

export type LogFields = Readonly<Record<string, string | number | boolean>>;
export type Log = (level: Level, message: string, fields?: LogFields) => void;

export interface LogOptions {
  /** Least important level that is written. */
  readonly level?: Level;
  readonly format: "text" | "journal" | "json";
  readonly write: (line: string) => void;
}

/** Control characters, so that nothing from the wire can move a terminal's cursor or forge a line. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text that is safe on a terminal and stays one line. */
export const printable = (text: string): string =>
  text.replace(CONTROL, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** A logger that writes one line a call: component, message, `key=value` fields. */
export function createLog(component: string, { level = "info", format, write }: LogOptions): Log {
  const limit = SEVERITY[level];
  return (at, message, fields = {}) => {
    if (SEVERITY[at] > limit) return;
    if (format === "json") {
      write(`${JSON.stringify({ level: at, component, message, ...fields })}\n`);
      return;
    }
    const rest = Object.entries(fields).map(
      ([key, value]) => ` ${key}=${printable(String(value))}`,
    );
    const prefix = format === "journal" ? `<${SEVERITY[at]}>` : at === "info" ? "" : `${at}: `;
    write(`${prefix}${component}: ${printable(message)}${rest.join("")}\n`);
  };
}
