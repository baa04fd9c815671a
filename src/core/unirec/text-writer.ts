// SPDX-License-Identifier: BSD-3-Clause
/**
 * UniRec's text form: one record a line, fields in record order, strings in quotes (unirec.md section 6, 7).
 * Bytes are written straight into a buffer, without a string a field (bench records).
 * @module
 */
import { macText } from "./ip.ts";
import type { AnyReader } from "./reader.ts";
import { readScalar } from "./scalar.ts";
import type { Field, Template } from "./template.ts";
import { microsOfFraction, SECOND, timeText } from "./time.ts";
import { elementOf, isArrayType, type ScalarType, SIZE } from "./types.ts";

const BUFFER = 1 << 18;
/** Longest text of one scalar, and what stands round it: a double of 309 digits and six decimals. */
const SCALAR_MAX = 330;
/** Longest text of a string or of bytes: two characters for each of 65,535 bytes, and quotes. */
const VALUE_MAX = (1 << 17) + 2;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export interface TextOptions {
  readonly delimiter?: string;
}

/**
 * Writes records as lines into a buffer that goes to `sink` whenever it fills: at a line's end, or at a
 * value's where a line is very long (a record of 65,534 bytes may be 2.6 MB of text).
 */
export class TextWriter {
  readonly #bytes = new Uint8Array(new ArrayBuffer(BUFFER + VALUE_MAX + SCALAR_MAX));
  readonly #sink: (bytes: Uint8Array) => void;
  readonly #delimiter: number;
  #at = 0;
  #secondOfText = -1;

  /** `sink` takes the bytes before it returns: the buffer is used again. */
  constructor(sink: (bytes: Uint8Array) => void, { delimiter = "," }: TextOptions = {}) {
    this.#sink = sink;
    this.#delimiter = delimiter.charCodeAt(0);
  }

  /** The typed list of the fields, items joined by the delimiter. */
  header(template: Template): void {
    this.flush();
    const items = template.spec.replaceAll(",", String.fromCharCode(this.#delimiter));
    this.#sink(encoder.encode(`${items}\n`));
  }

  /** The record under the cursor; `template` is the cursor's layout. */
  record(cursor: AnyReader, template: Template): void {
    const { fields } = template;
    for (let i = 0; i < fields.length; i++) {
      if (i > 0) this.#bytes[this.#at++] = this.#delimiter;
      this.#field(cursor, fields[i]!);
    }
    this.#line();
  }

  flush(): void {
    if (this.#at === 0) return;
    this.#sink(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
  }

  /** Make room for `size` more bytes. */
  #room(size: number): void {
    if (this.#at + size > this.#bytes.length) this.flush();
  }

  #line(): void {
    this.#bytes[this.#at++] = 10;
    if (this.#at >= BUFFER) this.flush();
  }

  #field(cursor: AnyReader, { type, offset }: Field): void {
    if (SIZE[type] > 0) {
      this.#room(SCALAR_MAX);
      this.#scalar(cursor.view, cursor.at + offset, type as ScalarType);
      return;
    }
    const at = cursor.span(offset);
    const end = at + cursor.spanLength;
    this.#room(VALUE_MAX);
    if (type === "string") this.#string(cursor.view, at, end);
    else if (type === "bytes") this.#hex(cursor.view, at, end);
    else if (isArrayType(type)) this.#array(cursor.view, at, end, elementOf(type));
  }

  #scalar(view: DataView, at: number, type: ScalarType): void {
    switch (type) {
      case "uint8":
        this.#unsigned(view.getUint8(at));
        return;
      case "uint16":
        this.#unsigned(view.getUint16(at, true));
        return;
      case "uint32":
        this.#unsigned(view.getUint32(at, true));
        return;
      case "uint64":
        this.#unsigned64(view, at);
        return;
      case "time":
        this.#time(view, at);
        return;
      case "ipaddr":
        this.#ip(view, at);
        return;
      case "char":
        this.#char(view.getUint8(at));
        return;
      default:
        this.#ascii(scalarText(view, at, type));
    }
  }

  #unsigned(value: number): void {
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    this.#digits(value, digits);
  }

