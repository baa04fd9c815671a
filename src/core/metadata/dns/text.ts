// SPDX-License-Identifier: BSD-3-Clause

const DOT = 0x2e;
const BACKSLASH = 0x5c;
const SEMICOLON = 0x3b;
const DIGIT_0 = 0x30;
/** `\DDD` is the longest that a byte becomes. */
const ESCAPE_MAX = 4;

const AS_IS = 0;
const QUOTED = 1;
const DECIMAL = 2;

/** What becomes of each byte: the bytes from `first` to `last` stay, those of `quoted` get a backslash. */
function escapes(first: number, last: number, quoted: readonly number[]): Uint8Array {
  const table = new Uint8Array(256).fill(DECIMAL);
  table.fill(AS_IS, first, last + 1);
  for (const byte of quoted) table[byte] = QUOTED;
  return table;
}

const utf8 = (quoted: readonly number[]): Uint8Array =>
  // DEL alone is a control character among those above the blank.
  escapes(0x20, 0xff, quoted).fill(DECIMAL, 0x7f, 0x80);

/** How the bytes of labels and of character strings are written. */
export const ESCAPES = {
  /** Names of hosts: `\DDD` for what is not printed, `\.` for a dot within a label (RFC 4343 section 2.1). */
  host: escapes(0x21, 0x7e, [DOT, BACKSLASH]),
  /** Names of services are UTF-8 with blanks (RFC 6763 section 4.3); a semicolon ends them in our lists. */
  service: utf8([DOT, BACKSLASH, SEMICOLON]),
  /** Strings in lists that semicolons part. */
  listed: utf8([BACKSLASH, SEMICOLON]),
  /** Bytes as they are, as ipfixprobe has them. */
  none: new Uint8Array(256),
} as const;

/** Text that is put together in memory of its own, without a string a part. What is past its bound is left out. */
export class DnsText {
  length = 0;
  readonly #bytes: Uint8Array;
  /** The same memory, for what it makes strings of. */
  readonly #buffer: Buffer;
  readonly #limit: number;

  /** @param max bytes kept */
  constructor(max: number) {
    const memory = new ArrayBuffer(max + ESCAPE_MAX);
    this.#bytes = new Uint8Array(memory);
    this.#buffer = Buffer.from(memory);
    this.#limit = max;
  }

  clear(): this {
    this.length = 0;
    return this;
  }

  /** Characters of ASCII. */
  ascii(text: string): this {
    for (let i = 0; i < text.length && this.length < this.#limit; i++)
      this.#bytes[this.length++] = text.charCodeAt(i);
    return this;
  }

  dot(): void {
    if (this.length < this.#limit) this.#bytes[this.length++] = DOT;
  }

  /** Bytes, each as `table` of {@link ESCAPES} has it. */
  put(bytes: Uint8Array, from: number, to: number, table: Uint8Array): this {
    for (let at = from; at < to && this.length < this.#limit; at++) {
      const byte = bytes[at]!;
      if (table[byte] === AS_IS) this.#bytes[this.length++] = byte;
      else this.#escape(byte, table[byte] === QUOTED);
    }
    return this;
  }

  #escape(byte: number, quoted: boolean): void {
    const out = this.#bytes;
    out[this.length++] = BACKSLASH;
    if (quoted) {
      out[this.length++] = byte;
      return;
    }
    out[this.length++] = DIGIT_0 + Math.floor(byte / 100);
    out[this.length++] = DIGIT_0 + (Math.floor(byte / 10) % 10);
    out[this.length++] = DIGIT_0 + (byte % 10);
  }

  /** The bytes, in memory that is the caller's. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  /** The text; bytes that are no UTF-8 are replaced. */
  toString(): string {
    return this.#buffer.toString("utf8", 0, this.length);
  }
}
