// SPDX-License-Identifier: BSD-3-Clause
import { Batch, HEADROOM, PAYLOAD_MAX } from "./batch.ts";
import { EXIT, NemeanError } from "./errors.ts";
import type { Receiver } from "./port.ts";
import type { Template } from "./unirec/template.ts";

/** Control words in front of the slots; those that change often have a cache line of their own. */
const WRITTEN = 0;
const READ = 16;
const ENDED = 32;
const ABANDONED = 33;
/** The writer sleeps until a slot is free. */
const WAITING = 34;
const DROPPED = 48;
const CONTROL_BYTES = 256;
/** A slot: what it holds, length, count, unused, watermark, then a batch with its headroom, or a layout as JSON. */
const SLOT_HEAD = 32;
/** What a slot holds besides its batch. */
const HAS_WATERMARK = 1;
const IS_LAYOUT = 2;
const SLOT_BYTES = SLOT_HEAD + Math.ceil((HEADROOM + PAYLOAD_MAX) / 32) * 32;
const SLOTS_DEFAULT = 64;

/**
 * Batches at which a reader that sleeps is woken; sooner for event time, a layout and the end. Waking it for each costs
 * 5 ns a record (bench trap). It looks by itself a few times a second.
 */
const WAKE_AT = 4;

/** How long a patient writer waits for a reader that takes nothing, in slices after which it looks up. */
const SLICE_MS = 100;
const SLICES_MAX = 50;

/**
 * Batches from one Worker to another through shared memory, one writer, one reader.
 *
 * ```text
 *   | written | read | ended … | dropped | slot 0: timed length count watermark batch | slot 1 … |
 * ```
 *
 * A full ring drops the batch and counts its records: a slow detector must not stop the capture behind it.
 * Event time and the end are never dropped: a watermark without a slot goes in front of what gets the next one.
 */
export interface BatchRing {
  readonly memory: SharedArrayBuffer;
  /** A word shared by all rings of a reader: the writer counts it up and wakes who waits on it. */
  readonly bell: SharedArrayBuffer;
}

/** A ring of `slots` batches of 100 KB, a power of two: the counters of slots wrap at 2^32. */
export function createRing(bell: SharedArrayBuffer, slots = SLOTS_DEFAULT): BatchRing {
  if (slots < 1 || (slots & (slots - 1)) !== 0)
    throw new Error(`a ring of ${slots} slots: expected a power of two`);
  return { memory: new SharedArrayBuffer(CONTROL_BYTES + slots * SLOT_BYTES), bell };
}

export const createBell = (): SharedArrayBuffer => new SharedArrayBuffer(4);

/** Tell the reader that nothing more comes, on behalf of a writer that is gone. A second end does nothing. */
export const endRing = (ring: BatchRing): void => new RingWriter(ring).end();

/** Tell the writer that nobody reads any more: it drops what it has instead of waiting. */
export function abandonRing({ memory }: BatchRing): void {
  Atomics.store(new Int32Array(memory, 0, CONTROL_BYTES / 4), ABANDONED, 1);
}

const slotsOf = ({ memory }: BatchRing): number =>
  Math.floor((memory.byteLength - CONTROL_BYTES) / SLOT_BYTES);

interface Slot {
  readonly holds: number;
  readonly length: number;
  readonly count: number;
}

/** A template is plain data. */
const layoutText = (layout: Template): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(layout));

/** The writing end: an output is linked to it. */
export class RingWriter implements Receiver {
  /** Wait for the reader instead of dropping: for what is left when nothing is captured any more. */
  patient = false;
  readonly #control: Int32Array;
  readonly #bell: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #slots: number;
  /** The layout of what follows, as long as the reader has not been told. */
  #layout: Template | undefined;
  /** The watermark, and whether the reader still has to hear of it. */
  #watermark = Number.NEGATIVE_INFINITY;
  #due = false;

  constructor(ring: BatchRing) {
    this.#control = new Int32Array(ring.memory, 0, CONTROL_BYTES / 4);
    this.#bell = new Int32Array(ring.bell);
    this.#bytes = new Uint8Array(ring.memory);
    this.#view = new DataView(ring.memory);
    this.#slots = slotsOf(ring);
  }

  /** @throws {NemeanError} ERR_TEMPLATE for a layout whose text is longer than a batch */
  announce(layout: Template): void {
    if (layoutText(layout).length > PAYLOAD_MAX)
      throw new NemeanError("ERR_TEMPLATE", EXIT.data, "a layout too long for a ring");
    this.#layout = layout;
    this.#tellLayout();
  }

