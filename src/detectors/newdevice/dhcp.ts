// SPDX-License-Identifier: BSD-3-Clause
import type { Table } from "../../core/state/table.ts";
import { Networks } from "../../core/threat-list/networks.ts";
import { Address, sameIp } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import type { Flow, Setup } from "./fields.ts";
import type { Learning } from "./learning.ts";
import { ROLE, type Servers } from "./servers.ts";

const CLIENT = 68;
const CLIENT6 = 546;
/** Two servers that answer the same request do so within this time. A client that moves to another network takes longer. */
const TOGETHER = 10 * SECOND;
const IDLE = 3600 * SECOND;
const BROADCAST_MAC = 0xffff_ffff_ffff;
/** Words of a client's key: its MAC address, its IPv4 address, or the network that was answered as a whole. */
const KEY = { mac: 1, address: 2, network: 3 } as const;
const NO_ADDRESS = new Address();

/** DHCP servers that nobody knows, or that answer the same request as another one. */
export class Dhcp {
  readonly #servers: Servers;
  readonly #learning: Learning;
  readonly #own: Networks;
  /** Clients, and who answered them last. */
  readonly #clients: Table;
  readonly #server: Int32Array;
  readonly #first: Float64Array;
  readonly #last: Float64Array;
  readonly #key = new Address();

  /** Throws ERR_PARAM. */
  constructor({ params, state }: Setup, learning: Learning, servers: Servers) {
    const { clientsMax } = params;
    this.#servers = servers;
    this.#learning = learning;
    this.#own = new Networks(params.dhcpServers, "newdevice", "dhcpServers");
    this.#clients = state.table("dhcpClients", { key: ["ip"], rows: clientsMax, idle: IDLE });
    this.#server = state.column("dhcp.server", "int32", clientsMax * 4);
    this.#first = state.column("dhcp.first", "float64", clientsMax);
    this.#last = state.column("dhcp.last", "float64", clientsMax);
  }

  /** Look at a flow of UDP with one of the ports. */
  look(flow: Flow): void {
    const { SRC_PORT, DST_PORT } = flow;
    if (SRC_PORT === ROLE.dhcp && DST_PORT === CLIENT) this.#answer(flow, false);
    else if (SRC_PORT === ROLE.dhcp6 && DST_PORT === CLIENT6) this.#answer6(flow, false);
    else if (flow.PACKETS_REV === 0) return;
    else if (SRC_PORT === CLIENT && DST_PORT === ROLE.dhcp) this.#answer(flow, true);
    else if (SRC_PORT === CLIENT6 && DST_PORT === ROLE.dhcp6) this.#answer6(flow, true);
  }

  /** A server answered; `isReverse` when the flow's source is the client. */
  #answer(flow: Flow, isReverse: boolean): void {
    const server = isReverse ? flow.DST_IP : flow.SRC_IP;
    if (this.#own.has(server)) return;
    const client = isReverse ? flow.SRC_IP : flow.DST_IP;
    const row = this.#servers.row(server, ROLE.dhcp, flow, this.#learning.isOn);
    const other = this.#other(flow, isReverse);
    if (other) {
      if (this.#servers.isKnown(row)) this.#servers.isSecond(row);
      this.#servers.accuse(row, client, other, flow);
    } else if (!this.#servers.isKnown(row)) this.#servers.accuse(row, client, NO_ADDRESS, flow);
  }

  /** Several servers of DHCPv6 may answer a client, by design (RFC 8415 section 18.2.1): only unknown ones matter. */
  #answer6(flow: Flow, isReverse: boolean): void {
    const server = isReverse ? flow.DST_IP : flow.SRC_IP;
    if (this.#own.has(server)) return;
    const row = this.#servers.row(server, ROLE.dhcp6, flow, this.#learning.isOn);
    if (this.#servers.isKnown(row)) return;
    this.#servers.accuse(row, isReverse ? flow.SRC_IP : flow.DST_IP, NO_ADDRESS, flow);
  }

  /** The other server that has answered the same client at the same time, if there is one. */
  #other(flow: Flow, isReverse: boolean): Address | undefined {
    const { TIME_FIRST, TIME_LAST } = flow;
    const server: Ip = isReverse ? flow.DST_IP : flow.SRC_IP;
    const row = this.#clients.upsertIp(this.#keyOf(flow, isReverse), TIME_LAST);
    const former = this.#clients.isNew ? undefined : this.#serverOf(row);
    if (former && !sameIp(former, server)) {
      const isTogether =
        TIME_FIRST - this.#last[row]! <= TOGETHER && this.#first[row]! - TIME_LAST <= TOGETHER;
      // The one that was first stays, so that the second is told of each time.
      if (isTogether) return former;
    }
    this.#server[row * 4] = server.w0;
    this.#server[row * 4 + 1] = server.w1;
    this.#server[row * 4 + 2] = server.w2;
    this.#server[row * 4 + 3] = server.w3;
    this.#first[row] = TIME_FIRST;
    this.#last[row] = TIME_LAST;
    return undefined;
  }

  #serverOf(row: number): Address {
    const address = new Address();
    address.w0 = this.#server[row * 4]!;
    address.w1 = this.#server[row * 4 + 1]!;
    address.w2 = this.#server[row * 4 + 2]!;
    address.w3 = this.#server[row * 4 + 3]!;
    return address;
  }

  /** Who was answered. An answer to all is one to the network of 256 addresses that the server is in. */
  #keyOf(flow: Flow, isReverse: boolean): Address {
    const key = this.#key;
    const mac = isReverse ? flow.SRC_MAC : flow.DST_MAC;
    const client = isReverse ? flow.SRC_IP : flow.DST_IP;
    const server = isReverse ? flow.DST_IP : flow.SRC_IP;
    if (mac !== 0 && mac !== BROADCAST_MAC) {
      key.w0 = KEY.mac;
      key.w1 = Math.floor(mac / 2 ** 32);
      key.w2 = (mac % 2 ** 32) | 0;
    } else if (client.w2 !== -1) {
      key.w0 = KEY.address;
      key.w1 = 0;
      key.w2 = client.w2;
    } else {
      key.w0 = KEY.network;
      key.w1 = 0;
      key.w2 = server.w2 & 0xff_ffff;
    }
    key.w3 = 0;
    return key;
  }

  expire(now: number): void {
    this.#clients.expire(now);
  }
}
