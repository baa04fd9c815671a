// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";
import { Address } from "../../core/unirec/ip.ts";
import type { Ip } from "../../core/unirec/types.ts";

/** Hosts and ports that an event names. */
export const NAMED = 8;

/** The first hosts and ports of each event, each once. */
export class Peers {
  readonly #addresses: Int32Array;
  readonly #ports: Uint16Array;
  /** How many there are, {@link NAMED} + 1 for more than are named. */
  readonly #hosts: Uint8Array;
  readonly #portCount: Uint8Array;

  constructor(state: StateStore, rows: number) {
    this.#addresses = state.column("peers", "int32", rows * NAMED * 4);
    this.#ports = state.column("ports", "uint16", rows * NAMED);
    this.#hosts = state.column("peerCount", "uint8", rows);
    this.#portCount = state.column("portCount", "uint8", rows);
  }

  clear(row: number): void {
    this.#hosts[row] = 0;
    this.#portCount[row] = 0;
  }

  add(row: number, ip: Ip, port: number): void {
    this.#addHost(row, ip);
    this.#addPort(row, port);
  }

  #addHost(row: number, ip: Ip): void {
    const words = this.#addresses;
    const count = this.#hosts[row]!;
    if (count > NAMED) return;
    const { w0, w1, w2, w3 } = ip;
    const start = row * NAMED * 4;
    const end = start + Math.min(count, NAMED) * 4;
    for (let i = start; i < end; i += 4)
      if (words[i + 2] === w2 && words[i + 3] === w3 && words[i] === w0 && words[i + 1] === w1)
        return;
    this.#hosts[row] = count + 1;
    if (count === NAMED) return;
    words[end] = w0;
    words[end + 1] = w1;
    words[end + 2] = w2;
    words[end + 3] = w3;
  }

  #addPort(row: number, port: number): void {
    const count = this.#portCount[row]!;
    if (count > NAMED) return;
    const start = row * NAMED;
    const end = start + Math.min(count, NAMED);
    for (let i = start; i < end; i++) if (this.#ports[i] === port) return;
    this.#portCount[row] = count + 1;
    if (count < NAMED) this.#ports[end] = port;
  }

  /** How many hosts, at most {@link NAMED} + 1. */
  hosts(row: number): number {
    return this.#hosts[row]!;
  }

  host(row: number, i: number): Address {
    const at = (row * NAMED + i) * 4;
    const address = new Address();
    address.w0 = this.#addresses[at]!;
    address.w1 = this.#addresses[at + 1]!;
    address.w2 = this.#addresses[at + 2]!;
    address.w3 = this.#addresses[at + 3]!;
    return address;
  }

  ports(row: number): number[] {
    const start = row * NAMED;
    return [...this.#ports.subarray(start, start + Math.min(this.#portCount[row]!, NAMED))];
  }

  /** The hosts in words: `10.0.0.5`, `3 hosts (10.0.0.5, 10.0.0.6, 10.0.0.7)`, `more than 8 hosts (…)`. */
  hostsText(row: number): string {
    const count = this.#hosts[row]!;
    const named = Array.from({ length: Math.min(count, NAMED) }, (_, i) =>
      String(this.host(row, i)),
    );
    if (count === 1) return named[0]!;
    return `${count > NAMED ? `more than ${NAMED}` : count} hosts (${named.join(", ")})`;
  }

  /** The ports in words: `port 443`, `ports 22, 80 and others`. */
  portsText(row: number): string {
    const ports = this.ports(row).join(", ");
    if (this.#portCount[row] === 1) return `port ${ports}`;
    return `ports ${ports}${this.#portCount[row]! > NAMED ? " and others" : ""}`;
  }
}
