// SPDX-License-Identifier: BSD-3-Clause
import { Span } from "./span.ts";

const COMMA = 44;
const QUOTE = 34;
const RETURN = 13;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** One item of a line without its quotes: `""` inside them is a quote. Carriage returns are left out. */
export class TextItem {
  #bytes = new Uint8Array(new ArrayBuffer(4096));
  #length = 0;
  readonly #span = new Span();

  /** Copy the item at the span's front; leaves the span at the comma that ends it, or at the line's end. */
  take(span: Span): Span {
    const { bytes, end } = span;
    const size = end - span.at;
    if (size > this.#bytes.length) this.#bytes = new Uint8Array(new ArrayBuffer(2 * size));
    let i = span.at;
    let length = 0;
    for (let quoted = false; i < end; i++) {
      const byte = bytes[i]!;
      if (byte === RETURN) continue;
      if (byte === QUOTE) {
        const next = quoted ? behindReturns(bytes, i + 1, end) : end;
        if (next < end && bytes[next] === QUOTE) i = next;
        else {
          quoted = !quoted;
          continue;
        }
      } else if (byte === COMMA && !quoted) break;
      this.#bytes[length++] = byte;
    }
    span.at = i;
    this.#length = length;
    return this.#span.over(this.#bytes, 0, length);
  }

  /** The item taken last as text. */
  toString(): string {
    return decoder.decode(this.#bytes.subarray(0, this.#length));
  }
}

function behindReturns(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && bytes[i] === RETURN) i++;
  return i;
}

/** Items of a line: one more than its commas outside quotes. */
export function countItems(bytes: Uint8Array, from: number, to: number): number {
  let count = 1;
  let quoted = false;
  for (let i = from; i < to; i++) {
    if (bytes[i] === QUOTE) quoted = !quoted;
    else if (bytes[i] === COMMA && !quoted) count++;
  }
  return count;
}

/** Split a line at commas outside quotes; `""` inside quotes is a quote, the outer quotes are dropped. */
export function splitLine(line: string): string[] {
  const bytes = encoder.encode(line);
  const span = new Span().over(bytes, 0, bytes.length);
  const item = new TextItem();
  const out: string[] = [];
  for (; span.at <= span.end; span.at++) {
    item.take(span);
    out.push(item.toString());
  }
  return out;
}
