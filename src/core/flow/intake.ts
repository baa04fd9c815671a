// SPDX-License-Identifier: BSD-3-Clause
import { Batch } from "../batch.ts";
import { type Clock, wallClock } from "../clock.ts";
import type { Receiver } from "../port.ts";
import { fieldOf, type Template } from "../unirec/template.ts";
import { readTime, SECOND } from "../unirec/time.ts";
import { BiflowSplitter } from "./split.ts";

/** Microseconds by which event time stays behind the latest TIME_LAST: how late a flow may come. */
export const LATENESS = 30 * SECOND;
/** Flows that claim to end later than this are not believed: one would stop event time for ever. */
const FUTURE = 3600 * SECOND;

/** What records are delivered to: a module's input, or a merge's. */
export interface IntakeTarget extends Receiver {
  /** What it reads; uniflows are made of biflows where it wants them. */
  readonly template: Template;
  /** Whether event time means anything to it, so that batches are cut where a second begins. */
  readonly followsTime: boolean;
}

export interface IntakeOptions {
  readonly lateness?: number;
  readonly clock?: Clock;
}

/**
 * What stands between a stream of records from elsewhere and those who follow event time.
 *
 * It follows event time by the records' TIME_LAST and cuts batches where a second begins, so that what a module
 * finds does not depend on how its sender packed them. Biflows are split for an input of uniflows.
 */
export class FlowIntake implements Receiver {
  readonly #input: IntakeTarget;
  readonly #lateness: number;
  readonly #clock: Clock;
  #splitter: BiflowSplitter | undefined;
  /** Where TIME_LAST stands in a record; -1 when there is none, or nobody follows it. */
  #timeAt = -1;
  #fixedSize = 0;
  #second = Number.NEGATIVE_INFINITY;
  #latest = Number.NEGATIVE_INFINITY;
  #part = new Batch(new ArrayBuffer(0));
  /** Records whose TIME_LAST lies in the future, and so did not move event time. */
  future = 0;

  constructor(input: IntakeTarget, { lateness = LATENESS, clock = wallClock }: IntakeOptions = {}) {
    this.#input = input;
    this.#lateness = lateness;
    this.#clock = clock;
  }

  /** Records that the splitter could not split. */
  get malformed(): number {
    return this.#splitter?.malformed ?? 0;
  }

  announce(layout: Template): void {
    const isBiflow = fieldOf(layout, "PACKETS_REV")?.type === "uint32";
    if (isBiflow && this.#input.template.direction === "uniflow") {
      this.#splitter = new BiflowSplitter(layout);
      this.#splitter.flows.link(this.#input);
    } else {
      this.#splitter = undefined;
      this.#input.announce?.(layout);
    }
    const time = this.#input.followsTime ? fieldOf(layout, "TIME_LAST") : undefined;
    this.#timeAt = time?.type === "time" ? time.offset : -1;
    this.#fixedSize = layout.fixedSize;
  }

  receive(batch: Batch): void {
    if (this.#timeAt < 0) this.#deliver(batch);
    else this.#follow(batch);
  }

  /** Deliver up to each record that begins a second, and the rest. */
  #follow(batch: Batch): void {
    const { view, start, length } = batch;
    const end = start + length;
    const timeAt = this.#timeAt;
    let from = start;
    let count = 0;
    let size = 0;
    for (let at = start; at < end; at += size) {
      size = 2 + view.getUint16(at);
      count++;
      // The upper half of a time is its second.
      if (size - 2 < this.#fixedSize || view.getUint32(at + 2 + timeAt + 4, true) <= this.#second)
        continue;
      const time = readTime(view, at + 2 + timeAt);
      if (time > this.#clock.now() + FUTURE) {
        this.future++;
        continue;
      }
      this.#latest = time;
      this.#second = Math.floor(time / SECOND);
      this.#deliverPart(batch, { from, length: at + size - from, count });
      this.#target().advance(this.#latest - this.#lateness);
      from = at + size;
      count = 0;
    }
    if (count > 0) this.#deliverPart(batch, { from, length: end - from, count });
  }

  #deliverPart(batch: Batch, { from, length, count }: Part): void {
    if (this.#part.view.buffer !== batch.view.buffer) this.#part = new Batch(batch.view.buffer);
    const part = this.#part;
    part.start = from;
    part.length = length;
    part.count = count;
    this.#deliver(part);
  }

  #deliver(batch: Batch): void {
    this.#target().receive(batch);
  }

  #target(): Receiver {
    return this.#splitter ?? this.#input;
  }

  advance(watermark: number): void {
    this.#target().advance(watermark);
  }

  end(): void {
    this.#target().end();
  }
}

interface Part {
  readonly from: number;
  readonly length: number;
  readonly count: number;
}
