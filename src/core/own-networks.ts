// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "./errors.ts";
import { isV4, parseIp, swap } from "./unirec/ip.ts";
import type { Ip } from "./unirec/types.ts";

/** Most networks: each is compared with at every flow. */
const NETWORKS_MAX = 64;
const SEPARATORS = /[\s,]+/;
const PREFIX = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/;

/**
 * What is no host of the Internet: this network, private, shared (RFC 6598), loopback, link-local, multicast, broadcast; of IPv6 unspecified,
 * loopback, unique local, link-local, multicast.
 */
const NOWHERE = parsePrefixes(
  "0.0.0.0/8,10.0.0.0/8,100.64.0.0/10,127.0.0.0/8,169.254.0.0/16,172.16.0.0/12,192.168.0.0/16,224.0.0.0/3,::/127,fc00::/7,fe80::/10,ff00::/8",
  "",
);
/** What the first octet says of an IPv4 address, and behind those of an IPv6 address: nowhere, or that it takes a look; else outside. */
const INSIDE = 1;
const LOOK = 2;
const BY_OCTET = new Uint8Array(512);
for (const first of [0, 10, 127, 0xfc + 256, 0xfd + 256, 0xff + 256]) BY_OCTET[first] = INSIDE;
for (const first of [100, 169, 172, 192, 256, 0xfe + 256]) BY_OCTET[first] = LOOK;
BY_OCTET.fill(INSIDE, 224, 256);

/** Where hosts are: in networks of one's own, elsewhere in the Internet, or neither. */
export class OwnNetworks {
  readonly #own: Int32Array;

  /** @throws {NemeanError} ERR_PARAM that names `param` and the prefix */
  constructor(text: string, param: string) {
    this.#own = parsePrefixes(text, param);
  }

  /** Whether traffic of this host is looked at: of anybody's, where no networks are named. */
  mayAsk(ip: Ip): boolean {
    return this.#own.length === 0 || holds(this.#own, ip);
  }

  /** Whether the host is outside. */
  isOutside(ip: Ip): boolean {
    const known = BY_OCTET[isV4(ip) ? ip.w2 & 255 : (ip.w0 & 255) + 256]!;
    if (known === INSIDE || (known === LOOK && holds(NOWHERE, ip))) return false;
    return this.#own.length === 0 || !holds(this.#own, ip);
  }
}

/** Four words of a network, then four of its mask, for each. */
function holds(words: Int32Array, { w0, w1, w2, w3 }: Ip): boolean {
  for (let i = 0; i < words.length; i += 8)
    if (
      (w2 & words[i + 6]!) === words[i + 2] &&
      (w0 & words[i + 4]!) === words[i] &&
      (w1 & words[i + 5]!) === words[i + 1] &&
      (w3 & words[i + 7]!) === words[i + 3]
    )
      return true;
  return false;
}

function parsePrefixes(text: string, param: string): Int32Array {
  const parts = text.split(SEPARATORS).filter((part) => part !== "");
  if (parts.length > NETWORKS_MAX)
    throw paramError(`${param}: ${parts.length} prefixes, the most are ${NETWORKS_MAX}`);
  return Int32Array.from(parts.flatMap((part) => networkOf(part, param)));
}

function networkOf(prefix: string, param: string): number[] {
  const [, address = "", bits = ""] = PREFIX.exec(prefix) ?? [];
  const ip = parseIp(address);
  const most = address.includes(":") ? 128 : 32;
  const length = bits === "" ? most : Number(bits);
  if (!ip || length > most)
    throw paramError(
      `${param}: ${JSON.stringify(prefix)} is no prefix such as 192.0.2.0/24 or 2001:db8::/32`,
    );
  // An IPv4 address is its third word; the others are the same in all of them.
  const masks =
    most === 128
      ? [0, 32, 64, 96].map((before) => maskOf(length - before))
      : [-1, -1, maskOf(length), -1];
  return [...[ip.w0, ip.w1, ip.w2, ip.w3].map((word, i) => word & masks[i]!), ...masks];
}

/** So many bits in front of a word in network order. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return swap(bits >= 32 ? -1 : -1 << (32 - bits));
}
