// SPDX-License-Identifier: BSD-3-Clause
import { HANDSHAKE_HEADER } from "../tls/hello.ts";

/** Bytes of a hello. */
const SIZE_MAX = 16_384;
/** Pieces with gaps between them; browsers cut a hello into many and shuffle them. */
const PIECES_MAX = 64;
/** Hellos that are put together at the same time; further ones of several packets are not read. */
const OPEN_MAX = 2048;

/** What CRYPTO frames carry, put in order (RFC 9000 section 19.6), up to the end of its first message. */
export class CryptoStream {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Bounds of the pieces that are there, in order, none touching another. */
  readonly #bounds: number[] = [];

  constructor() {
    const buffer = new ArrayBuffer(SIZE_MAX);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  reset(): void {
    this.#bounds.length = 0;
  }

  /** Bytes from the beginning without a gap. */
  get length(): number {
    return this.#bounds[0] === 0 ? this.#bounds[1]! : 0;
  }

  /** Bytes of the first message; 0 as long as its header is not there. */
  get needed(): number {
    if (this.length < HANDSHAKE_HEADER) return 0;
    return HANDSHAKE_HEADER + (this.view.getUint32(0) & 0xffffff);
  }

  get isComplete(): boolean {
    const { needed } = this;
    return needed > 0 && this.length >= needed;
  }

  /** Whether the message is longer than what is kept. */
  get isTooLong(): boolean {
    return this.needed > SIZE_MAX;
  }

  /** Put a piece at its place. What is there already stays. */
  put(piece: Uint8Array, offset: number): void {
    const end = Math.min(offset + piece.length, SIZE_MAX);
    if (offset >= end) return;
    const bounds = this.#bounds;
    // The pieces from `low` to before `high` touch this one.
    let low = 0;
    while (low < bounds.length && bounds[low + 1]! < offset) low += 2;
    let high = low;
    while (high < bounds.length && bounds[high]! <= end) high += 2;
    if (low === high && bounds.length === 2 * PIECES_MAX) return;
    let at = offset;
    for (let i = low; i < high; i += 2) {
      this.#fill(piece, offset, { from: at, to: bounds[i]! });
      at = Math.max(at, bounds[i + 1]!);
    }
    this.#fill(piece, offset, { from: at, to: end });
    const from = high > low ? Math.min(offset, bounds[low]!) : offset;
    const to = high > low ? Math.max(end, bounds[high - 1]!) : end;
    bounds.splice(low, high - low, from, to);
  }

  #fill(piece: Uint8Array, offset: number, { from, to }: { from: number; to: number }): void {
    if (from < to) this.bytes.set(piece.subarray(from - offset, to - offset), from);
  }
}

/** Memory for hellos of several packets, for all flows of a meter. */
export class CryptoStreams {
  readonly #free: CryptoStream[] = [];
  readonly #max: number;
  #made = 0;

  constructor(max = OPEN_MAX) {
    this.#max = max;
  }

  take(): CryptoStream | undefined {
    const known = this.#free.pop();
    if (known) return known;
    if (this.#made === this.#max) return undefined;
    this.#made++;
    return new CryptoStream();
  }

  give(stream: CryptoStream): void {
    stream.reset();
    this.#free.push(stream);
  }
}
