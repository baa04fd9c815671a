// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../errors.ts";
import { isV4, parseIp, swap } from "../unirec/ip.ts";
import type { Ip } from "../unirec/types.ts";
import { AddressMatcher } from "./matcher.ts";

/** Networks of sites that announce none of their own to others: RFC 1918, 6598, 3927, 4193 and 4291. */
export const PRIVATE_NETWORKS =
  "10.0.0.0/8,100.64.0.0/10,169.254.0.0/16,172.16.0.0/12,192.168.0.0/16,fc00::/7,fe80::/10";

/** The number of the one list there is. */
const LIST = 1;
const SEPARATORS = /[\s,]+/;
/** What is known of the addresses that share 16 bits. */
const PART = { none: 0, all: 1, some: 2 } as const;
const TOP_BITS = 16;
const TOPS = 1 << TOP_BITS;

/** Addresses and prefixes of a parameter, asked of each flow. */
export class Networks {
  readonly #matcher = new AddressMatcher();
  /** By the first 16 bits as they lie in the record: mostly that is all it takes. */
  readonly #v4 = new Uint8Array(TOPS);
  readonly #v6 = new Uint8Array(TOPS);

  /**
   * @param module and `param` are named where something is wrong
   * @throws {NemeanError} ERR_PARAM for what is no prefix
   */
  constructor(text: string, module: string, param: string) {
    const set = this.#matcher.sets.of(LIST);
    for (const item of text.split(SEPARATORS).filter((part) => part !== "")) {
      const [host = "", bits] = item.split("/");
      const ip = parseIp(host);
      // An address at a port, which lists may have, is no network.
      const why = ip ? this.#matcher.add(item, () => set) : "is no address";
      if (!ip || why !== undefined)
        throw paramError(`${module}: ${param}: ${JSON.stringify(item.slice(0, 60))} ${why}`);
      this.#mark(ip, host, bits);
    }
  }

  #mark(ip: Ip, host: string, bits: string | undefined): void {
    const isV6 = host.includes(":");
    const tops = isV6 ? this.#v6 : this.#v4;
    const length = Number(bits ?? TOP_BITS + 1);
    const count = 1 << Math.max(0, TOP_BITS - length);
    const first = (swap(isV6 ? ip.w0 : ip.w2) >>> TOP_BITS) & -count;
    for (let top = first; top < first + count; top++) {
      const at = ((top & 255) << 8) | (top >>> 8);
      if (length <= TOP_BITS) tops[at] = PART.all;
      else if (tops[at] === PART.none) tops[at] = PART.some;
    }
  }

  has(ip: Ip): boolean {
    const v4 = isV4(ip);
    const part = v4 ? this.#v4[ip.w2 & 0xffff]! : this.#v6[ip.w0 & 0xffff]!;
    return part === PART.some ? this.#search(ip, v4) : part === PART.all;
  }

  #search(ip: Ip, isOfV4: boolean): boolean {
    const { v4, v6 } = this.#matcher;
    if (isOfV4) return v4.find(swap(ip.w2), 0, 0, 0) !== 0;
    return v6.find(swap(ip.w0), swap(ip.w1), swap(ip.w2), swap(ip.w3)) !== 0;
  }
}
