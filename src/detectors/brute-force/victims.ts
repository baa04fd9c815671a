// SPDX-License-Identifier: BSD-3-Clause

import { holds, put } from "../../core/state/distinct-addresses.ts";
import { HyperLogLog, hashWord, ipHash } from "../../core/state/hyper-log-log.ts";
import type { StateStore } from "../../core/state/state-store.ts";
import { Address } from "../../core/unirec/ip.ts";
import type { Ip } from "../../core/unirec/types.ts";

/** Servers that are named, with their attempts; how many there were beyond is an estimate. */
const NAMED = 16;
const HLL_BITS = 6;
/** From which direction of a connection an attempt was seen: that of the client, as in all biflows, or the server's. */
export const SEEN = { incoming: 0, outgoing: 1 } as const;

export interface Victim {
  readonly ip: string;
  readonly port: number;
  /** By {@link SEEN}: where both are given, they are of the same connections. */
  readonly attempts: readonly [number, number];
}

/** Which servers each client tried. */
export class Victims {
  readonly #words: Int32Array;
  readonly #ports: Uint16Array;
  readonly #attempts: Uint32Array;
  readonly #named: Uint8Array;
  readonly #all: HyperLogLog;

  constructor(name: string, rows: number, state: StateStore) {
    this.#words = state.column(`${name}.addresses`, "int32", rows * NAMED * 4);
    this.#ports = state.column(`${name}.ports`, "uint16", rows * NAMED);
    this.#attempts = state.column(`${name}.attempts`, "uint32", rows * NAMED * 2);
    this.#named = state.column(`${name}.named`, "uint8", rows);
    this.#all = new HyperLogLog(`${name}.all`, rows, HLL_BITS, state);
  }

  clear(row: number): void {
    this.#named[row] = 0;
    this.#all.clear(row);
  }

  /** Count an attempt. */
  add(row: number, ip: Ip, port: number, seen: number): void {
    const start = row * NAMED;
    const named = this.#named[row]!;
    for (let i = start; i < start + named; i++) {
      if (this.#ports[i] !== port || !holds(this.#words, i * 4, ip)) continue;
      this.#attempts[i * 2 + seen]!++;
      return;
    }
    this.#all.add(row, hashWord(ipHash(ip), port));
    if (named === NAMED) return;
    const at = start + named;
    put(this.#words, at * 4, ip);
    this.#ports[at] = port;
    this.#attempts[at * 2 + seen] = 1;
    this.#attempts[at * 2 + 1 - seen] = 0;
    this.#named[row] = named + 1;
  }

  /** How many there were; beyond {@link NAMED} an estimate. */
  count(row: number): number {
    const named = this.#named[row]!;
    return named < NAMED ? named : Math.max(named, this.#all.estimate(row));
  }

  /** Those that are named, most attempts first. */
  list(row: number): Victim[] {
    const victims = Array.from({ length: this.#named[row]! }, (_, i): Victim => {
      const at = row * NAMED + i;
      return {
        ip: String(addressAt(this.#words, at)),
        port: this.#ports[at]!,
        attempts: [this.#attempts[at * 2]!, this.#attempts[at * 2 + 1]!],
      };
    });
    return victims.sort((a, b) => attemptsOn(b) - attemptsOn(a));
  }
}

/** How often a server was tried. */
export const attemptsOn = ({ attempts }: Victim): number => Math.max(...attempts);

function addressAt(words: Int32Array, i: number): Address {
  const address = new Address();
  address.w0 = words[i * 4]!;
  address.w1 = words[i * 4 + 1]!;
  address.w2 = words[i * 4 + 2]!;
  address.w3 = words[i * 4 + 3]!;
  return address;
}
