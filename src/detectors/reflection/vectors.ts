// SPDX-License-Identifier: BSD-3-Clause
import type { Rule } from "../../core/alert.ts";

/** A service that answers whoever seems to have asked. */
interface Vector {
  /** Name of its rule. */
  readonly rule: string;
  readonly name: string;
  /** Its UDP port; 0 of TCP, where any port answers. */
  readonly port: number;
  /** Bytes of a packet of answers, on average and at least: an answer to an ordinary client is no attack. */
  readonly bytesMin?: number;
  /** The same of answers to the service's own port, where questions look alike; none of them count when left out. */
  readonly bytesMinBoth?: number;
}

/** The place in this list is the vector's number, and makes the rule's id: only add at the end. */
export const VECTORS: readonly Vector[] = [
  { rule: "tcp", name: "TCP SYN-ACK", port: 0 },
  { rule: "dns", name: "DNS", port: 53, bytesMinBoth: 300 },
  // A packet of time is 76 bytes; monlist answers in packets of 468.
  { rule: "ntp", name: "NTP", port: 123, bytesMin: 100, bytesMinBoth: 200 },
  { rule: "cldap", name: "CLDAP", port: 389 },
  { rule: "memcached", name: "memcached", port: 11_211 },
  { rule: "ssdp", name: "SSDP", port: 1900 },
  { rule: "snmp", name: "SNMP", port: 161 },
  { rule: "chargen", name: "CharGEN", port: 19 },
  { rule: "wsDiscovery", name: "WS-Discovery", port: 3702 },
  { rule: "coap", name: "CoAP", port: 5683 },
  { rule: "sip", name: "SIP", port: 5060 },
  { rule: "qotd", name: "QOTD", port: 17 },
  { rule: "portmap", name: "portmap", port: 111 },
  { rule: "netbios", name: "NetBIOS", port: 137 },
  { rule: "mssql", name: "MS SQL", port: 1434 },
  { rule: "arms", name: "ARMS", port: 3283 },
  { rule: "mdns", name: "mDNS", port: 5353 },
];

/** What stands for no vector, and the number of TCP. */
export const NONE = 0xff;
export const TCP_VECTOR = 0;

/** A rule for each vector: who takes alerts can tell them by their ids. */
export const rules: Readonly<Record<string, Rule>> = Object.fromEntries(
  VECTORS.map(({ rule, name }, i) => [
    rule,
    {
      id: 9_000_200 + i,
      title: `Reflection through ${name}`,
      category: "Availability.DDoS",
      severity: 7,
      confidence: 0.9,
      techniques: ["T1498.002"],
    },
  ]),
);

/** The vector of each UDP port. */
export function vectorsByPort(): Uint8Array {
  const vectors = new Uint8Array(65_536).fill(NONE);
  for (const [i, { port }] of VECTORS.entries()) if (port !== 0) vectors[port] = i;
  return vectors;
}

/** `UDP port 53 (DNS)`, or `TCP SYN-ACK`. */
export function vectorText(vector: number): string {
  const { name, port } = VECTORS[vector]!;
  return port === 0 ? name : `UDP port ${port} (${name})`;
}
