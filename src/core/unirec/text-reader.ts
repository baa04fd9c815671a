// SPDX-License-Identifier: BSD-3-Clause
/**
 * UniRec's text form to records (unirec.md section 6, 7), from bytes in place: a record of 14 fields makes no
 * string and no object (bench text-in).
 * @module
 */
import { EXIT, NemeanError } from "../errors.ts";
import { type ColumnScanner, columnScanner } from "./column-scanner.ts";
import { SCALAR_CODE, scanScalar, scanWhole } from "./scan.ts";
import { Span } from "./span.ts";
import { parseTemplate, type Template } from "./template.ts";
import { countItems, TextItem } from "./text-item.ts";
import { variableOf } from "./text-value.ts";
import { readTime } from "./time.ts";
import { isArrayType, type ScalarType, type UniRecType } from "./types.ts";
import { RecordWriter } from "./writer.ts";

const COMMA = 44;
const QUOTE = 34;
const RETURN = 13;
const SPACES = /[\s|]+/;
const PACING = /^time(,|$)/;
/** Codes of the columns that are no scalar. */
const STRING = 100;
const VARIABLE = 101;
const encoder = new TextEncoder();

/** Reads the lines of a UniRec text file: a typed header, then a record a line. */
export class TextReader {
  readonly template: Template;
  /** Whether a bare first column `time` holds the pace of a replay (whole seconds, unirec.md section 7). */
  readonly paced: boolean;
  /** Of each column: the index of its field, its type's code, its offset in the record. */
  readonly #fields: Int32Array;
  readonly #codes: Int32Array;
  readonly #offsets: Int32Array;
  readonly #scan: ColumnScanner;
  readonly #span = new Span();
  readonly #item = new TextItem();
  /** Bytes of the last line that came as a string. */
  #encoded = new Uint8Array(new ArrayBuffer(4096));
  readonly #pace = new DataView(new ArrayBuffer(8));

  /** Takes the header line; throws ERR_TEMPLATE when it is none. */
  constructor(header: string) {
    const line = header.replaceAll("\r", "");
    this.paced = PACING.test(line);
    const spec = this.paced ? line.slice(5) : line;
    this.template = parseTemplate(spec);
    const { fields } = this.template;
    const items = spec.trim() === "" ? [] : spec.split(",");
    const columns = items.map((item) => {
      const name = item.trim().split(SPACES).at(-1)!;
      return fields.findIndex((field) => field.name === name);
    });
    this.#fields = Int32Array.from(columns);
    this.#codes = Int32Array.from(columns, (i) => codeOf(fields[i]!.type));
    this.#offsets = Int32Array.from(columns, (i) => fields[i]!.offset);
    this.#scan = columnScanner(this.template, columns);
  }

  /** A writer for this file's records. */
  writer(): RecordWriter {
    return new RecordWriter(this.template);
  }

  /**
   * Fill `writer` from a line without its end; returns the pacing column in microseconds, or 0.
   * Throws ERR_VALUE naming the field, ERR_RECORD_SIZE when the number of columns is wrong.
   */
  read(line: string, writer: RecordWriter): number {
    // A UTF-16 unit takes up to three bytes. A line of 160: 190 ns, against 800 with an array of its own.
    if (this.#encoded.length < 3 * line.length) this.#encoded = new Uint8Array(6 * line.length);
    const { written } = encoder.encodeInto(line, this.#encoded);
    return this.readBytes(this.#encoded, 0, written, writer);
  }

  /** As {@link read}, from the bytes `from` to `to`. Those of a string are taken as they are. */
  readBytes(bytes: Uint8Array, from: number, to: number, writer: RecordWriter): number {
    const span = this.#span.over(bytes, from, to > from && bytes[to - 1] === RETURN ? to - 1 : to);
    writer.begin();
    const { view } = writer;
    const pace = this.paced ? this.#takePace() : 0;
    for (let i = this.#scan(span, view); i < this.#codes.length; i++) {
      const start = span.at;
      if (start > span.end) throw this.#miscounted(from);
      const code = this.#codes[i]!;
      const taken =
        code < STRING
          ? scanScalar(code, span, view, this.#offsets[i]!)
          : code === STRING && this.#takeString(i, writer);
      if (!taken || !endsItem(span)) {
        span.at = start;
        if (!this.#takeItem(i, writer)) throw this.#refused(i, from, start);
      }
      span.at++;
    }
    if (span.at !== span.end + 1) throw this.#miscounted(from);
    return pace;
  }

  /** A first column that is no time paces nothing. */
  #takePace(): number {
    const span = this.#span;
    const item = this.#item.take(span);
    span.at++;
    return scanWhole(SCALAR_CODE.time, item, this.#pace, 0) ? readTime(this.#pace, 0) : 0;
  }

  /** A string that can be copied as it stands: between two quotes, or without one. */
  #takeString(column: number, writer: RecordWriter): boolean {
    const span = this.#span;
    const { bytes, end } = span;
    const quoted = span.at < end && bytes[span.at] === QUOTE;
    const from = quoted ? span.at + 1 : span.at;
    let i = from;
    for (; i < end; i++) {
      const byte = bytes[i]!;
      if (byte === QUOTE || byte === RETURN || (byte === COMMA && !quoted)) break;
    }
    if (quoted ? i === end || bytes[i] !== QUOTE : i < end && bytes[i] !== COMMA) return false;
    span.at = quoted ? i + 1 : i;
    if (!endsItem(span)) return false;
    writer.set(this.#fields[column]!, bytes.subarray(from, i));
    return true;
  }

  /** The column's value from its item without quotes, in whatever form; false when it is none. */
  #takeItem(column: number, writer: RecordWriter): boolean {
    const item = this.#item.take(this.#span);
    const code = this.#codes[column]!;
    if (code < STRING) return scanWhole(code, item, writer.view, this.#offsets[column]!);
    const field = this.#fields[column]!;
    const value = variableOf(this.template.fields[field]!.type, item);
    if (value !== undefined) writer.set(field, value);
    return value !== undefined;
  }

  #miscounted(from: number): NemeanError {
    const found = countItems(this.#span.bytes, from, this.#span.end);
    const expected = this.#codes.length + (this.paced ? 1 : 0);
    return new NemeanError(
      "ERR_RECORD_SIZE",
      EXIT.data,
      `${found} columns, the header has ${expected}`,
    );
  }

  /** The error of a value at `start`, or of the line's columns when their number is wrong too. */
  #refused(column: number, from: number, start: number): NemeanError {
    const span = this.#span;
    const found = countItems(span.bytes, from, span.end);
    if (found !== this.#codes.length + (this.paced ? 1 : 0)) return this.#miscounted(from);
    span.at = start;
    this.#item.take(span);
    const { name } = this.template.fields[this.#fields[column]!]!;
    return new NemeanError(
      "ERR_VALUE",
      EXIT.data,
      `invalid field "${name}": "${this.#item.toString().slice(0, 80)}"`,
    );
  }
}

function codeOf(type: UniRecType): number {
  if (type === "string") return STRING;
  return type === "bytes" || isArrayType(type) ? VARIABLE : SCALAR_CODE[type as ScalarType];
}

const endsItem = ({ bytes, at, end }: Span): boolean => at === end || bytes[at] === COMMA;
