// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../../core/errors.ts";
import { parseIp, swap } from "../../core/unirec/ip.ts";
import type { Ip } from "../../core/unirec/types.ts";

/** Most networks: each is compared with at every flow. */
const NETWORKS_MAX = 64;

const SEPARATORS = /[\s,]+/;
const PREFIX = /^([0-9A-Fa-f.:]+)(?:\/(\d{1,3}))?$/;

/** Words of an address, and of the mask over them. */
type Network = readonly number[];

/** Networks from text, `192.0.2.0/24, 2001:db8::/32`, as a test of an address. */
export class Networks {
  /** Four words of a network, then four of its mask, for each. */
  readonly #words: Int32Array;

  /** @throws {NemeanError} ERR_PARAM that names the prefix */
  constructor(text: string) {
    const parts = text.split(SEPARATORS).filter((part) => part !== "");
    if (parts.length > NETWORKS_MAX)
      throw paramError(`ownNetworks: ${parts.length} prefixes, the most are ${NETWORKS_MAX}`);
    this.#words = Int32Array.from(parts.flatMap(networkOf));
  }

  get isEmpty(): boolean {
    return this.#words.length === 0;
  }

  has({ w0, w1, w2, w3 }: Ip): boolean {
    const words = this.#words;
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
}

function networkOf(prefix: string): Network {
  const [, address = "", bits = ""] = PREFIX.exec(prefix) ?? [];
  const ip = parseIp(address);
  const isV6 = address.includes(":");
  const most = isV6 ? 128 : 32;
  const length = bits === "" ? most : Number(bits);
  if (!ip || length > most)
    throw paramError(
      `ownNetworks: ${JSON.stringify(prefix)} is no prefix such as 192.0.2.0/24 or 2001:db8::/32`,
    );
  // An IPv4 address is its third word; the others are the same in all of them.
  const masks = isV6
    ? [0, 32, 64, 96].map((before) => maskOf(length - before))
    : [-1, -1, maskOf(length), -1];
  const words = [ip.w0, ip.w1, ip.w2, ip.w3].map((word, i) => word & masks[i]!);
  return [...words, ...masks];
}

/** So many bits in front of a word in network order. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return swap(bits >= 32 ? -1 : -1 << (32 - bits));
}
