// SPDX-License-Identifier: BSD-3-Clause
import type { Batch } from "./batch.ts";
import { EXIT, NemeanError } from "./errors.ts";
import { OutputPort, type Receiver } from "./port.ts";
import { RecordBuffer } from "./record-buffer.ts";
import { fieldOf, type Template } from "./unirec/template.ts";
import { readTime } from "./unirec/time.ts";

/** Most bytes held in all; at the bound what is there goes on, and is counted. */
const HELD_MAX = 64 << 20;

/**
 * Joins the flow records of one or more meters into one stream whose order depends on the records alone.
 *
 * What an input sends between two advances of its event time is a stretch. A stretch waits until all inputs
 * have come as far, then goes on with theirs that end at the same watermark, sorted by TIME_LAST, TIME_FIRST
 * and the records' bytes. Meters advance at whole seconds, so equal traffic gives equal alerts, however the
 * packets were cut into batches or spread over capture Workers, and whichever Worker ran ahead.
 */
export class Merge {
  readonly flows: OutputPort;
  readonly #inputs: MergeInput[] = [];
  readonly #last: number;
  readonly #first: number;
  readonly #heldMax: number;
  /** The stretch that goes on. */
  readonly #stretch = new RecordBuffer();
  #watermark = Number.NEGATIVE_INFINITY;
  /** Times that {@link HELD_MAX} was reached and records went on before their stretch was over. */
  overflows = 0;
  /** Records shorter than their template, which were dropped. */
  malformed = 0;

  constructor(template: Template, heldMax = HELD_MAX) {
    const first = fieldOf(template, "TIME_FIRST");
    const last = fieldOf(template, "TIME_LAST");
    if (first?.type !== "time" || last?.type !== "time")
      throw new NemeanError(
        "ERR_TEMPLATE",
        EXIT.software,
        "records without TIME_FIRST and TIME_LAST have no order",
      );
    this.#first = first.offset;
    this.#last = last.offset;
    this.#heldMax = heldMax;
    this.flows = new OutputPort("flows", template);
  }

  /** One more producer. */
  input(): RestingReceiver {
    const input = new MergeInput(this);
    this.#inputs.push(input);
    return input;
  }

