// SPDX-License-Identifier: BSD-3-Clause
import { AddressMatcher } from "../../core/threat-list/matcher.ts";
import { isV4, parseIp, swap } from "../../core/unirec/ip.ts";

/** IPv4 that is no host of the Internet (IANA special-purpose addresses, multicast, reserved). */
const SPECIAL_V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
];
/** All that IANA has given out of IPv6 for hosts, and in it what is not one, or leads to an IPv4 address. */
const GLOBAL_V6 = "2000::/3";
const SPECIAL_V6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

const matcher = (prefixes: readonly string[]): AddressMatcher => {
  const made = new AddressMatcher();
  for (const prefix of prefixes) made.add(prefix, () => made.sets.of(1));
  return made;
};
const special = matcher([...SPECIAL_V4, ...SPECIAL_V6]);
const global = matcher([GLOBAL_V6]);

/** Whether an address is a host's on the Internet: not loopback, private, link-local or of another special use. */
export function isPublic(text: string): boolean {
  const ip = parseIp(text);
  if (!ip) return false;
  if (isV4(ip)) return special.v4.find(swap(ip.w2), 0, 0, 0) === 0;
  const words = [swap(ip.w0), swap(ip.w1), swap(ip.w2), swap(ip.w3)] as const;
  return global.v6.find(...words) !== 0 && special.v6.find(...words) === 0;
}