  /** Put the layout into a slot of its own; false when there is none. */
  #tellLayout(): boolean {
    if (!this.#layout) return true;
    const slot = this.#slot();
    if (slot < 0) return false;
    const text = layoutText(this.#layout);
    this.#bytes.set(text, slot + SLOT_HEAD);
    this.#layout = undefined;
    this.#publish(slot, { holds: IS_LAYOUT, length: text.length, count: 0 });
    return true;
  }

  receive(batch: Batch): void {
    const slot = this.#tellLayout() ? this.#slot() : -1;
    if (slot < 0) {
      Atomics.add(this.#control, DROPPED, batch.count);
      return;
    }
    this.#bytes.set(
      batch.bytes.subarray(batch.start, batch.start + batch.length),
      slot + SLOT_HEAD + HEADROOM,
    );
    this.#publish(slot, { holds: 0, length: batch.length, count: batch.count });
  }

  advance(watermark: number): void {
    this.#watermark = watermark;
    this.#due = true;
    const slot = this.#slot();
    if (slot >= 0) this.#publish(slot, { holds: 0, length: 0, count: 0 });
  }

  end(): void {
    Atomics.store(this.#control, ENDED, 1);
    this.#ring();
  }

  /** Offset of the next free slot, or -1. */
  #slot(): number {
    const written = Atomics.load(this.#control, WRITTEN);
    if (!this.#hasRoom(written) && !(this.patient && this.#waited(written))) return -1;
    return CONTROL_BYTES + ((written >>> 0) % this.#slots) * SLOT_BYTES;
  }

  #hasRoom(written: number): boolean {
    return ((written - Atomics.load(this.#control, READ)) | 0) < this.#slots;
  }

  /** Sleep until a slot is free; false when the reader is gone or takes nothing for long. */
  #waited(written: number): boolean {
    const control = this.#control;
    Atomics.store(control, WAITING, 1);
    for (let slice = 0; slice < SLICES_MAX && !this.#hasRoom(written); slice++) {
      if (Atomics.load(control, ABANDONED) !== 0) break;
      Atomics.wait(control, READ, (written - this.#slots) | 0, SLICE_MS);
    }
    Atomics.store(control, WAITING, 0);
    this.patient = this.#hasRoom(written);
    return this.patient;
  }

  #publish(slot: number, { holds, length, count }: Slot): void {
    this.#view.setInt32(slot, holds | (this.#due ? HAS_WATERMARK : 0), true);
    this.#view.setInt32(slot + 4, length, true);
    this.#view.setInt32(slot + 8, count, true);
    this.#view.setFloat64(slot + 16, this.#watermark, true);
    const told = this.#due || holds !== 0;
    this.#due = false;
    const written = Atomics.add(this.#control, WRITTEN, 1) + 1;
    const waiting = (written - Atomics.load(this.#control, READ)) | 0;
    if (told || count === 0 || waiting >= Math.min(WAKE_AT, this.#slots / 2)) this.#ring();
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
    const control = this.#control;
    // Looked at first: what was written before the end is then in the ring.
    const ending = Atomics.load(control, ENDED) !== 0;
    let taken = 0;
    for (; taken < this.#slots; taken++) {
      const read = Atomics.load(control, READ);
      if (read === Atomics.load(control, WRITTEN)) break;
      this.#deliver(CONTROL_BYTES + ((read >>> 0) % this.#slots) * SLOT_BYTES);
      Atomics.add(control, READ, 1);
      if (Atomics.load(control, WAITING) !== 0) Atomics.notify(control, READ);
    }
    if (ending && taken < this.#slots && !this.#ended) {
      this.#ended = true;
      this.#receiver.end();
    }
    return taken;
  }

  #deliver(slot: number): void {
    const batch = this.#batch;
    const { view } = batch;
    const holds = view.getInt32(slot, true);
    if ((holds & HAS_WATERMARK) !== 0) this.#receiver.advance(view.getFloat64(slot + 16, true));
    if ((holds & IS_LAYOUT) !== 0) {
      const from = slot + SLOT_HEAD;
      const text = batch.bytes.slice(from, from + view.getInt32(slot + 4, true));
      this.#receiver.announce?.(JSON.parse(new TextDecoder().decode(text)) as Template);
      return;
    }
    batch.count = view.getInt32(slot + 8, true);
    if (batch.count === 0) return;
    batch.start = slot + SLOT_HEAD + HEADROOM;
    batch.length = view.getInt32(slot + 4, true);
    this.#receiver.receive(batch);
  }
}
