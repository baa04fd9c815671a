// SPDX-License-Identifier: BSD-3-Clause
import { Address, swap } from "../unirec/ip.ts";

export type IpVersion = 4 | 6;

/** What makes a host; all but `ipv4` has a default. */
export interface HostFields {
  /** IPv4 address as a number in host order. */
  readonly ipv4: number;
  /** IPv6 address as four words in host order. */
  readonly ipv6?: readonly [number, number, number, number];
  /** The 48 bits of its MAC address as 16 and 32. Hosts of the Internet need none. */
  readonly mac?: readonly [number, number];
  /** VLAN id of its segment, 0 for untagged. */
  readonly vlan?: number;
  /** It is in the office; else it is reached through the gateway. */
  readonly local?: boolean;
  /** TTL or hop limit its packets have at the tap. */
  readonly hopLimit?: number;
  /** Microseconds between the tap and the host, one way. */
  readonly delay?: number;
}

const EPHEMERAL_FIRST = 32768;
const EPHEMERAL_LAST = 60999;

/** One end of a conversation. */
export class Host {
  readonly ipv4: number;
  readonly ipv6: readonly [number, number, number, number];
  readonly mac: readonly [number, number];
  readonly vlan: number;
  readonly local: boolean;
  readonly hopLimit: number;
  readonly delay: number;
  /** The 16-bit words of each address summed, for the checksums. */
  readonly ipv4Sum: number;
  readonly ipv6Sum: number;
  /** Identification of the next IPv4 packet it sends. */
  identification: number;
  #port: number;

  constructor(fields: HostFields) {
    this.ipv4 = fields.ipv4 | 0;
    const [a, b, c, d] = fields.ipv6 ?? [0, 0, 0, 0];
    this.ipv6 = [a | 0, b | 0, c | 0, d | 0];
    this.mac = fields.mac ?? [0, 0];
    this.vlan = fields.vlan ?? 0;
    this.local = fields.local ?? false;
    this.hopLimit = fields.hopLimit ?? (this.local ? 64 : 52);
    this.delay = fields.delay ?? (this.local ? 120 : 12_000);
    this.ipv4Sum = wordSum(this.ipv4);
    this.ipv6Sum = this.ipv6.reduce((sum, word) => sum + wordSum(word), 0);
    this.identification = (this.ipv4 ^ (this.ipv4 >>> 16)) & 0xffff;
    this.#port = EPHEMERAL_FIRST + ((this.identification * 7) % (EPHEMERAL_LAST - EPHEMERAL_FIRST));
  }

  /** The next ephemeral port (range of Linux, ip_local_port_range); all are used before one returns. */
  nextPort(): number {
    this.#port = this.#port === EPHEMERAL_LAST ? EPHEMERAL_FIRST : this.#port + 1;
    return this.#port;
  }

  /** Its address as text, as UniRec writes it. */
  text(version: IpVersion): string {
    const address = new Address();
    if (version === 4) return address.setV4(this.ipv4 >>> 0).toString();
    address.w0 = swap(this.ipv6[0]);
    address.w1 = swap(this.ipv6[1]);
    address.w2 = swap(this.ipv6[2]);
    address.w3 = swap(this.ipv6[3]);
    return address.toString();
  }
}

/** The two 16-bit halves of a word, summed. */
export const wordSum = (word: number): number => (word >>> 16) + (word & 0xffff);
