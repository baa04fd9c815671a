// SPDX-License-Identifier: BSD-3-Clause
import { hashWord } from "../../core/state/hyper-log-log.ts";
import type { StateStore } from "../../core/state/state-store.ts";
import { Address } from "../../core/unirec/ip.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Template } from "../../core/unirec/template.ts";

/** Fields that name the server that a client wants. */
const FIELDS = ["TLS_SNI", "HTTP_REQUEST_HOST"];
/** Bytes of a name that are hashed, and those that are kept. */
const HASHED = 255;
const KEPT = 64;
/** Last word of a name's key, which no address of the Internet ends with. */
const MARK = 0x6e616d65;
const LOWER = 0x20202020;

/** The name that the flow under a cursor has for its server. */
export class Names {
  /** Where the descriptors lie in the sender's records, of those fields that they have. */
  #descriptors: readonly number[] = [];
  #at = 0;
  #length = 0;
  readonly #texts: Uint8Array;
  readonly #lengths: Uint8Array;
  readonly #key = new Address();

  constructor(rows: number, state: StateStore) {
    this.#texts = state.column("names", "uint8", rows * KEPT);
    this.#lengths = state.column("nameLengths", "uint8", rows);
  }

  negotiate(layout: Template): void {
    this.#descriptors = FIELDS.flatMap((name) => fieldOf(layout, name)?.offset ?? []);
  }

  /** The key of the name, whatever its case; undefined where the flow has none. */
  look(cursor: AnyReader): Address | undefined {
    const descriptors = this.#descriptors;
    for (let i = 0; i < descriptors.length; i++) {
      this.#at = cursor.span(descriptors[i]!);
      this.#length = cursor.spanLength;
      if (this.#length > 0) return this.#keyOf(cursor.view);
    }
    return undefined;
  }

  #keyOf(view: DataView): Address {
    const key = this.#key;
    const end = this.#at + Math.min(this.#length, HASHED);
    let at = this.#at;
    let one = 0;
    let two = 1;
    for (; at + 4 <= end; at += 4) {
      const word = view.getInt32(at, true) | LOWER;
      one = hashWord(one, word);
      two = hashWord(two, word);
    }
    for (; at < end; at++) {
      one = hashWord(one, view.getUint8(at) | 0x20);
      two = hashWord(two, ~one);
    }
    key.w0 = one;
    key.w1 = two;
    key.w2 = this.#length;
    key.w3 = MARK;
    return key;
  }

  /** Keep the name that was looked at last as a row's. */
  keep(row: number, { view }: AnyReader): void {
    const length = Math.min(this.#length, KEPT);
    this.#lengths[row] = length;
    for (let i = 0; i < length; i++)
      this.#texts[row * KEPT + i] = printable(view.getUint8(this.#at + i));
  }

  /** The row's destination has no name. */
  clear(row: number): void {
    this.#lengths[row] = 0;
  }

  /** The row's name, in lower case, the first bytes of a long one; empty where it has none. */
  text(row: number): string {
    const at = row * KEPT;
    return Buffer.from(this.#texts.subarray(at, at + this.#lengths[row]!)).toString("latin1");
  }
}

/** Lower case; a question mark for what is no letter, digit or sign of a name. */
function printable(byte: number): number {
  if (byte >= 0x41 && byte <= 0x5a) return byte | 0x20;
  const isLetter = byte >= 0x61 && byte <= 0x7a;
  // Dash, dot, digits and colon; underscore.
  const isSign = (byte >= 0x2d && byte <= 0x3a && byte !== 0x2f) || byte === 0x5f;
  return isLetter || isSign ? byte : 0x3f;
}
