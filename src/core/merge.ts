// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, NemeanError } from "./errors.ts";
import type { Batch } from "./batch.ts";
import { OutputPort, type Receiver } from "./port.ts";
import { fieldOf, type Template } from "./unirec/template.ts";
import { readTime } from "./unirec/time.ts";

/** Most bytes held for one second of event time; at the bound what is there goes on, and is counted. */
const HELD_MAX = 64 << 20;
const HELD_FIRST = 1 << 20;

/**
 * Joins the flow records of one or more meters into one stream whose order depends on the records alone.
 *
 * Between two advances of event time records are held, then sorted by TIME_LAST, TIME_FIRST and their bytes.
 * So equal traffic gives equal alerts, however the packets were cut into batches or spread over capture
 * Workers. An input that has ended, or was never heard of, holds nothing back.
 */
export class Merge {
  readonly flows: OutputPort;
  readonly #inputs: MergeInput[] = [];
  readonly #last: number;
  readonly #first: number;
  #held = new Uint8Array(new ArrayBuffer(HELD_FIRST));
  #heldView = new DataView(this.#held.buffer);
  #length = 0;
  #count = 0;
  #watermark = Number.NEGATIVE_INFINITY;
  /** Times that {@link HELD_MAX} was reached and records went on before their second was over. */
  overflows = 0;

  constructor(template: Template) {
    const first = fieldOf(template, "TIME_FIRST");
    const last = fieldOf(template, "TIME_LAST");
    if (first?.type !== "time" || last?.type !== "time")
      throw new NemeanError("ERR_TEMPLATE", EXIT.software, "records without TIME_FIRST and TIME_LAST have no order");
    this.#first = first.offset;
    this.#last = last.offset;
    this.flows = new OutputPort("flows", template);
  }

  /** One more producer. */
  input(): Receiver {
    const input = new MergeInput(this);
    this.#inputs.push(input);
    return input;
  }

  /** Hold the records of a batch. Inputs call this. */
  hold({ bytes, start, length, count }: Batch): void {
    if (this.#length + length > HELD_MAX) {
      this.overflows++;
      this.#release();
    }
    while (this.#length + length > this.#held.length) this.#grow();
    this.#held.set(bytes.subarray(start, start + length), this.#length);
    this.#length += length;
    this.#count += count;
  }

  /** Event time is the least of all inputs that go on. Inputs call this. */
  advance(): void {
    let watermark = Number.POSITIVE_INFINITY;
    for (const input of this.#inputs) if (!input.ended) watermark = Math.min(watermark, input.watermark);
    if (watermark === Number.POSITIVE_INFINITY || watermark <= this.#watermark) return;
    this.#watermark = watermark;
    this.#release();
    this.flows.advance(watermark);
  }

  /** An input ended. Inputs call this. */
  end(): void {
    this.advance();
    if (!this.#inputs.every((input) => input.ended)) return;
    this.#release();
    this.flows.end();
  }

  /** End all inputs that have not ended by themselves. */
  close(): void {
    for (const input of this.#inputs) input.end();
  }

  #grow(): void {
    const held = new Uint8Array(new ArrayBuffer(this.#held.length * 2));
    held.set(this.#held);
    this.#held = held;
    this.#heldView = new DataView(held.buffer);
  }

  /** Send what is held, in order. */
  #release(): void {
    const count = this.#count;
    if (count === 0) return;
    const view = this.#heldView;
    const offsets = new Uint32Array(count);
    const keys = new Float64Array(count);
    for (let i = 0, at = 0; i < count; i++) {
      offsets[i] = at + 2;
      keys[i] = readTime(view, at + 2 + this.#last);
      at += 2 + view.getUint16(at);
    }
    const order = new Uint32Array(count).map((_, i) => i);
    order.sort((a, b) => keys[a]! - keys[b]! || this.#compare(offsets[a]!, offsets[b]!));
    for (const i of order) {
      const at = offsets[i]!;
      const size = view.getUint16(at - 2);
      const batch = this.flows.room(size);
      const p = batch.push(size);
      for (let k = 0; k < size; k++) batch.bytes[p + k] = this.#held[at + k]!;
    }
    this.#length = 0;
    this.#count = 0;
    this.flows.flush();
  }

  /** Of records that end together: by their begin, then by their bytes. */
  #compare(a: number, b: number): number {
    const view = this.#heldView;
    const begin = readTime(view, a + this.#first) - readTime(view, b + this.#first);
    if (begin !== 0) return begin;
    const size = Math.min(view.getUint16(a - 2), view.getUint16(b - 2));
    for (let i = 0; i < size; i++) {
      const difference = this.#held[a + i]! - this.#held[b + i]!;
      if (difference !== 0) return difference;
    }
    return 0;
  }
}

class MergeInput implements Receiver {
  watermark = Number.NEGATIVE_INFINITY;
  ended = false;
  readonly #merge: Merge;

  constructor(merge: Merge) {
    this.#merge = merge;
  }

  receive(batch: Batch): void {
    this.#merge.hold(batch);
  }

  advance(watermark: number): void {
    if (watermark > this.watermark) this.watermark = watermark;
    this.#merge.advance();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.#merge.end();
  }
}