  /** The value in exactly that many digits. */
  #digits(value: number, count: number): void {
    let rest = value;
    for (let i = this.#at + count - 1; i >= this.#at; i--) {
      const tenth = Math.floor(rest / 10);
      this.#bytes[i] = 48 + (rest - tenth * 10); // 48 + rest first would pass 2^53.
      rest = tenth;
    }
    this.#at += count;
  }

  #unsigned64(view: DataView, at: number): void {
    const high = view.getUint32(at + 4, true);
    if (high < 0x20_0000) this.#unsigned(view.getUint32(at, true) + high * 4_294_967_296);
    else this.#ascii(view.getBigUint64(at, true).toString());
  }

  #time(view: DataView, at: number): void {
    const seconds = view.getUint32(at + 4, true);
    if (seconds === this.#secondOfText) {
      // Neighbouring records share their second: copy its text from the last one written.
      for (let i = 0; i < 20; i++) this.#bytes[this.#at + i] = this.#textOfSecond[i]!;
      this.#at += 20;
    } else {
      const from = this.#at;
      this.#ascii(timeText(seconds * SECOND).slice(0, 20));
      this.#textOfSecond.set(this.#bytes.subarray(from, this.#at));
      this.#secondOfText = seconds;
    }
    this.#digits(microsOfFraction(view.getUint32(at, true)), 6);
  }
  readonly #textOfSecond = new Uint8Array(20);

  #ip(view: DataView, at: number): void {
    if (
      view.getInt32(at + 12, true) !== -1 ||
      view.getInt32(at, true) !== 0 ||
      view.getInt32(at + 4, true) !== 0
    ) {
      this.#ascii(readScalar(view, at, "ipaddr") as string);
      return;
    }
    for (let i = 8; i < 12; i++) {
      if (i > 8) this.#bytes[this.#at++] = 46;
      this.#unsigned(view.getUint8(at + i));
    }
  }

  /**
   * The character unquoted, as the original has it, unless it would be taken for the line's own signs.
   * One above ASCII is Latin-1 in UTF-8; controls are left out: a zero ends a C program's line.
   */
  #char(byte: number): void {
    const quoted = byte === this.#delimiter || byte === 34;
    if (quoted) this.#bytes[this.#at++] = 34;
    if (byte < 0x80) this.#character(byte);
    else if (byte >= 0xa0) {
      this.#bytes[this.#at++] = 0xc0 | (byte >>> 6);
      this.#bytes[this.#at++] = 0x80 | (byte & 0x3f);
    }
    if (quoted) this.#bytes[this.#at++] = 34;
  }

  /** In quotes, `"` doubled, a newline as a space; control characters and bytes that are no UTF-8 are left out. */
  #string(view: DataView, start: number, end: number): void {
    this.#bytes[this.#at++] = 34;
    let ascii = true;
    for (let at = start; at < end; at++) {
      const byte = view.getUint8(at);
      if (byte >= 0x80) {
        ascii = false;
        break;
      }
    }
    if (ascii) for (let at = start; at < end; at++) this.#character(view.getUint8(at));
    else this.#utf8(new Uint8Array(view.buffer, view.byteOffset + start, end - start));
    this.#bytes[this.#at++] = 34;
  }

  #character(byte: number): void {
    if (byte === 10) this.#bytes[this.#at++] = 32;
    else if (byte >= 32 && byte !== 127) {
      if (byte === 34) this.#bytes[this.#at++] = 34;
      this.#bytes[this.#at++] = byte;
    }
  }

  #utf8(bytes: Uint8Array): void {
    // C1 controls, line separators and bidirectional overrides go with the C0 controls: they rewrite a terminal's line.
    const clean = decoder.decode(bytes).replace(UNPRINTABLE, "");
    for (const byte of encoder.encode(clean)) {
      if (byte >= 0x80) this.#bytes[this.#at++] = byte;
      else this.#character(byte);
    }
  }

  #hex(view: DataView, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      const byte = view.getUint8(at);
      this.#bytes[this.#at++] = HEX.charCodeAt(byte >>> 4);
      this.#bytes[this.#at++] = HEX.charCodeAt(byte & 15);
    }
  }

  #array(view: DataView, start: number, end: number, element: ScalarType): void {
    const size = SIZE[element];
    this.#bytes[this.#at++] = 91;
    for (let at = start; at + size <= end; at += size) {
      this.#room(SCALAR_MAX);
      if (at > start) this.#bytes[this.#at++] = 124;
      this.#scalar(view, at, element);
    }
    this.#bytes[this.#at++] = 93;
  }

  #ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.#bytes[this.#at++] = text.charCodeAt(i);
  }
}

const HEX = "0123456789abcdef";
const UNPRINTABLE = /[\u0080-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffd]/g;

/** Text of a signed, floating or MAC value. */
function scalarText(view: DataView, at: number, type: ScalarType): string {
  if (type === "int64") return view.getBigInt64(at, true).toString();
  const value = readScalar(view, at, type) as number;
  if (type === "macaddr") return macText(value);
  return type === "float" || type === "double" ? fixedText(value) : String(value);
}

/** printf's `%f`: six decimals, all digits of a large value. */
export function fixedText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  return Math.abs(value) < 1e21 ? value.toFixed(6) : `${BigInt(value)}.000000`;
}
