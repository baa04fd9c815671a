// SPDX-License-Identifier: BSD-3-Clause

/** Bytes of a query beside its name: headers of IPv4, UDP and DNS, the ends of the name, type and class. */
const QUERY = 46;
/** What EDNS, its cookie, IPv6 or TCP may add to it. */
const OPTIONS = 44;
/** An estimate must not be too great: EDNS without options is taken off each query. */
const EDNS = 11;
const TOLERANCE = 6;
/** Names that are shorter below the domain, on average, are no evidence. */
const MEAN_MIN = 20;

/**
 * Bytes that a flow of many queries carried below its domain in queries whose names nobody read, a query: a meter has one
 * name a flow, and a client that keeps its port and does not wait for answers has all its queries in one.
 *
 * 0 when the queries are as long as that of the name itself: then they ask for it again and again.
 */
export function bulkMean(
  packets: number,
  octets: number,
  payload: number,
  domainSize: number,
): number {
  if (packets < 2) return 0;
  const mean = octets / packets;
  const own = QUERY + payload + domainSize;
  if (mean >= own - TOLERANCE && mean <= own + OPTIONS) return 0;
  const below = mean - QUERY - EDNS - domainSize;
  return below < MEAN_MIN ? 0 : below;
}
