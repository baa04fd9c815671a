// SPDX-License-Identifier: BSD-3-Clause
import { Batch, RECORD_MAX, recordTooLong } from "./batch.ts";
import type { Template } from "./unirec/template.ts";

/**
 * What an output delivers to: a module's input, another Worker, a socket, a file.
 * A batch is valid until `receive` returns.
 */
export interface Receiver {
  receive(batch: Batch): void;
  /** Event time: no later record has TIME_LAST below `watermark` (microseconds since 1970). */
  advance(watermark: number): void;
  /** No more records. */
  end(): void;
}

/** A module's output: fills batches and delivers them to all that are linked to it. */
export class OutputPort {
  readonly name: string;
  readonly template: Template;
  readonly #receivers: Receiver[] = [];
  readonly #batch: Batch;
  #records = 0;
  #ended = false;

  constructor(name: string, template: Template, batch: Batch = new Batch()) {
    this.name = name;
    this.template = template;
    this.#batch = batch;
  }

  link(receiver: Receiver): void {
    this.#receivers.push(receiver);
  }

  get linked(): boolean {
    return this.#receivers.length > 0;
  }

  /** Records sent so far. */
  get records(): number {
    return this.#records + this.#batch.count;
  }

  /**
   * The batch to put one more record of `size` bytes into; delivers the records so far when it is full.
   * Throws ERR_RECORD_SIZE above {@link RECORD_MAX}: who takes sizes from the wire looks first.
   */
  room(size: number): Batch {
    if (size > RECORD_MAX) throw recordTooLong(size);
    if (!this.#batch.fits(size)) this.flush();
    return this.#batch;
  }

  /** Deliver the records so far. */
  flush(): void {
    const batch = this.#batch;
    if (batch.count === 0) return;
    this.#records += batch.count;
    for (const receiver of this.#receivers) receiver.receive(batch);
    batch.clear();
  }

  /** Deliver the records so far, then the event time. */
  advance(watermark: number): void {
    this.flush();
    for (const receiver of this.#receivers) receiver.advance(watermark);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.flush();
    for (const receiver of this.#receivers) receiver.end();
  }
}
