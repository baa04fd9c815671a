// SPDX-License-Identifier: BSD-3-Clause
/** Datagrams of a router: NetFlow v9, 24 records of 20 fields. @module */

export const RECORDS = 24;
/** Number and bytes of each field (RFC 3954 section 8). */
const FIELDS = [
  [8, 4],
  [12, 4],
  [15, 4],
  [10, 4],
  [14, 4],
  [2, 4],
  [1, 4],
  [22, 4],
  [21, 4],
  [7, 2],
  [11, 2],
  [6, 1],
  [4, 1],
  [5, 1],
  [16, 4],
  [17, 4],
  [9, 1],
  [13, 1],
  [61, 1],
  [56, 6],
] as const;
const RECORD_BYTES = FIELDS.reduce((sum, [, bytes]) => sum + bytes, 0);
const HEAD_BYTES = 20;
const TEMPLATE = 256;
const SOURCE = 1;
const UPTIME = 10_000_000;
const AT = { sequence: 12, uptime: 4, seconds: 8 } as const;

/** One datagram that is sent again and again under a new sequence number. Flows are of TCP, with addresses and counters from a seed. */
export class Stream {
  readonly data: Uint8Array;
  readonly #view: DataView;

  constructor(seed: number) {
    this.data = new Uint8Array(new ArrayBuffer(HEAD_BYTES + 4 + RECORDS * RECORD_BYTES));
    this.#view = new DataView(this.data.buffer);
    head(this.#view, RECORDS);
    this.#view.setUint16(HEAD_BYTES, TEMPLATE);
    this.#view.setUint16(HEAD_BYTES + 2, this.data.byteLength - HEAD_BYTES);
    for (let i = 0; i < RECORDS; i++)
      this.#record(HEAD_BYTES + 4 + i * RECORD_BYTES, seed * RECORDS + i);
  }

  /** Values that collectors do not stumble over. */
  #record(at: number, n: number): void {
    const values: Readonly<Record<number, number>> = {
      8: 0x0a00_0000 + n,
      12: 0xc633_6400 + (n % 250),
      15: 0x0a00_0001,
      10: 1,
      14: 2,
      2: 1 + (n % 100),
      1: 64 * (1 + (n % 100)),
      22: UPTIME - 60_000 + n,
      21: UPTIME - 1000 + (n % 1000),
      7: 1024 + n,
      11: 443,
      6: 0x1b,
      4: 6,
    };
    let p = at;
    for (const [number, bytes] of FIELDS) {
      const value = values[number] ?? 0;
      if (bytes === 1) this.#view.setUint8(p, value);
      else if (bytes === 2) this.#view.setUint16(p, value);
      else this.#view.setUint32(p, value);
      p += bytes;
    }
  }

  stamp(sequence: number): void {
    this.#view.setUint32(AT.sequence, sequence);
  }

  /** A datagram with the template. */
  announcement(sequence: number): Uint8Array {
    const bytes = new Uint8Array(new ArrayBuffer(HEAD_BYTES + 8 + 4 * FIELDS.length));
    const view = new DataView(bytes.buffer);
    head(view, 1);
    view.setUint32(AT.sequence, sequence);
    view.setUint16(HEAD_BYTES + 2, bytes.byteLength - HEAD_BYTES);
    view.setUint16(HEAD_BYTES + 4, TEMPLATE);
    view.setUint16(HEAD_BYTES + 6, FIELDS.length);
    for (const [i, [number, length]] of FIELDS.entries()) {
      view.setUint16(HEAD_BYTES + 8 + 4 * i, number);
      view.setUint16(HEAD_BYTES + 10 + 4 * i, length);
    }
    return bytes;
  }
}

function head(view: DataView, count: number): void {
  view.setUint16(0, 9);
  view.setUint16(2, count);
  view.setUint32(AT.uptime, UPTIME);
  view.setUint32(AT.seconds, Math.floor(Date.now() / 1000));
  view.setUint32(16, SOURCE);
}
