// SPDX-License-Identifier: BSD-3-Clause
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Template } from "../../core/unirec/template.ts";
import { CONTENT, contentOf } from "./content.ts";
import { isPoolName, mayBePool } from "./names.ts";

/** What speaks for a server being a pool, from the weakest to the strongest. */
export const SIGN = {
  none: 0,
  behaviour: 1,
  node: 2,
  name: 3,
  listed: 4,
  probed: 5,
  stratum: 6,
} as const;

/** Bytes kept of what gave a pool away. */
export const SAID_MAX = 48;

const FIRST_PRINTED = 0x20;
const LAST_PRINTED = 0x7e;
const DOT = 0x2e;
const QUOTE = 0x22;
const APOSTROPHE = 0x27;

/** Looks into what a flow carried, where the meter gives it: first bytes, the name in TLS, the application. */
export class Signs {
  /** Whether the last {@link look} found the flow's source to be the miner. */
  fromSource = true;
  /** Where the sender's records have the descriptors; -1 for what they lack. */
  #content = -1;
  #contentReverse = -1;
  #name = -1;
  #application = -1;
  /** Where what was found lies. */
  #at = 0;
  #length = 0;
  #found = 0;

  /** Take the layout of the records that come. */
  negotiate(layout: Template): void {
    const offset = (name: string, type: string): number => {
      const field = fieldOf(layout, name);
      return field?.type === type ? field.offset : -1;
    };
    this.#content = offset("IDP_CONTENT", "bytes");
    this.#contentReverse = offset("IDP_CONTENT_REV", "bytes");
    this.#name = offset("TLS_SNI", "string");
    this.#application = offset("APP_PROTO", "string");
  }

  /** The {@link SIGN} that the record under the cursor shows. */
  look(cursor: AnyReader): number {
    this.#found = this.#search(cursor);
    return this.#found;
  }

  #search(cursor: AnyReader): number {
    this.fromSource = true;
    if (this.#content >= 0) {
      const sign = this.#inContent(cursor, this.#content, true);
      if (sign !== SIGN.none) return sign;
    }
    if (this.#contentReverse >= 0) {
      const sign = this.#inContent(cursor, this.#contentReverse, false);
      if (sign !== SIGN.none) return sign;
    }
    if (this.#name < 0 || !this.#reads(cursor, this.#name)) return SIGN.none;
    this.fromSource = true;
    return mayBePool(cursor.view, this.#at, this.#length) && isPoolName(this.#text(cursor))
      ? SIGN.name
      : SIGN.none;
  }

  #inContent(cursor: AnyReader, descriptor: number, isForward: boolean): number {
    if (!this.#reads(cursor, descriptor)) return SIGN.none;
    const found = contentOf(cursor.view, this.#at, this.#length);
    if (found === CONTENT.nothing) return SIGN.none;
    this.fromSource = (found !== CONTENT.pool) === isForward;
    if (found !== CONTENT.node) return SIGN.stratum;
    // Either of two nodes may say it: the flow's source is taken for the client.
    this.fromSource = true;
    return SIGN.node;
  }

  /** Whether the record says what the flow is, other than by a {@link look} that found something. */
  isExplained(cursor: AnyReader): boolean {
    return (
      (this.#name >= 0 && this.#reads(cursor, this.#name)) ||
      (this.#application >= 0 && this.#reads(cursor, this.#application))
    );
  }

  /** Whether a value is not empty; {@link #at} and {@link #length} say where it lies. */
  #reads(cursor: AnyReader, descriptor: number): boolean {
    this.#at = cursor.span(descriptor);
    this.#length = cursor.spanLength;
    return this.#length > 0;
  }

  #text({ view }: AnyReader): string {
    return Buffer.from(
      view.buffer as ArrayBuffer,
      view.byteOffset + this.#at,
      this.#length,
    ).toString("latin1");
  }

  /** Keep the beginning of what a stronger {@link look} found: printable, and without the quotes it will stand in. */
  keep({ view }: AnyReader, { said, sign }: Kept, row: number): void {
    if (sign[row]! >= this.#found) return;
    const start = row * SAID_MAX;
    const length = Math.min(this.#length, SAID_MAX - 1);
    for (let i = 0; i < length; i++) {
      const byte = view.getUint8(this.#at + i);
      said[start + i] =
        byte === QUOTE ? APOSTROPHE : byte < FIRST_PRINTED || byte > LAST_PRINTED ? DOT : byte;
    }
    said[start + length] = 0;
  }
}

/** Where {@link Signs.keep} keeps it. */
interface Kept {
  /** The strongest sign of each row so far. */
  readonly sign: Uint8Array;
  readonly said: Uint8Array;
}
