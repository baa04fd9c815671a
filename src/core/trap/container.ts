// SPDX-License-Identifier: BSD-3-Clause
import { Batch } from "../batch.ts";
import type { Receiver } from "../port.ts";

/** Bytes in front of a container's messages on sockets, and in files (trap.md sections 4, 7). */
export const SOCKET_HEADER = 14;
export const FILE_HEADER = 4;

/** Messages this short end the stream (trap.md section 4.1). */
const END_MAX = 1;

/** Write the header of a container on a socket: its messages' bytes, the first one's number, and how many. */
export function writeHeader(
  view: DataView,
  at: number,
  container: { readonly length: number; readonly sequence: number; readonly count: number },
): void {
  view.setUint32(at, container.length);
  writeSequence(view, at + 4, container.sequence);
  view.setUint16(at + 12, container.count, true);
}

const WORD = 4_294_967_296;

function writeSequence(view: DataView, at: number, sequence: number): void {
  const high = Math.floor(sequence / WORD);
  view.setInt32(at, (sequence - high * WORD) | 0, true);
  view.setInt32(at + 4, high | 0, true);
}

/** Number of the first message of a container. */
export const readSequence = (view: DataView, at: number): number =>
  view.getUint32(at, true) + view.getUint32(at + 4, true) * WORD;

/**
 * Takes containers apart: checks each message's length, counts, finds the end of the stream, and hands the
 * messages on as one batch in place.
 */
export class ContainerReader {
  readonly #receiver: Receiver;
  #batch = new Batch(new ArrayBuffer(0));
  /** Messages that were walked over. */
  #walked = 0;
  /** Messages, the one that ends the stream not among them. */
  messages = 0;
  buffers = 0;
  /** Containers with a message that reaches beyond them; the rest of such a container is left out. */
  malformed = 0;
  /** The message that ends the stream has come. */
  ended = false;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  /** Containers will lie in this memory from now on. */
  use(buffer: ArrayBufferLike): void {
    this.#batch = new Batch(buffer);
  }

  /** The messages of a container, `length` bytes from `start`. Returns how many there are, the end included. */
  take(start: number, length: number): number {
    const batch = this.#batch;
    const end = start + length;
    const at = this.#walk(batch.view, start, end);
    const count = this.#walked;
    this.buffers++;
    // A message ends the stream, or nothing that follows can be told apart.
    if (at + 2 <= end && at + 2 + batch.view.getUint16(at) <= end) this.ended = true;
    else if (at < end) this.malformed++;
    this.messages += count;
    batch.start = start;
    batch.length = at - start;
    batch.count = count;
    if (count > 0) this.#receiver.receive(batch);
    return this.ended ? count + 1 : count;
  }

  /**
   * Where the first message begins that ends the stream or reaches beyond its container. A function of its own:
   * it is what runs once a message, and so is compiled in a tenth of the time.
   */
  #walk(view: DataView, start: number, end: number): number {
    let at = start;
    let count = 0;
    while (at + 2 <= end) {
      const size = view.getUint16(at);
      if (size <= END_MAX || at + 2 + size > end) break;
      at += 2 + size;
      count++;
    }
    this.#walked = count;
    return at;
  }
}
