// SPDX-License-Identifier: BSD-3-Clause
import {
  DNS_A,
  DNS_AAAA,
  DNS_CNAME,
  DNS_HTTPS,
  DNS_PTR,
  DNS_SRV,
  DNS_TXT,
  type DnsRecord,
  dnsQuery,
  dnsReply,
  NXDOMAIN,
  type Question,
} from "../dns-message.ts";
import type { Host } from "../host.ts";
import { DOMAIN, hex, letters, type Name, type Names } from "./names.ts";
import type { Scene } from "./scene.ts";

const PORT_DNS = 53;
/** Share of the names that the two resolvers do not know and ask their forwarders for. */
const MISS_CHANCE = 0.25;
/** Share of the questions for the second resolver of a client. */
const OTHER_CHANCE = 0.08;
const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/** What a resolver is asked, and what it says. */
interface Lookup {
  readonly name: string;
  readonly type: number;
  readonly records?: readonly DnsRecord[];
  readonly code?: number;
}

/** Names looked up: for whatever is done next, and by machines for themselves. */
export class Lookups {
  readonly #scene: Scene;
  readonly #names: Names;

  constructor(scene: Scene, names: Names) {
    this.#scene = scene;
    this.#names = names;
  }

  /** Look up a name's addresses, as browsers do: both kinds, and half of the time its service binding. */
  find(now: number, client: Host, name: Name): void {
    this.ask(now, client, { name: name.name, type: DNS_A, records: this.#chain(name, DNS_A) });
    const six = { name: name.name, type: DNS_AAAA, records: this.#chain(name, DNS_AAAA) };
    this.ask(now + 60, client, six);
    if (this.#scene.chance(0.5)) this.ask(now + 110, client, { name: name.name, type: DNS_HTTPS });
  }

  /** Ask one of the office's resolvers; it asks others when it does not know. */
  ask(now: number, client: Host, lookup: Lookup): void {
    const { resolvers } = this.#scene.network;
    const first = client.ipv4 & 1;
    const resolver = resolvers[this.#scene.chance(OTHER_CHANCE) ? 1 - first : first]!;
    this.#question(now, client, resolver, lookup);
    if (!lookup.name.endsWith(DOMAIN) && this.#scene.chance(MISS_CHANCE))
      this.#question(now + 200, resolver, this.#scene.pick(this.#scene.network.forwarders), lookup);
  }

  /** Enter what machines look up by themselves. */
  enter(): void {
    const { clients, office } = this.#scene.network;
    const anyone = (): Host => this.#scene.pick(clients);
    const often = (seconds: number, make: (client: Host) => Lookup | undefined): void =>
      this.#scene.often(seconds, (now) => {
        const client = anyone();
        const lookup = make(client);
        if (lookup) this.ask(now, client, lookup);
      });
    // A typo, and what the list of search domains makes of it and of names that are there.
    often(20, () => ({ name: this.#names.typo(), type: DNS_A, code: NXDOMAIN }));
    often(4, () => this.#missing(`${this.#names.popular().name}.${DOMAIN}`));
    often(10, () => this.#missing(`wpad.${DOMAIN}`));
    often(12, () => this.#missing(`isatap.${DOMAIN}`));
    // Where a browser starts it tries whether made-up names are answered, three of them.
    this.#scene.often(60, (now) => {
      const client = anyone();
      for (let i = 0; i < 3; i++) {
        const label = letters(this.#scene.stage.random, LETTERS, this.#between(7, 15));
        this.ask(now + i * 40, client, this.#missing(`${label}.${DOMAIN}`));
      }
    });
    // The directory.
    often(2, () => this.#service(`_ldap._tcp.dc._msdcs.${DOMAIN}`));
    often(4, () => this.#service(`_kerberos._tcp.Default-First-Site-Name._sites.${DOMAIN}`));
    often(3, () => ({
      name: `files.${DOMAIN}`,
      type: DNS_A,
      records: [{ type: DNS_A, words: [office.files.ipv4] }],
    }));
    // Who has this address: inside known, outside half of the time.
    often(6, () => this.#reverse(anyone().ipv4, true));
    often(9, () => this.#reverse(this.#names.popular().host.ipv4, this.#scene.chance(0.5)));
    // A scanner of files asks for what it has found, by a hash.
    often(30, () => this.#reputation());
  }

  #question(now: number, client: Host, server: Host, lookup: Lookup): void {
    const { name, type, records = [], code } = lookup;
    const question: Question = { id: this.#scene.stage.random.below(65_536), name, type };
    const request = dnsQuery(question);
    const response = dnsReply(question, records, code);
    this.#scene.udp(now, { client, server, port: PORT_DNS, request, response });
  }

  #chain({ alias, host }: Name, type: number): DnsRecord[] {
    const words = type === DNS_A ? [host.ipv4] : host.ipv6;
    const address: DnsRecord = { type, words };
    return alias === undefined ? [address] : [{ type: DNS_CNAME, name: alias }, address];
  }

  #missing(name: string): Lookup {
    return { name, type: DNS_A, code: NXDOMAIN };
  }

  #service(name: string): Lookup {
    return { name, type: DNS_SRV, records: [{ type: DNS_SRV, name: `dc1.${DOMAIN}` }] };
  }

  #reverse(ipv4: number, isKnown: boolean): Lookup {
    const name = `${reversed(ipv4)}.in-addr.arpa`;
    if (!isKnown) return { name, type: DNS_PTR, code: NXDOMAIN };
    return {
      name,
      type: DNS_PTR,
      records: [{ type: DNS_PTR, name: `host-${ipv4 & 0xffff}.${DOMAIN}` }],
    };
  }

  #reputation(): Lookup {
    const name = `0.0.0.0.1.0.0.4e.${hex(this.#scene.stage.random, 26)}.avqs.mcafee.com`;
    return { name, type: DNS_A, records: [{ type: DNS_A, words: [0x7f000004] }] };
  }

  /** What a mail server asks of whoever sends it mail: on lists of spammers, by policy, by keys. */
  sender(now: number, server: Host, from: Host, domain: string): void {
    const lookups: Lookup[] = [
      ...["zen.spamhaus.org", "bl.spamcop.net", "b.barracudacentral.org"].map((list) =>
        this.#missing(`${reversed(from.ipv4)}.${list}`),
      ),
      this.#text(domain, "v=spf1 include:_spf.google.com include:spf.protection.outlook.com -all"),
      this.#text(
        `selector1._domainkey.${domain}`,
        `v=DKIM1; k=rsa; p=${letters(this.#scene.stage.random, `${LETTERS}0123456789`, 216)}`,
      ),
      this.#text(`_dmarc.${domain}`, `v=DMARC1; p=reject; rua=mailto:dmarc@${domain}`),
      this.#reverse(from.ipv4, true),
    ];
    for (const [i, lookup] of lookups.entries()) this.ask(now + i * 2500, server, lookup);
  }

  #text(name: string, text: string): Lookup {
    return { name, type: DNS_TXT, records: [{ type: DNS_TXT, text }] };
  }

  #between(least: number, most: number): number {
    return this.#scene.stage.random.between(least, most);
  }
}

const reversed = (ipv4: number): string =>
  [0, 8, 16, 24].map((shift) => (ipv4 >>> shift) & 255).join(".");
