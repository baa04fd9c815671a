// SPDX-License-Identifier: BSD-3-Clause
import { Batch } from "../../core/batch.ts";
import type { StateStore } from "../../core/state/state-store.ts";
import { type AnyReader, reader } from "../../core/unirec/reader.ts";
import type { Reader, Template } from "../../core/unirec/template.ts";
import { RecordWriter } from "../../core/unirec/writer.ts";

const META = { first: 0, count: 1 } as const;

/** Records of fixed size that wait in their order, each until an event time. */
export class WaitingRoom<T extends Template> {
  readonly #size: number;
  readonly #stride: number;
  readonly #until: Float64Array;
  readonly #meta: Int32Array;
  readonly #batch: Batch;
  readonly #record: RecordWriter;
  readonly #cursor: Reader<T> & AnyReader;

  constructor(name: string, size: number, layout: T, state: StateStore) {
    this.#size = size;
    this.#stride = 2 + layout.fixedSize;
    const bytes = state.column(`${name}.bytes of ${layout.spec}`, "uint8", size * this.#stride);
    this.#until = state.column(`${name}.until`, "float64", size);
    this.#meta = state.column(`${name}.meta`, "int32", 2);
    this.#batch = new Batch(bytes.buffer);
    this.#record = new RecordWriter(layout);
    this.#cursor = reader(layout);
  }

  get isEmpty(): boolean {
    return this.#meta[META.count] === 0;
  }

  get isFull(): boolean {
    return this.#meta[META.count] === this.#size;
  }

  /** The event time that the first one waits for. */
  get until(): number {
    return this.#until[this.#meta[META.first]!]!;
  }

  /** Let the record under a cursor wait; there must be room. */
  enter(cursor: AnyReader, until: number): void {
    const slot = (this.#meta[META.first]! + this.#meta[META.count]!++) % this.#size;
    this.#until[slot] = until;
    this.#record.begin().copyFrom(cursor).end(this.#at(slot));
  }

  /** The first one, which leaves: a cursor that holds until the next call of anything here. */
  leave(): Reader<T> {
    const slot = this.#meta[META.first]!;
    this.#meta[META.first] = (slot + 1) % this.#size;
    this.#meta[META.count]!--;
    const batch = this.#at(slot);
    batch.length = this.#stride;
    this.#cursor.reset(batch);
    this.#cursor.next();
    return this.#cursor;
  }

  /** The batch, empty, at the place of a slot's record. */
  #at(slot: number): Batch {
    this.#batch.start = slot * this.#stride;
    this.#batch.clear();
    return this.#batch;
  }
}
