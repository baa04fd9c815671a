// SPDX-License-Identifier: BSD-3-Clause
import { Batch, HEADROOM, PAYLOAD_MAX } from "./batch.ts";
import type { Receiver } from "./port.ts";

/** Control words in front of the slots, each in a cache line of its own. */
const WRITTEN = 0;
const READ = 16;
const ENDED = 32;
const DROPPED = 48;
const CONTROL_BYTES = 256;
/** A slot: kind, length, count, unused, watermark, then a batch with its headroom. */
const SLOT_HEAD = 32;
const SLOT_BYTES = SLOT_HEAD + Math.ceil((HEADROOM + PAYLOAD_MAX) / 32) * 32;
const KIND = { batch: 1, advance: 2 } as const;

/**
 * Batches from one Worker to another through shared memory, one writer, one reader.
 *
 * ```text
 *   | written | read | ended | dropped | slot 0: kind length count watermark batch | slot 1 … |
 * ```
 *
 * A full ring drops the batch and counts its records: a slow detector must not stop the capture behind it.
 * Event time and the end are never dropped; they wait in the writer for the next free slot.
 */
export interface BatchRing {
  readonly memory: SharedArrayBuffer;
  /** A word shared by all rings of a reader: the writer counts it up and wakes who waits on it. */
  readonly bell: SharedArrayBuffer;
}

/** A ring of `slots` batches of 100 KB. */
export const createRing = (bell: SharedArrayBuffer, slots = 64): BatchRing => ({
  memory: new SharedArrayBuffer(CONTROL_BYTES + slots * SLOT_BYTES),
  bell,
});

export const createBell = (): SharedArrayBuffer => new SharedArrayBuffer(4);

const slotsOf = ({ memory }: BatchRing): number =>
  Math.floor((memory.byteLength - CONTROL_BYTES) / SLOT_BYTES);

/** The writing end: an output is linked to it. */
export class RingWriter implements Receiver {
  readonly #control: Int32Array;
  readonly #bell: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #slots: number;
  #pending = Number.NEGATIVE_INFINITY;

  constructor(ring: BatchRing) {
    this.#control = new Int32Array(ring.memory, 0, CONTROL_BYTES / 4);
    this.#bell = new Int32Array(ring.bell);
    this.#bytes = new Uint8Array(ring.memory);
    this.#view = new DataView(ring.memory);
    this.#slots = slotsOf(ring);
  }

  receive(batch: Batch): void {
    const slot = this.#slot();
    if (slot < 0) {
      Atomics.add(this.#control, DROPPED, batch.count);
      return;
    }
    this.#bytes.set(
      batch.bytes.subarray(batch.start, batch.start + batch.length),
      slot + SLOT_HEAD + HEADROOM,
    );
    this.#publish(slot, KIND.batch, batch.length, batch.count);
  }

  advance(watermark: number): void {
    this.#pending = watermark;
    const slot = this.#slot();
    if (slot >= 0) this.#publish(slot, KIND.advance, 0, 0);
  }

  end(): void {
    Atomics.store(this.#control, ENDED, 1);
    this.#ring();
  }

  /** Offset of the next free slot, or -1. */
  #slot(): number {
    const written = Atomics.load(this.#control, WRITTEN);
    if (((written - Atomics.load(this.#control, READ)) | 0) >= this.#slots) return -1;
    return CONTROL_BYTES + ((written >>> 0) % this.#slots) * SLOT_BYTES;
  }

  #publish(slot: number, kind: number, length: number, count: number): void {
    this.#view.setInt32(slot, kind, true);
    this.#view.setInt32(slot + 4, length, true);
    this.#view.setInt32(slot + 8, count, true);
    this.#view.setFloat64(slot + 16, this.#pending, true);
    Atomics.add(this.#control, WRITTEN, 1);
    this.#ring();
  }

  #ring(): void {
    Atomics.add(this.#bell, 0, 1);
    Atomics.notify(this.#bell, 0);
  }
}

/** The reading end: gives what comes to a receiver, in place. */
export class RingReader {
  readonly #control: Int32Array;
  readonly #batch: Batch;
  readonly #slots: number;
  readonly #receiver: Receiver;
  #ended = false;

  constructor(ring: BatchRing, receiver: Receiver) {
    this.#control = new Int32Array(ring.memory, 0, CONTROL_BYTES / 4);
    this.#batch = new Batch(ring.memory);
    this.#slots = slotsOf(ring);
    this.#receiver = receiver;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Records that the writer had to drop since the ring was full. */
  get dropped(): number {
    return Atomics.load(this.#control, DROPPED) >>> 0;
  }

  /** Deliver what is there, at most a ring's worth; returns the slots taken. */
  drain(): number {
    // Looked at first: what was written before the end is then in the ring.
    const ending = Atomics.load(this.#control, ENDED) !== 0;
    const { view } = this.#batch;
    let taken = 0;
    for (; taken < this.#slots; taken++) {
      const read = Atomics.load(this.#control, READ);
      if (read === Atomics.load(this.#control, WRITTEN)) break;
      const slot = CONTROL_BYTES + ((read >>> 0) % this.#slots) * SLOT_BYTES;
      if (view.getInt32(slot, true) === KIND.batch) {
        this.#batch.start = slot + SLOT_HEAD + HEADROOM;
        this.#batch.length = view.getInt32(slot + 4, true);
        this.#batch.count = view.getInt32(slot + 8, true);
        this.#receiver.receive(this.#batch);
      } else this.#receiver.advance(view.getFloat64(slot + 16, true));
      Atomics.add(this.#control, READ, 1);
    }
    if (ending && taken < this.#slots && !this.#ended) {
      this.#ended = true;
      this.#receiver.end();
    }
    return taken;
  }
}
