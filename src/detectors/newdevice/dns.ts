// SPDX-License-Identifier: BSD-3-Clause
import { hashWord } from "../../core/state/hyper-log-log.ts";
import { SEEN, Seen } from "../../core/state/seen.ts";
import type { Table } from "../../core/state/table.ts";
import { Networks } from "../../core/threat-list/networks.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Flow, Setup } from "./fields.ts";
import type { Learning } from "./learning.ts";
import { hostHash } from "./newcomers.ts";
import { ROLE, type Servers } from "./servers.ts";

const WEEK = 7 * 86_400 * SECOND;
/** Pairs of client and server, in two halves of a quarter of a megabyte: most queries are of a known pair. */
const PAIRS = { words: 1 << 16, span: WEEK };

/** Hosts of one's own that begin to answer DNS, to clients that had another server. */
export class Dns {
  readonly #servers: Servers;
  readonly #learning: Learning;
  readonly #networks: Networks;
  readonly #own: Networks;
  readonly #pairs: Seen;
  /** Clients, and a server that each had first. */
  readonly #clients: Table;
  readonly #server: Int32Array;

  /** Throws ERR_PARAM. */
  constructor(
    { params, state }: Setup,
    learning: Learning,
    { servers, networks }: { servers: Servers; networks: Networks },
  ) {
    this.#servers = servers;
    this.#learning = learning;
    this.#networks = networks;
    this.#own = new Networks(params.dnsServers, "newdevice", "dnsServers");
    this.#pairs = new Seen("dns.pairs", PAIRS, state);
    this.#server = state.column("dns.server", "int32", params.clientsMax * 4);
    this.#clients = state.table("dnsClients", {
      key: ["ip"],
      rows: params.clientsMax,
      idle: 2 * WEEK,
    });
  }

  /** Look at a flow to port 53 that was answered. */
  look(flow: Flow): void {
    const { SRC_IP, DST_IP } = flow;
    const pair = hashWord(hostHash(SRC_IP), hostHash(DST_IP));
    if (this.#pairs.has(pair) || !this.#networks.has(SRC_IP)) return;
    const { TIME_LAST } = flow;
    this.#pairs.turn(TIME_LAST);
    if (this.#pairs.add(pair) === SEEN.now) return;
    const row = this.#clients.upsertIp(SRC_IP, TIME_LAST);
    const former = this.#clients.isNew ? undefined : this.#serverOf(row);
    if (!former) this.#put(row, flow);
    if (!this.#networks.has(DST_IP) || this.#own.has(DST_IP)) return;
    const server = this.#servers.row(DST_IP, ROLE.dns, flow, this.#learning.isOn);
    if (former && !this.#servers.isKnown(server))
      this.#servers.accuse(server, SRC_IP, former, flow);
  }

  #put(row: number, { DST_IP }: Flow): void {
    this.#server[row * 4] = DST_IP.w0;
    this.#server[row * 4 + 1] = DST_IP.w1;
    this.#server[row * 4 + 2] = DST_IP.w2;
    this.#server[row * 4 + 3] = DST_IP.w3;
  }

  #serverOf(row: number): Address {
    const address = new Address();
    address.w0 = this.#server[row * 4]!;
    address.w1 = this.#server[row * 4 + 1]!;
    address.w2 = this.#server[row * 4 + 2]!;
    address.w3 = this.#server[row * 4 + 3]!;
    return address;
  }

  expire(now: number): void {
    this.#clients.expire(now);
  }
}
