// SPDX-License-Identifier: BSD-3-Clause
import type { Batch } from "../batch.ts";
import { SOCKET_HEADER, writeHeader } from "./container.ts";

/** A container on its way: encoded once, sent to all clients. */
export class Outgoing {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  /** Bytes, header and all. */
  length = SOCKET_HEADER;
  /** Messages. */
  count = 0;
  /** Queues it is in, and who is filling it. */
  users = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(new ArrayBuffer(size));
    this.#view = new DataView(this.bytes.buffer);
  }

  /** Take `length` bytes of messages from a batch. */
  append(batch: Batch, from: number, length: number, count: number): void {
    this.bytes.set(batch.bytes.subarray(from, from + length), this.length);
    this.length += length;
    this.count += count;
  }

  fits(length: number): boolean {
    return this.length + length <= this.bytes.length;
  }

  /** Add the message that ends the stream: one zero byte (trap.md section 4.1). */
  appendEnd(): void {
    this.#view.setUint16(this.length, 1);
    this.bytes[this.length + 2] = 0;
    this.length += END_BYTES;
    this.count++;
  }

  /** Write the header; `sequence` is the number of the first message. */
  seal(sequence: number): void {
    const { length, count } = this;
    writeHeader(this.#view, 0, { length: length - SOCKET_HEADER, sequence, count });
  }

  clear(): void {
    this.length = SOCKET_HEADER;
    this.count = 0;
  }
}

/** Bytes of the message that ends the stream, with its length. */
export const END_BYTES = 3;

/**
 * Containers that are used again. The one that was let go last is taken first: while all clients keep up, the
 * same memory stays in the processor's cache.
 */
export class OutgoingPool {
  readonly #size: number;
  readonly #free: Outgoing[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  take(): Outgoing {
    const container = this.#free.pop() ?? new Outgoing(this.#size);
    container.clear();
    container.users = 1;
    return container;
  }

  /** One user less. */
  release(container: Outgoing): void {
    if (--container.users === 0) this.#free.push(container);
  }
}
