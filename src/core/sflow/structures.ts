// SPDX-License-Identifier: BSD-3-Clause
/**
 * Numbers and sizes of sFlow's structures, and how XDR lays them out.
 *
 * Sources: sFlow.org, "sFlow Version 5" (July 2004), section 5; RFC 4506 (XDR): all is big-endian, in units of 4 bytes. Enterprise 0 has the
 * standard structures: their numbers are what is here, for the upper 20 bits of a data format are the enterprise.
 * @module
 */

/** sample_record: opaque = sample_data. */
export const SAMPLE = {
  flow: 1,
  counters: 2,
  flowExpanded: 3,
  countersExpanded: 4,
} as const;

/** flow_record: opaque = flow_data. */
export const RECORD = {
  header: 1,
  ethernet: 2,
  ipv4: 3,
  ipv6: 4,
  switch: 1001,
  router: 1002,
  gateway: 1003,
} as const;

/** counter_record: opaque = counter_data. */
export const COUNTERS = { interface: 1 } as const;

/** Bytes of structures of one size, and of what stands in front of those of variable size. */
export const BYTES = {
  /** Format and length of a sample or a record. */
  head: 8,
  /** Sequence number, source, rate, pool, drops, input, output, number of records. */
  flow: 32,
  flowExpanded: 44,
  counters: 12,
  countersExpanded: 16,
  /** Protocol, length of the frame, bytes that were stripped, length of the header. */
  header: 16,
  ethernet: 24,
  ipv4: 32,
  ipv6: 56,
  switch: 16,
  interface: 88,
} as const;

/** union address: what its first word says. */
export const ADDRESS = { unknown: 0, ipv4: 1, ipv6: 2 } as const;
/** as_path_type: an ordered segment of a path. */
export const AS_SEQUENCE = 2;
const VERSION = 5;

/** Where the opaque data ends whose last byte is in front of `end`: XDR fills the last unit. */
export const padded = (end: number): number => (end + 3) & ~3;

/** Bytes of the address at `at`, its type among them; -1 when it is none or does not end before `end`. */
export function addressBytes(view: DataView, at: number, end: number): number {
  if (at + 4 > end) return -1;
  const type = view.getUint32(at);
  if (type > ADDRESS.ipv6) return -1;
  const bytes = type === ADDRESS.ipv6 ? 20 : type === ADDRESS.ipv4 ? 8 : 4;
  return at + bytes > end ? -1 : bytes;
}

/**
 * Whether a datagram is one of sFlow v5. Its version is a word of 32 bits, where NetFlow has one of 16: what begins with 0 is
 * no NetFlow.
 */
export function isSflow(view: DataView, at: number, length: number): boolean {
  if (length < 8 || view.getUint32(at) !== VERSION) return false;
  const type = view.getUint32(at + 4);
  return type === ADDRESS.ipv4 || type === ADDRESS.ipv6;
}
