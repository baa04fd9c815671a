// SPDX-License-Identifier: BSD-3-Clause
/** What exporters may tell of an element (RFC 5610). @module */

/** Data types, by the numbers of IANA's registry. */
export const DATA_TYPE = {
  octets: 0,
  unsigned8: 1,
  unsigned64: 4,
  signed8: 5,
  signed64: 8,
  float32: 9,
  float64: 10,
  boolean: 11,
  mac: 12,
  string: 13,
  seconds: 14,
  millis: 15,
  micros: 16,
  nanos: 17,
  ipv4: 18,
  ipv6: 19,
  unsigned256: 23,
} as const;
/** Semantics of values that are names of things, or sets of flags. */
export const SEMANTICS = { identifier: 4, flags: 5 } as const;

/** What is known of an element. */
export interface ElementType {
  readonly number: number;
  /** Empty where nobody told one, or one that may not be. */
  readonly name: string;
  readonly type: number;
  readonly semantics: number;
}
