// SPDX-License-Identifier: BSD-3-Clause
import { Batch, RECORD_MAX, recordTooLong } from "./batch.ts";
import { ANY_RECORDS, type Template } from "./unirec/template.ts";

/**
 * What an output delivers to: a module's input, another Worker, a socket, a file.
 * A batch is valid until `receive` returns.
 */
export interface Receiver {
  /**
   * What follows is laid out so: said before the first batch, and when the sender changes its mind.
   * @throws {NemeanError} ERR_TEMPLATE when it cannot be read
   */
  announce?(layout: Template): void;
  receive(batch: Batch): void;
  /** Event time: no later record has TIME_LAST below `watermark` (microseconds since 1970). */
  advance(watermark: number): void;
  /** No more records. */
  end(): void;
  /** In place of `receive` and `end` for the last batch, which may be empty, where they belong together. */
  finish?(batch: Batch): void;
}

/** A module's output: fills batches and delivers them to all that are linked to it. */
export class OutputPort {
  readonly name: string;
  /** Deliver each record at once, for links that want it so. */
  eager = false;
  readonly #receivers: Receiver[] = [];
  readonly #batch: Batch;
  #template: Template;
  #records = 0;
  #ended = false;

  constructor(name: string, template: Template, batch: Batch = new Batch()) {
    this.name = name;
    this.#template = template;
    this.#batch = batch;
  }

  /** What it sends; of format `any`, or {@link ANY_RECORDS}, as long as the module does not know yet. */
  get template(): Template {
    return this.#template;
  }

  link(receiver: Receiver): void {
    const known = this.#template.format !== "any" && this.#template !== ANY_RECORDS;
    if (known) receiver.announce?.(this.#template);
    this.#receivers.push(receiver);
  }

  /** Deliver the records so far and go on with another layout. */
  announce(template: Template): void {
    this.flush();
    this.#template = template;
    for (const receiver of this.#receivers) receiver.announce?.(template);
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

  /** Hand on another's batch, laid out as {@link template}, after the records so far. */
  pass(batch: Batch): void {
    this.flush();
    this.#records += batch.count;
    for (const receiver of this.#receivers) receiver.receive(batch);
  }

  /** Whether records wait to be delivered. */
  get pending(): boolean {
    return this.#batch.count > 0;
  }

  /** Deliver the records so far, then the event time. */
  advance(watermark: number): void {
    this.flush();
    for (const receiver of this.#receivers) receiver.advance(watermark);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const batch = this.#batch;
    this.#records += batch.count;
    for (const receiver of this.#receivers) {
      if (receiver.finish) {
        receiver.finish(batch);
        continue;
      }
      if (batch.count > 0) receiver.receive(batch);
      receiver.end();
    }
    batch.clear();
  }
}