  /** Let go of all that is held when `length` more bytes would be too much. Inputs call this. */
  admit(length: number): void {
    const held = this.#inputs.reduce((sum, input) => sum + input.held.length, 0);
    if (held + length <= this.#heldMax) return;
    this.overflows++;
    for (const input of this.#inputs) input.takeAll(this.#stretch);
    this.#release();
  }

  /** Event time is the least of all inputs that go on and do not rest, or of all where they all rest. Inputs call this. */
  advance(): void {
    let watermark = Number.POSITIVE_INFINITY;
    const doAllRest = this.#inputs.every((input) => input.ended || input.rests);
    for (const input of this.#inputs)
      if (!input.ended && (doAllRest || !input.rests))
        watermark = Math.min(watermark, input.watermark);
    for (;;) {
      let next = Number.POSITIVE_INFINITY;
      for (const input of this.#inputs) next = Math.min(next, input.next);
      if (next > watermark || next === Number.POSITIVE_INFINITY) break;
      for (const input of this.#inputs) input.take(next, this.#stretch);
      this.#release();
      this.#pass(next);
    }
    if (watermark !== Number.POSITIVE_INFINITY) this.#pass(watermark);
  }

  /**
   * Let go of stretches that were over at a time of `performance.now()` already, though another input is behind: who looks at traffic of now
   * must not wait for a source whose flows come late. Event time stays behind with it.
   */
  relieve(before: number): void {
    for (;;) {
      let next: MergeInput | undefined;
      for (const input of this.#inputs)
        if (input.overSince <= before && input.next < (next?.next ?? Number.POSITIVE_INFINITY))
          next = input;
      if (!next) return;
      next.take(next.next, this.#stretch);
      this.#release();
    }
  }

  /** An input ended; what it sent last goes on when all have. Inputs call this. */
  end(): void {
    this.advance();
    if (!this.#inputs.every((input) => input.ended)) return;
    for (const input of this.#inputs) input.takeAll(this.#stretch);
    this.#release();
    this.flows.end();
  }

  /** End all inputs that have not ended by themselves. */
  close(): void {
    for (const input of this.#inputs) input.end();
  }

  #pass(watermark: number): void {
    if (watermark <= this.#watermark) return;
    this.#watermark = watermark;
    this.flows.advance(watermark);
  }

  /** Send the stretch in order. */
  #release(): void {
    const { view, bytes, length } = this.#stretch;
    if (length === 0) return;
    const offsets = this.#offsets();
    const keys = new Float64Array(offsets.length);
    for (let i = 0; i < offsets.length; i++) keys[i] = readTime(view, offsets[i]! + this.#last);
    const order = new Uint32Array(offsets.length).map((_, i) => i);
    order.sort((a, b) => keys[a]! - keys[b]! || this.#compare(offsets[a]!, offsets[b]!));
    for (const i of order) {
      const at = offsets[i]!;
      const size = view.getUint16(at - 2);
      const batch = this.flows.room(size);
      const p = batch.push(size);
      for (let k = 0; k < size; k++) batch.bytes[p + k] = bytes[at + k]!;
    }
    this.#stretch.length = 0;
    this.flows.flush();
  }

  /** Where the stretch's records begin. */
  #offsets(): Uint32Array {
    const { view, length } = this.#stretch;
    const { fixedSize } = this.flows.template;
    const offsets = new Uint32Array(Math.floor(length / (2 + fixedSize)));
    let count = 0;
    for (let at = 2; at <= length; at += 2 + view.getUint16(at - 2)) {
      const size = view.getUint16(at - 2);
      if (size < fixedSize || at + size > length) this.malformed++;
      else offsets[count++] = at;
    }
    return offsets.subarray(0, count);
  }

  /** Of records that end together: by their begin, then by their bytes. */
  #compare(a: number, b: number): number {
    const { view, bytes } = this.#stretch;
    const begin = readTime(view, a + this.#first) - readTime(view, b + this.#first);
    if (begin !== 0) return begin;
    const [sizeA, sizeB] = [view.getUint16(a - 2), view.getUint16(b - 2)];
    const size = Math.min(sizeA, sizeB);
    for (let i = 0; i < size; i++) {
      const difference = bytes[a + i]! - bytes[b + i]!;
      if (difference !== 0) return difference;
    }
    return sizeA - sizeB;
  }
}

/** An input of a merge. */
export interface RestingReceiver extends Receiver {
  /** Nothing has come of late: until something does, the others need not wait for this one. */
  rest(): void;
}

class MergeInput implements RestingReceiver {
  watermark = Number.NEGATIVE_INFINITY;
  ended = false;
  rests = false;
  readonly held = new RecordBuffer();
  /** Stretches that are over, oldest first: the watermark that ended it, and where its records end. */
  #stretches: { readonly watermark: number; readonly end: number; readonly since: number }[] = [];
  /** Where what was not handed over yet begins: at most half of what is held lies before it. */
  #from = 0;
  readonly #merge: Merge;

  constructor(merge: Merge) {
    this.#merge = merge;
  }

  /** The watermark of the oldest stretch that is over. */
  get next(): number {
    return this.#stretches[0]?.watermark ?? Number.POSITIVE_INFINITY;
  }

  /** When the oldest stretch was over, as `performance.now()` has it. */
  get overSince(): number {
    return this.#stretches[0]?.since ?? Number.POSITIVE_INFINITY;
  }

  receive({ bytes, start, length }: Batch): void {
    this.rests = false;
    this.#merge.admit(length);
    this.held.append(bytes, start, start + length);
  }

  rest(): void {
    this.rests = true;
    this.#merge.advance();
  }

  advance(watermark: number): void {
    // Time that goes back, as from a file to an older one, ends a stretch too: it must not wait for ever.
    if (watermark > this.watermark) this.watermark = watermark;
    const begin = this.#stretches.at(-1)?.end ?? this.#from;
    if (this.held.length > begin)
      this.#stretches.push({
        watermark: this.watermark,
        end: this.held.length,
        since: performance.now(),
      });
    this.#merge.advance();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.#merge.end();
  }

  /** Hand over the stretches that ended at `watermark`, the oldest. */
  take(watermark: number, target: RecordBuffer): void {
    let end = this.#from;
    while (this.next === watermark) end = this.#stretches.shift()!.end;
    target.append(this.held.bytes, this.#from, end);
    this.#from = end;
    if (this.#from * 2 >= this.held.length) this.#compact();
  }

  /** Hand over everything. */
  takeAll(target: RecordBuffer): void {
    target.append(this.held.bytes, this.#from, this.held.length);
    this.#from = this.held.length;
    this.#stretches = [];
    this.#compact();
  }

  /** Move what is still held to the front. */
  #compact(): void {
    const from = this.#from;
    this.held.shift(from);
    this.#stretches = this.#stretches.map(({ end, ...rest }) => ({ ...rest, end: end - from }));
    this.#from = 0;
  }
}
