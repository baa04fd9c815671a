// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, NemeanError } from "../errors.ts";
import { parseIp, parseMac } from "./ip.ts";
import { parseTemplate, type Template } from "./template.ts";
import { parseTime } from "./time.ts";
import { elementOf, isArrayType, type UniRecType } from "./types.ts";
import { RecordWriter } from "./writer.ts";

const UNSIGNED = /^\d+$/;
const SIGNED = /^[+-]?\d+$/;
const HEX_BYTES = /^([0-9a-fA-F]{2})*$/;
const SPACES = /[\s|]+/;
/** C's notation without its hexadecimal form. */
const FLOATING = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/;
const NAN = /^[+-]?nan$/;
const INFINITE = /^[+-]?inf(inity)?$/;

const RANGE: Partial<Record<UniRecType, readonly [bigint, bigint]>> = {
  uint8: [0n, 0xffn],
  uint16: [0n, 0xffffn],
  uint32: [0n, 0xffff_ffffn],
  uint64: [0n, 0xffff_ffff_ffff_ffffn],
  int8: [-0x80n, 0x7fn],
  int16: [-0x8000n, 0x7fffn],
  int32: [-0x8000_0000n, 0x7fff_ffffn],
  int64: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
};

/**
 * One value from its text (unirec.md section 6); undefined when it is none.
 * Stricter than the original, which wraps 70000 in a uint16 and stores 0 for a bad time.
 */
export function parseValue(type: UniRecType, text: string): unknown {
  if (isArrayType(type)) {
    const element = elementOf(type);
    const items = text.trim() === "" ? [] : text.trim().split(SPACES);
    const values = items.map((item) => parseValue(element, item));
    return values.includes(undefined) ? undefined : values;
  }
  const range = RANGE[type];
  if (range) {
    if (!(range[0] === 0n ? UNSIGNED : SIGNED).test(text)) return undefined;
    const value = BigInt(text);
    if (value < range[0] || value > range[1]) return undefined;
    return type.endsWith("64") ? value : Number(value);
  }
  return parseOther(type, text);
}

function parseOther(type: UniRecType, text: string): unknown {
  switch (type) {
    case "ipaddr":
      return parseIp(text);
    case "macaddr":
      return parseMac(text);
    case "time":
      return parseTime(text);
    case "string":
      return text;
    case "bytes":
      return HEX_BYTES.test(text) ? Uint8Array.fromHex(text) : undefined;
    case "char":
      return text === "" ? 0 : text.charCodeAt(0) & 0xff;
    default:
      return parseFloating(text);
  }
}

function parseFloating(text: string): number | undefined {
  const word = text.trim().toLowerCase();
  if (NAN.test(word)) return Number.NaN;
  if (INFINITE.test(word)) return word.startsWith("-") ? -Infinity : Infinity;
  return FLOATING.test(word) ? Number(word) : undefined;
}

/** Split a line at commas outside quotes; `""` inside quotes is a quote, the outer quotes are dropped. */
export function splitLine(line: string): string[] {
  if (!line.includes('"')) return line.split(",");
  const out: string[] = [];
  let item = "";
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    if (character === '"' && quoted && line[i + 1] === '"') {
      item += '"';
      i++;
    } else if (character === '"') quoted = !quoted;
    else if (character === "," && !quoted) {
      out.push(item);
      item = "";
    } else item += character;
  }
  out.push(item);
  return out;
}

const PACING = /^time(,|$)/;

/** Reads the lines of a UniRec text file: a typed header, then a record a line. */
export class TextReader {
  readonly template: Template;
  /** Whether a bare first column `time` holds the pace of a replay (whole seconds, unirec.md section 7). */
  readonly paced: boolean;
  readonly #columns: readonly number[];

  /** Takes the header line; throws ERR_TEMPLATE when it is none. */
  constructor(header: string) {
    const line = header.replaceAll("\r", "");
    this.paced = PACING.test(line);
    const spec = this.paced ? line.slice(5) : line;
    this.template = parseTemplate(spec);
    const items = spec.trim() === "" ? [] : spec.split(",");
    const names = items.map((item) => item.trim().split(SPACES).at(-1)!);
    this.#columns = names.map((name) =>
      this.template.fields.findIndex((field) => field.name === name),
    );
  }

  /** A writer for this file's records. */
  writer(): RecordWriter {
    return new RecordWriter(this.template);
  }

  /**
   * Fill `writer` from a line; returns the pacing column in microseconds, or 0.
   * Throws ERR_VALUE naming the field, ERR_RECORD_SIZE when the number of columns is wrong.
   */
  read(line: string, writer: RecordWriter): number {
    const items = splitLine(line.replaceAll("\r", ""));
    const first = this.paced ? 1 : 0;
    if (items.length !== this.#columns.length + first) {
      throw new NemeanError(
        "ERR_RECORD_SIZE",
        EXIT.data,
        `${items.length} columns, the header has ${this.#columns.length + first}`,
      );
    }
    writer.begin();
    for (let i = first; i < items.length; i++)
      this.#value(writer, this.#columns[i - first]!, items[i]!);
    return this.paced ? (parseTime(items[0]!) ?? 0) : 0;
  }

  #value(writer: RecordWriter, column: number, item: string): void {
    const { type, name } = this.template.fields[column]!;
    const text = isArrayType(type) ? item.replaceAll("[", "").replaceAll("]", "") : item;
    const value = parseValue(type, text);
    if (value === undefined)
      throw new NemeanError(
        "ERR_VALUE",
        EXIT.data,
        `invalid field "${name}": "${item.slice(0, 80)}"`,
      );
    writer.set(column, value);
  }
}
