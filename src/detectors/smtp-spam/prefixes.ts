// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../../core/errors.ts";
import { ipHash } from "../../core/state/hyper-log-log.ts";
import { Address, isV4, parseIp, sameIp, swap } from "../../core/unirec/ip.ts";
import type { Ip } from "../../core/unirec/types.ts";

const V4_BITS = 32;
const V6_BITS = 128;
/** Where the 32 bits of an IPv4 address lie among the 128. */
const V4_FROM = 64;
const DIGITS = /^\d{1,3}$/;

/** The addresses that have one length of prefix. */
interface Length {
  readonly isV4: boolean;
  readonly mask: Address;
  readonly byHash: Map<number, Address[]>;
}

/** A set of addresses and prefixes: one look-up a length, which makes nothing. */
export class Prefixes {
  readonly #lengths: Length[] = [];
  readonly #masked = new Address();

  /** Takes `10.0.0.25, 192.0.2.0/24, 2001:db8::/32`. Throws ERR_PARAM for what is no prefix. */
  constructor(text: string, param: string) {
    for (const item of text.split(",").map((part) => part.trim()))
      if (item !== "") this.#add(item, param);
  }

  #add(item: string, param: string): void {
    const [host = "", size, ...rest] = item.split("/");
    const address = parseIp(host);
    const most = address && isV4(address) ? V4_BITS : V6_BITS;
    const bits = size === undefined ? most : DIGITS.test(size) ? Number(size) : most + 1;
    if (!address || rest.length > 0 || bits > most)
      throw paramError(`${param}: ${JSON.stringify(item)} is no address or prefix`);
    const length = this.#length(isV4(address), bits);
    const masked = mask(address, length.mask, new Address());
    const hash = ipHash(masked);
    length.byHash.set(hash, [...(length.byHash.get(hash) ?? []), masked]);
  }

  #length(v4: boolean, bits: number): Length {
    const wanted = maskOf(v4 ? V4_FROM + bits : bits);
    // The tail by which IPv4 is known belongs to the prefix.
    if (v4) wanted.w3 = -1;
    const known = this.#lengths.find((length) => length.isV4 === v4 && sameIp(length.mask, wanted));
    if (known) return known;
    const made = { isV4: v4, mask: wanted, byHash: new Map<number, Address[]>() };
    this.#lengths.push(made);
    return made;
  }

  get isEmpty(): boolean {
    return this.#lengths.length === 0;
  }

  has(ip: Ip): boolean {
    const v4 = isV4(ip);
    for (let i = 0; i < this.#lengths.length; i++) {
      const length = this.#lengths[i]!;
      if (length.isV4 !== v4) continue;
      const masked = mask(ip, length.mask, this.#masked);
      const known = length.byHash.get(ipHash(masked));
      if (known?.some((one) => sameIp(one, masked))) return true;
    }
    return false;
  }
}

function mask(ip: Ip, by: Address, into: Address): Address {
  into.w0 = ip.w0 & by.w0;
  into.w1 = ip.w1 & by.w1;
  into.w2 = ip.w2 & by.w2;
  into.w3 = ip.w3 & by.w3;
  return into;
}

/** An address whose first `bits` bits are ones. */
function maskOf(bits: number): Address {
  const word = (from: number): number => {
    const ones = Math.min(32, Math.max(0, bits - from));
    return ones === 0 ? 0 : swap(-1 << (32 - ones));
  };
  const address = new Address();
  address.w0 = word(0);
  address.w1 = word(32);
  address.w2 = word(64);
  address.w3 = word(96);
  return address;
}
