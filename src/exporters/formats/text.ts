// SPDX-License-Identifier: BSD-3-Clause
/**
 * What every format does with text: one alert stays one line, whatever a packet put into its strings.
 * @module
 */

/** C0, DEL, C1, and the two separators that some readers take for the end of a line. */
const UNSAFE = /[\p{Cc}\u2028\u2029]/gu;
/** A lone surrogate as JSON.stringify writes it, or an escaped backslash, which is none. */
const LONE_SURROGATE = /\\\\|\\ud[89a-f][0-9a-f]{2}/g;
const REPLACEMENT = "\ufffd";

/** `\u001b`: the name of a character in place of it. */
export const charName = (char: string): string =>
  `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Text without control characters, where a format has no escape for them: they show by their names. */
export const visible = (text: string): string => text.toWellFormed().replace(UNSAFE, charName);

/** The beginning of a text, at most `max` UTF-16 units, never half a character. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  const last = text.charCodeAt(max - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? max - 1 : max);
}

/**
 * A value as JSON in one line. Big integers stay numbers as far as a double holds them and are text beyond,
 * bytes are hexadecimal text, and what UTF-8 cannot carry is replaced.
 */
export function jsonLine(value: unknown): string {
  const line = JSON.stringify(value, plain) ?? "null";
  const whole = line.includes("\\ud")
    ? line.replace(LONE_SURROGATE, (found) => (found === "\\\\" ? found : REPLACEMENT))
    : line;
  return whole.replace(UNSAFE, charName);
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (!ArrayBuffer.isView(value)) return value;
  if (value instanceof Uint8Array || value instanceof DataView)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex");
  return Array.from<unknown>(value as Uint32Array);
}
