// SPDX-License-Identifier: BSD-3-Clause
import { ArpExchange, Ping, UdpExchange } from "./datagrams.ts";
import { DNS_A, DNS_AAAA, dnsAnswer, dnsQuery, type Message, mdnsQuery } from "./dns-message.ts";
import type { Host, IpVersion } from "./host.ts";
import { dhcp, octets, text } from "./messages.ts";
import type { Office, Site } from "./office.ts";
import { Arrivals, type Stage } from "./stage.ts";

const SECOND = 1_000_000;
const PORT_DNS = 53;
const PORT_DHCP_SERVER = 67;
const PORT_DHCP_CLIENT = 68;
const PORT_NTP = 123;
const PORT_MDNS = 5353;
const PORT_DHT = 6881;
/** One name in so many does not exist. */
const NXDOMAIN_CHANCE = 0.04;

/** What any segment hums with, whatever its people do: names, clocks, addresses, pings. */
export class Background {
  readonly #stage: Stage;
  readonly #office: Office;

  constructor(stage: Stage, office: Office) {
    this.#stage = stage;
    this.#office = office;
  }

  /** Enter everything of the background, `scale` times as often as in a plain office. */
  enter(start: number, scale: number): void {
    const { calendar } = this.#stage;
    const often = (seconds: number, begin: (now: number) => void): void =>
      calendar.enter(start, new Arrivals(this.#stage, (seconds * SECOND) / scale, begin));
    often(0.4, (now) => this.#arp(now));
    often(1.5, (now) => this.#ping(now));
    often(1, (now) => this.#ntp(now));
    often(0.8, (now) => this.#mdns(now));
    often(5, (now) => this.#dhcp(now));
    often(0.2, (now) => this.#dht(now));
  }

  /** The client looks up the site's address. */
  lookUp(now: number, client: Host, site: Site, version: IpVersion): void {
    const { random } = this.#stage;
    const exists = !random.chance(NXDOMAIN_CHANCE);
    const name = exists ? site.name : `${random.below(1e6)}.${site.name}`;
    const question = { id: random.below(65536), name, type: version === 4 ? DNS_A : DNS_AAAA };
    this.#udp(now, [client, this.#office.dns], {
      sourcePort: client.nextPort(),
      targetPort: PORT_DNS,
      request: dnsQuery(question),
      response: dnsAnswer(question, exists ? site.host : undefined),
      version: random.chance(0.3) ? 6 : 4,
    });
  }

  #arp(now: number): void {
    const { random, calendar } = this.#stage;
    const { clients, gateway } = this.#office;
    // The gateway asks; it has an interface on each segment.
    const route = this.#office.route(random.pick(clients), gateway, 4);
    calendar.enter(now, new ArpExchange(this.#stage, { forth: route.back, back: route.forth }));
  }

  #ping(now: number): void {
    const { random, calendar } = this.#stage;
    const site = random.chance(0.5) ? this.#office.gateway : random.pick(this.#office.sites).host;
    const route = this.#office.route(
      random.pick(this.#office.clients),
      site,
      random.chance(0.3) ? 6 : 4,
    );
    const id = random.below(65536);
    calendar.enter(now, new Ping(this.#stage, route, { id, count: random.between(1, 5) }));
  }

  /** Client and server mode, version 4 (RFC 5905 section 7.3); the times are noise. */
  #ntp(now: number): void {
    const { random } = this.#stage;
    const client = random.pick(this.#office.clients);
    this.#udp(now, [client, this.#office.clock], {
      sourcePort: client.nextPort(),
      targetPort: PORT_NTP,
      request: octets([0x23, 0, 6, 0xec, ...new Array<number>(36).fill(0), ...random.bytes(8)]),
      response: octets([0x24, 2, 6, 0xe8, ...new Array<number>(12).fill(0), ...random.bytes(32)]),
      version: 4,
    });
  }

  #mdns(now: number): void {
    const { random } = this.#stage;
    this.#udp(now, [random.pick(this.#office.clients), this.#office.mdnsGroup], {
      sourcePort: PORT_MDNS,
      targetPort: PORT_MDNS,
      request: mdnsQuery(
        random.pick(["_ipp._tcp.local", "_airplay._tcp.local", "_smb._tcp.local"]),
      ),
      version: random.chance(0.5) ? 6 : 4,
    });
  }

  /** DHCPREQUEST and DHCPACK of a renewal, client and server unicast (RFC 2131 section 4.3.2). */
  #dhcp(now: number): void {
    const { random } = this.#stage;
    const client = random.pick(this.#office.clients);
    const transaction = random.bytes(4);
    this.#udp(now, [client, this.#office.dns], {
      sourcePort: PORT_DHCP_CLIENT,
      targetPort: PORT_DHCP_SERVER,
      request: dhcp(client, transaction, { operation: 1, type: 3 }),
      response: dhcp(client, transaction, { operation: 2, type: 5 }),
      version: 4,
    });
  }

  /** BitTorrent's table of peers (BEP 5): one host asks hundreds of others over UDP, which is no SYN scan. */
  #dht(now: number): void {
    const { random } = this.#stage;
    const peer = random.pick(random.chance(0.6) ? this.#office.peers : this.#office.deadPeers);
    const id = "abcdefghij0123456789";
    const answered = random.chance(0.6);
    this.#udp(now, [this.#office.clients[0]!, peer], {
      sourcePort: PORT_DHT,
      targetPort: random.between(10_000, 65_000),
      request: text(`d1:ad2:id20:${id}e1:q4:ping1:t2:aa1:y1:qe`),
      ...(answered ? { response: text(`d1:rd2:id20:${id}e1:t2:aa1:y1:re`) } : {}),
      version: 4,
    });
  }

  #udp(now: number, [client, server]: readonly [Host, Host], fields: Datagrams): void {
    const route = this.#office.route(client, server, fields.version);
    this.#stage.calendar.enter(now, new UdpExchange(this.#stage, { ...fields, route }));
  }
}

interface Datagrams {
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly request: Message;
  readonly response?: Message;
  readonly version: IpVersion;
}
