// SPDX-License-Identifier: BSD-3-Clause
import { Address, swap } from "../../core/unirec/ip.ts";
import type { Ip, IpField } from "../../core/unirec/types.ts";

/**
 * Cuts addresses to their network: IPv4 to so many bits of 32, IPv6 to so many of 128.
 * The address it returns is the same one each time, or the one it was given; copy what you keep.
 */
export function networkOf(bits4: number, bits6: number): (ip: IpField) => Ip {
  if (bits4 >= 32 && bits6 >= 128) return (ip) => ip;
  const v4 = wordMask(bits4);
  const [m0, m1, m2, m3] = [0, 32, 64, 96].map((from) => wordMask(bits6 - from));
  const network = new Address();
  return (ip) => {
    if (ip.isV4) {
      network.w0 = 0;
      network.w1 = 0;
      network.w2 = ip.w2 & v4;
      network.w3 = ip.w3;
    } else {
      network.w0 = ip.w0 & m0!;
      network.w1 = ip.w1 & m1!;
      network.w2 = ip.w2 & m2!;
      network.w3 = ip.w3 & m3!;
    }
    return network;
  };
}

/** The first `bits` bits of a word of an address, none below 0 and all above 31: a shift by 32 would do nothing. */
const wordMask = (bits: number): number => (bits <= 0 ? 0 : swap(-1 << (32 - Math.min(bits, 32))));
