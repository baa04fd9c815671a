// SPDX-License-Identifier: BSD-3-Clause
import { hashWord } from "../../core/state/hyper-log-log.ts";
import type { StateStore } from "../../core/state/state-store.ts";
import type { Table, TableOptions } from "../../core/state/table.ts";
import { Address } from "../../core/unirec/ip.ts";
import type { Ip } from "../../core/unirec/types.ts";

/**
 * Rows of a client and a port of a server.
 *
 * The key has the client whole and 32 bits of hash of the server, so that a row can be looked up without being touched;
 * of four billion servers of one client two would be one.
 */
export class Pairs {
  readonly #table: Table;
  readonly #servers: Int32Array;
  readonly #ports: Uint16Array;

  constructor(state: StateStore, options: Omit<TableOptions, "key">) {
    this.#table = state.table("pairs", { ...options, key: ["ip", "number"] });
    this.#servers = state.column("servers", "int32", options.rows * 4);
    this.#ports = state.column("serverPorts", "uint16", options.rows);
  }

  /** The row, left untouched; -1 when there is none. */
  find(client: Ip, server: Ip, port: number): number {
    return this.#table.findIpNumber(client, serverHash(server, port));
  }

  /** The row, made when there is none: see {@link isNew}. */
  upsert(client: Ip, server: Ip, port: number, time: number): number {
    const row = this.#table.upsertIpNumber(client, serverHash(server, port), time);
    if (this.#table.isNew) {
      const at = row * 4;
      this.#servers[at] = server.w0;
      this.#servers[at + 1] = server.w1;
      this.#servers[at + 2] = server.w2;
      this.#servers[at + 3] = server.w3;
      this.#ports[row] = port;
    }
    return row;
  }

  get isNew(): boolean {
    return this.#table.isNew;
  }

  client(row: number): Address {
    return this.#table.ip(row, 0);
  }

  server(row: number): Address {
    const address = new Address();
    const at = row * 4;
    address.w0 = this.#servers[at]!;
    address.w1 = this.#servers[at + 1]!;
    address.w2 = this.#servers[at + 2]!;
    address.w3 = this.#servers[at + 3]!;
    return address;
  }

  port(row: number): number {
    return this.#ports[row]!;
  }

  touched(row: number): number {
    return this.#table.touched(row);
  }

  delete(row: number): void {
    this.#table.delete(row);
  }

  expire(now: number): void {
    this.#table.expire(now);
  }

  forEach(visit: (row: number) => void): void {
    this.#table.forEach(visit);
  }
}

const serverHash = (ip: Ip, port: number): number =>
  hashWord(hashWord(hashWord(hashWord(hashWord(0, ip.w0), ip.w1), ip.w2), ip.w3), port) | 0;
