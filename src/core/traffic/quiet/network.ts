// SPDX-License-Identifier: BSD-3-Clause
import { Host } from "../host.ts";
import { Office } from "../office.ts";
import type { Random } from "../rng.ts";

/** Hosts of each kind that stand beside the clients. */
const SERVERS = 16;
const PRINTERS = 10;
const PHONES = 40;
const OFF = 25;
const RESIDENTS = SERVERS + PRINTERS + PHONES + OFF;
/** Hosts of the Internet, numbered as {@link Office.remote} numbers them. */
const REMOTE = { forwarders: 20, clocks: 60, mail: 3000, edges: 8000, sites: 20_000 } as const;
const MAIL_PEERS = 150;
const EDGES = 60;
const GROUP_MAC = 0x0100;

/** The office of an ordinary hour: who there is, and whom they talk to. */
export class Network {
  readonly office: Office;
  /** Resolvers, which are the directory's servers too. */
  readonly resolvers: readonly [Host, Host];
  readonly telephony: Host;
  readonly printQueue: Host;
  /** It visits each client once an hour to see what is installed. */
  readonly inventory: Host;
  readonly servers: readonly Host[];
  readonly printers: readonly Host[];
  readonly phones: readonly Host[];
  /** Machines that are switched off, which others still try to reach. */
  readonly off: readonly Host[];
  readonly clients: readonly Host[];
  /** Servers of names, times and mail of the Internet. */
  readonly forwarders: readonly Host[];
  readonly clocks: readonly Host[];
  readonly mailPeers: readonly Host[];
  /** Servers of content networks, shared by many names. */
  readonly edges: readonly Host[];
  readonly broadcast: Host;
  readonly ssdpGroup: Host;

  constructor(random: Random, hosts: number) {
    const office = new Office(random, hosts - RESIDENTS);
    this.office = office;
    this.clients = office.clients;
    this.resolvers = [office.dns, office.local(1, 10, {})];
    this.telephony = office.local(1, 11, {});
    this.printQueue = office.local(1, 12, {});
    this.inventory = office.local(1, 13, {});
    this.servers = [
      ...this.resolvers,
      this.telephony,
      this.printQueue,
      this.inventory,
      ...[office.files, office.mail, office.web, office.database, office.ftp, office.backup],
      ...Array.from({ length: 4 }, (_, i) => office.local(1, 20 + i, {})),
    ];
    const net = (number: number, count: number): Host[] =>
      Array.from({ length: count }, (_, i) => office.local(number, 10 + i, {}));
    this.printers = net(2, PRINTERS);
    this.phones = net(3, PHONES);
    this.off = net(19, OFF);
    const remotes = (first: number, count: number, step: number): Host[] =>
      Array.from({ length: count }, (_, i) => office.remote(first + i * step));
    this.forwarders = remotes(REMOTE.forwarders, 2, 1);
    this.clocks = remotes(REMOTE.clocks, 4, 7);
    this.mailPeers = remotes(REMOTE.mail, MAIL_PEERS, 13);
    this.edges = remotes(REMOTE.edges, EDGES, 31);
    this.broadcast = group([255, 255, 255, 255], [0xffff, 0xffffffff]);
    this.ssdpGroup = group([239, 255, 255, 250], [GROUP_MAC, 0x5e7ffffa]);
  }

  /** The server of a site that is on no content network. */
  site(number: number): Host {
    return this.office.remote(REMOTE.sites + number * 37);
  }

  /** All that are there and answer, but for the one that looks after them. */
  get everyone(): Host[] {
    return [...this.servers, ...this.printers, ...this.phones, ...this.clients];
  }
}

/** A group of IPv4, and the one of IPv6 with the same last bytes. */
function group(ipv4: readonly number[], mac: readonly [number, number]): Host {
  const word = ipv4.reduce((sum, byte) => (sum << 8) | byte, 0);
  return new Host({ ipv4: word, ipv6: [0xff020000, 0, 0, 0xc], mac, local: true });
}
