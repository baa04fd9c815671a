// SPDX-License-Identifier: BSD-3-Clause

import type { StateStore } from "../../core/state/state-store.ts";
import { Address } from "../../core/unirec/ip.ts";
import type { Ip } from "../../core/unirec/types.ts";

/** The source of more than half of a row's packets, where there is one: the vote of Boyer and Moore, weighted by packets. */
export class Leader {
  readonly #address: Int32Array;
  readonly #votes: Float64Array;
  /** Packets that were seen of it since it led. */
  readonly #packets: Float64Array;

  constructor(rows: number, state: StateStore) {
    this.#address = state.column("leader", "int32", rows * 4);
    this.#votes = state.column("leaderVotes", "float64", rows);
    this.#packets = state.column("leaderPackets", "float64", rows);
  }

  clear(row: number): void {
    this.#votes[row] = 0;
    this.#packets[row] = 0;
  }

  vote(row: number, ip: Ip, packets: number): void {
    const address = this.#address;
    const at = row * 4;
    const [w0, w1, w2, w3] = [ip.w0, ip.w1, ip.w2, ip.w3];
    const isSame =
      address[at + 2] === w2 &&
      address[at + 3] === w3 &&
      address[at] === w0 &&
      address[at + 1] === w1;
    if (isSame) {
      this.#votes[row]! += packets;
      this.#packets[row]! += packets;
      return;
    }
    this.#votes[row]! -= packets;
    if (this.#votes[row]! > 0) return;
    this.#votes[row] = -this.#votes[row]!;
    this.#packets[row] = packets;
    address[at] = w0;
    address[at + 1] = w1;
    address[at + 2] = w2;
    address[at + 3] = w3;
  }

  /** The source of at least half of so many packets, as far as is known. */
  of(row: number, packets: number): Address | undefined {
    if (this.#packets[row]! * 2 < packets) return undefined;
    const found = new Address();
    found.w0 = this.#address[row * 4]!;
    found.w1 = this.#address[row * 4 + 1]!;
    found.w2 = this.#address[row * 4 + 2]!;
    found.w3 = this.#address[row * 4 + 3]!;
    return found;
  }
}
