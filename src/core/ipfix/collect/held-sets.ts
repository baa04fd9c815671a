// SPDX-License-Identifier: BSD-3-Clause
import type { MessageHead } from "./message-head.ts";

export interface HeldSetsOptions {
  /** Bytes of sets that wait for their templates. */
  readonly heldBytesMax?: number;
}

const BYTES_MAX = 4 << 20;
/** Of one template, so that nobody takes the room of all. */
const SETS_MAX = 64;
/** Bytes that a set takes beside its own. */
const SET_BYTES = 300;

/** A set with the head of its message. */
export interface HeldSet extends MessageHead {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Sets of records that came before their templates, in a bound: those that have waited longest make room. */
export class HeldSets {
  /** By exporter, domain and template; the one waited for longest comes first. */
  readonly #waiting = new Map<string, HeldSet[]>();
  readonly #max: number;
  #bytes = 0;
  /** Sets that are not held any more, nor were decoded; and flows with lists of records whose template had not come. */
  dropped = 0;

  constructor({ heldBytesMax = BYTES_MAX }: HeldSetsOptions = {}) {
    this.#max = heldBytesMax;
  }

  /** Sets that wait. */
  get size(): number {
    return this.#waiting.values().reduce((sum, { length }) => sum + length, 0);
  }

  /** Keep a copy of a set. */
  hold(head: MessageHead, id: number, bytes: Uint8Array): void {
    const key = keyOf(head, id);
    const sets = this.#waiting.get(key) ?? [];
    const cost = SET_BYTES + bytes.byteLength;
    if (sets.length >= SETS_MAX || cost > this.#max) {
      this.dropped++;
      return;
    }
    sets.push({ ...head, bytes: new Uint8Array(bytes) });
    this.#waiting.set(key, sets);
    this.#bytes += cost;
    while (this.#bytes > this.#max) this.dropped += this.#take(this.#oldest()).length;
  }

  /** Those that waited for this template. */
  release(head: MessageHead, id: number): readonly HeldSet[] {
    return this.#waiting.size === 0 ? [] : this.#take(keyOf(head, id));
  }

  /** Nothing more comes: what still waits is dropped. */
  clear(): void {
    while (this.#waiting.size > 0) this.dropped += this.#take(this.#oldest()).length;
  }

  #oldest(): string {
    return this.#waiting.keys().next().value!;
  }

  #take(key: string): readonly HeldSet[] {
    const sets = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    for (const { bytes } of sets) this.#bytes -= SET_BYTES + bytes.byteLength;
    return sets;
  }
}

const keyOf = ({ exporter, domain }: MessageHead, id: number): string =>
  `${exporter.name} ${domain} ${id}`;
