// SPDX-License-Identifier: BSD-3-Clause
/**
 * UniRec's text form: one record a line, fields in record order, strings in quotes (unirec.md section 6, 7).
 * Bytes are written straight into a buffer, without a string a field (bench records).
 * @module
 */
import type { AnyReader } from "./reader.ts";
import type { Field, Template } from "./template.ts";
import { HEX_PAIR } from "./text-address.ts";
import { SLACK } from "./text-digits.ts";
import { lineParts, PART_MAX } from "./text-line.ts";
import { character, SCALAR_MAX, SCALAR_TEXT, type ScalarText } from "./text-scalar.ts";
import { elementOf, isArrayType, type ScalarType, SIZE } from "./types.ts";

const BUFFER = 1 << 18;
/** Longest text of a string or of bytes: two characters for each of 65,535 bytes, and quotes. */
const VALUE_MAX = (1 << 17) + 2;
/** A line that begins in the buffer may end behind it: by a part of its scalars and a value, with the delimiters. */
const LINE_MAX = PART_MAX + VALUE_MAX + SCALAR_MAX;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const NEWLINE = 10;
const QUOTE = 34;

export interface TextOptions {
  readonly delimiter?: string;
}

/**
 * Writes records as lines into a buffer that goes to `sink` whenever it fills: at a line's end, or at a
 * value's where a line is very long (a record of 65,534 bytes may be 2.6 MB of text).
 */
export class TextWriter {
  /** Bytes in front of each line, their delimiter with them: a column that is no field. */
  lead = new Uint8Array(0);
  readonly #bytes = new Uint8Array(new ArrayBuffer(BUFFER + LINE_MAX + SLACK));
  readonly #out = new DataView(this.#bytes.buffer);
  readonly #sink: (bytes: Uint8Array) => void;
  readonly #delimiter: number;
  #at = 0;
  /** The layout of the last record, and how it is written. */
  #template: Template | undefined;
  #parts: readonly ScalarText[] = [];
  #variable: readonly Field[] = [];

  /** `sink` takes the bytes before it returns: the buffer is used again. */
  constructor(sink: (bytes: Uint8Array) => void, { delimiter = "," }: TextOptions = {}) {
    this.#sink = sink;
    this.#delimiter = delimiter.charCodeAt(0);
  }

  /** The typed list of the fields, items joined by the delimiter, behind the names of what leads the lines. */
  header(template: Template, lead = ""): void {
    this.flush();
    const items = template.spec.replaceAll(",", String.fromCharCode(this.#delimiter));
    this.#sink(encoder.encode(`${lead}${items}\n`));
  }

  /** The record under the cursor; `template` is the cursor's layout. */
  record(cursor: AnyReader, template: Template): void {
    if (template !== this.#template) this.#take(template);
    for (let i = 0; i < this.lead.length; i++) this.#byte(this.lead[i]!);
    for (let i = 0; i < this.#parts.length; i++) {
      this.#room(PART_MAX);
      this.#at = this.#parts[i]!(this.#out, this.#at, cursor.view, cursor.at);
    }
    for (let i = 0; i < this.#variable.length; i++) {
      this.#field(cursor, this.#variable[i]!);
      this.#byte(this.#delimiter);
    }
    // The line's end takes the place of the last delimiter.
    if (template.fields.length > 0 || this.lead.length > 0) this.#at--;
    this.#byte(NEWLINE);
    if (this.#at >= BUFFER) this.flush();
  }

  flush(): void {
    if (this.#at === 0) return;
    this.#sink(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
  }

  /** In record order the values of fixed size come first (unirec.md section 5). */
  #take(template: Template): void {
    this.#template = template;
    this.#variable = template.fields.filter(({ size }) => size < 0);
    const scalars = template.fields.filter(({ size }) => size > 0);
    this.#parts = lineParts(scalars, this.#delimiter);
  }

  /** Make room for `size` more bytes, and what a last store leaves behind them. */
  #room(size: number): void {
    if (this.#at + size + SLACK > this.#bytes.length) this.flush();
  }

  #byte(byte: number): void {
    this.#bytes[this.#at++] = byte;
  }

  #field(cursor: AnyReader, { type, offset }: Field): void {
    const at = cursor.span(offset);
    const end = at + cursor.spanLength;
    this.#room(VALUE_MAX + 1);
    if (type === "string") this.#string(cursor.view, at, end);
    else if (type === "bytes") this.#hex(cursor.view, at, end);
    else if (isArrayType(type)) this.#array(cursor.view, at, end, elementOf(type));
  }

  /** In quotes, `"` doubled, a newline as a space; control characters and bytes that are no UTF-8 are left out. */
  #string(view: DataView, start: number, end: number): void {
    this.#byte(QUOTE);
    let at = this.#at;
    let from = start;
    for (; from < end; from++) {
      const byte = view.getUint8(from);
      if (byte >= 0x80) break;
      at = character(this.#out, at, byte);
    }
    if (from < end)
      at = this.#utf8(new Uint8Array(view.buffer, view.byteOffset + start, end - start));
    this.#at = at;
    this.#byte(QUOTE);
  }

  #utf8(bytes: Uint8Array): number {
    let at = this.#at;
    // C1 controls, line separators and bidirectional overrides go with the C0 controls: they rewrite a terminal's line.
    const clean = decoder.decode(bytes).replace(UNPRINTABLE, "");
    for (const byte of encoder.encode(clean)) {
      if (byte >= 0x80) this.#bytes[at++] = byte;
      else at = character(this.#out, at, byte);
    }
    return at;
  }

  #hex(view: DataView, start: number, end: number): void {
    let at = this.#at;
    for (let from = start; from < end; from++) {
      this.#out.setInt16(at, HEX_PAIR[view.getUint8(from)]!, true);
      at += 2;
    }
    this.#at = at;
  }

  #array(view: DataView, start: number, end: number, element: ScalarType): void {
    const size = SIZE[element];
    const write = SCALAR_TEXT[element as Exclude<ScalarType, "char">];
    this.#byte(OPEN);
    for (let from = start; from + size <= end; from += size) {
      this.#room(SCALAR_MAX + 3);
      if (from > start) this.#byte(BAR);
      this.#at = write(this.#out, this.#at, view, from);
    }
    this.#byte(CLOSE);
  }
}

const OPEN = 91;
const BAR = 124;
const CLOSE = 93;
const UNPRINTABLE = /[\u0080-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffd]/g;
