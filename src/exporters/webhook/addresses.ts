// SPDX-License-Identifier: BSD-3-Clause
import { BlockList, isIP } from "node:net";

/**
 * Where clouds hand out passwords of their machines and where only the own link is: no receiver of alerts lives
 * there, and who may set a webhook's address must not be able to make the appliance ask there.
 */
const IPV4 = [
  ["169.254.0.0", 16],
  // Metadata services that are not in the link-local range: of Oracle, Alibaba and Azure.
  ["192.0.0.192", 32],
  ["100.100.100.200", 32],
  ["168.63.129.16", 32],
] as const;
const IPV6 = [
  ["fe80::", 10],
  // Metadata services of Amazon and Google.
  ["fd00:ec2::254", 128],
  ["fd20:ce::254", 128],
] as const;

const blocked = new BlockList();
for (const [address, bits] of IPV6) blocked.addSubnet(address, bits, "ipv6");
for (const [address, bits] of IPV4) {
  blocked.addSubnet(address, bits, "ipv4");
  // The same by way of a translator (RFC 6052), of the deprecated IPv4-compatible form, and of 6to4 (RFC 3056).
  const hex = Buffer.from(address.split(".").map(Number)).toString("hex");
  const [high, low] = [hex.slice(0, 4), hex.slice(4)];
  blocked.addSubnet(`64:ff9b::${high}:${low}`, 96 + bits, "ipv6");
  blocked.addSubnet(`::${high}:${low}`, 96 + bits, "ipv6");
  blocked.addSubnet(`2002:${high}:${low}::`, 16 + bits, "ipv6");
}

/** Whether an address is link-local or one of a metadata service, however it is written. */
export function isLinkLocal(address: string): boolean {
  const bare = address.replace(/^\[|\]$|%.*$/g, "");
  const version = isIP(bare);
  return version !== 0 && blocked.check(bare, version === 6 ? "ipv6" : "ipv4");
}
