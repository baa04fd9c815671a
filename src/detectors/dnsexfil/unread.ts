// SPDX-License-Identifier: BSD-3-Clause

/** Bytes of a query beside its name: headers of IPv4, UDP and DNS, the ends of the name, type and class. */
const QUERY = 46;
/** EDNS without options; what it, IPv6 and TCP may add at most. */
const EDNS = 11;
const OPTIONS = 44;
const TOLERANCE = 6;
/** Shorter names below the domain, on average, are no evidence. */
const MEAN_MIN = 20;
/** A name has no more bytes (RFC 1035 section 2.3.4). */
const NAME_MAX = 253;

/**
 * Bytes that each query of a flow carried below its domain on average, beside the one whose name was read: a client that keeps its port and
 * does not wait for answers has many in a flow. 0 where they are as long as that one, which then was asked again and again.
 */
export function unreadMean(packets: number, octets: number, name: number, domain: number): number {
  if (packets < 2) return 0;
  const mean = octets / packets;
  const own = QUERY + name;
  if (mean >= own - TOLERANCE && mean <= own + OPTIONS) return 0;
  const below = mean - QUERY - EDNS - domain;
  return below < MEAN_MIN ? 0 : Math.min(below, NAME_MAX);
}
