// SPDX-License-Identifier: BSD-3-Clause

/** Sums, first and last time, sequence failures: 18 numbers of 64 bits. */
export const STATISTICS_BYTES = 18 * 8;
const FIRST = 15;
const LAST = 16;
/** Where the flows, bytes and packets of each protocol begin, and of all. */
const ALL = { flows: 0, bytes: 1, packets: 2 } as const;
const BY_PROTOCOL = { flows: 3, bytes: 7, packets: 11 } as const;
const ORDER: Readonly<Record<number, number>> = { 6: 0, 17: 1, 1: 2, 58: 2 };
const OTHER = 3;

/** What is counted of a flow; times in microseconds. */
export interface CountedFlow {
  readonly PROTOCOL: number;
  readonly PACKETS: number;
  readonly BYTES: number;
  readonly TIME_FIRST: number;
  readonly TIME_LAST: number;
}

/** What nfdump keeps of all flows of a file. */
export class FlowStatistics {
  readonly #sums = new Float64Array(18);

  add({ PROTOCOL, PACKETS, BYTES, TIME_FIRST, TIME_LAST }: CountedFlow): void {
    const sums = this.#sums;
    const protocol = ORDER[PROTOCOL] ?? OTHER;
    sums[ALL.flows]!++;
    sums[ALL.bytes]! += BYTES;
    sums[ALL.packets]! += PACKETS;
    sums[BY_PROTOCOL.flows + protocol]!++;
    sums[BY_PROTOCOL.bytes + protocol]! += BYTES;
    sums[BY_PROTOCOL.packets + protocol]! += PACKETS;
    const first = Math.floor(TIME_FIRST / 1000);
    const last = Math.floor(TIME_LAST / 1000);
    if (sums[FIRST] === 0 || first < sums[FIRST]!) sums[FIRST] = first;
    if (last > sums[LAST]!) sums[LAST] = last;
  }

  write(view: DataView, at: number): void {
    for (let i = 0; i < this.#sums.length; i++)
      view.setBigUint64(at + 8 * i, BigInt(this.#sums[i]!), true);
  }

  read(view: DataView, at: number): void {
    for (let i = 0; i < this.#sums.length; i++)
      this.#sums[i] = Number(view.getBigUint64(at + 8 * i, true));
  }
}
