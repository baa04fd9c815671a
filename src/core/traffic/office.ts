// SPDX-License-Identifier: BSD-3-Clause
import { Host, type HostFields, type IpVersion } from "./host.ts";
import { type Route, route } from "./path.ts";
import type { Random } from "./rng.ts";

/** A server of the Internet with its name. */
export interface Site {
  readonly host: Host;
  readonly name: string;
}

const SITES = 150;
const PEERS = 40;
/** Fewer than any scan detector's threshold, though each is tried again and again. */
const DEAD_PEERS = 30;
const CLIENTS_A_NET = 200;
const VLAN_GUESTS = 20;
/** One client in so many is a guest, on the tagged segment. */
const GUESTS = 6;
const DOCUMENTATION_V6 = 0x20010db8;

const ipv4 = (a: number, b: number, c: number, d: number): number =>
  (a << 24) | (b << 16) | (c << 8) | d;

/**
 * The hosts of an office and whom they talk to. The office is 10.x/16 and 2001:db8:x::/48 with x of the
 * seed; the Internet is 198.18/15 and 2001:db8:8000::/33, ranges kept for benchmarks and documentation
 * (RFC 2544, RFC 3849), so that no real host gets a bad name.
 */
export class Office {
  readonly gateway: Host;
  readonly clients: readonly Host[];
  /** Servers by their service. */
  readonly dns: Host;
  readonly files: Host;
  readonly mail: Host;
  readonly web: Host;
  readonly database: Host;
  readonly ftp: Host;
  readonly backup: Host;
  readonly monitor: Host;
  /** Addresses at which nothing answers, or nothing listens: a machine gone, a service off. */
  readonly gone: Host;
  readonly printer: Host;
  readonly clock: Host;
  readonly sites: readonly Site[];
  /** BitTorrent peers that answer, and that went away. */
  readonly peers: readonly Host[];
  readonly deadPeers: readonly Host[];
  readonly mdnsGroup: Host;
  readonly #net: number;
  readonly #random: Random;

  constructor(random: Random, clientCount: number) {
    this.#random = random;
    this.#net = random.between(1, 250);
    const server = (number: number): Host => this.local(1, number, { hopLimit: 64 });
    this.gateway = this.local(0, 1, {});
    this.dns = server(2);
    this.files = server(3);
    this.mail = server(4);
    this.web = server(5);
    this.database = server(6);
    this.ftp = server(7);
    this.backup = server(8);
    this.monitor = server(9);
    this.gone = server(66);
    this.printer = server(40);
    this.clients = Array.from({ length: clientCount }, (_, i) => this.#client(i));
    this.clock = this.remote(123);
    this.sites = Array.from({ length: SITES }, (_, i) => ({
      host: this.remote(1000 + i * 97),
      name: `${i % 3 === 0 ? "www" : "cdn"}.site-${i}.example`,
    }));
    this.peers = Array.from({ length: PEERS }, (_, i) => this.remote(40_000 + i * 311));
    this.deadPeers = Array.from({ length: DEAD_PEERS }, (_, i) => this.remote(70_000 + i * 173));
    this.mdnsGroup = new Host({
      ipv4: ipv4(224, 0, 0, 251),
      ipv6: [0xff020000, 0, 0, 0xfb],
      mac: [0x0100, 0x5e0000fb],
      local: true,
    });
  }

  /** A host of the office: 10.x.net.number. */
  local(net: number, number: number, fields: Partial<HostFields>): Host {
    return new Host({
      ipv4: ipv4(10, this.#net, net, number),
      ipv6: [DOCUMENTATION_V6, (this.#net << 16) | net, 0, 0x100 + number],
      mac: [0x0200, (this.#net << 24) | (net << 16) | number],
      local: true,
      delay: this.#random.between(60, 350),
      ...fields,
    });
  }

  /** The clients and servers that a monitoring host looks after: at most 20, all of them answer. */
  get monitored(): Host[] {
    const servers = [
      this.dns,
      this.files,
      this.mail,
      this.web,
      this.database,
      this.ftp,
      this.backup,
    ];
    return [...servers, ...this.clients.slice(0, 13)];
  }

  route(client: Host, server: Host, version: IpVersion): Route {
    return route(client, server, version, this.gateway);
  }

  #client(index: number): Host {
    const guest = index % GUESTS === GUESTS - 1;
    const net = (guest ? 100 : 16) + Math.floor(index / CLIENTS_A_NET);
    const hopLimit = index % 2 === 0 ? 128 : 64;
    return this.local(net, 10 + (index % CLIENTS_A_NET), {
      vlan: guest ? VLAN_GUESTS : 0,
      hopLimit,
    });
  }

  /** A host of the Internet: 198.18.0.0 and so many. */
  remote(number: number): Host {
    const net = this.#random.between(1, 0x7fff);
    return new Host({
      ipv4: ipv4(198, 18, 0, 0) + number,
      ipv6: [DOCUMENTATION_V6, 0x80000000 | (net << 16), 0, number],
      hopLimit: this.#random.between(44, 58),
      delay: this.#random.between(2500, 45_000),
    });
  }
}
