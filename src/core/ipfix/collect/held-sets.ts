// SPDX-License-Identifier: BSD-3-Clause
import type { MessageHead } from "./flow-decoder.ts";

export interface HeldSetsOptions {
  /** Bytes of sets that wait for their templates. */
  readonly heldBytesMax?: number;
}

const BYTES_MAX = 4 << 20;
/** Of one exporter's domain and template, so that nobody takes the room of all. */
const SETS_MAX = 64;

export interface HeldSet extends MessageHead {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Sets of records that came before their templates, in a bound: past it they are not taken, and counted by who asks. */
export class HeldSets {
  readonly #sets = new Map<string, HeldSet[]>();
  readonly #max: number;
  #bytes = 0;

  constructor({ heldBytesMax = BYTES_MAX }: HeldSetsOptions) {
    this.#max = heldBytesMax;
  }

  /** Sets that wait. */
  get size(): number {
    return this.#sets.values().reduce((sum, { length }) => sum + length, 0);
  }

  /** Keep a copy of a set; false where there is no room. */
  hold(head: MessageHead, id: number, bytes: Uint8Array): boolean {
    const key = keyOf(head, id);
    const waiting = this.#sets.get(key) ?? [];
    if (waiting.length >= SETS_MAX || this.#bytes + bytes.byteLength > this.#max) return false;
    waiting.push({ ...head, bytes: new Uint8Array(bytes) });
    this.#bytes += bytes.byteLength;
    this.#sets.set(key, waiting);
    return true;
  }

  /** Those that waited for this template. */
  release(head: MessageHead, id: number): readonly HeldSet[] {
    if (this.#sets.size === 0) return [];
    const key = keyOf(head, id);
    const waiting = this.#sets.get(key) ?? [];
    this.#sets.delete(key);
    this.#bytes -= waiting.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    return waiting;
  }
}

const keyOf = ({ exporter, domain }: MessageHead, id: number): string =>
  `${exporter} ${domain} ${id}`;
