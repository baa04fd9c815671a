// SPDX-License-Identifier: BSD-3-Clause
import type { Setup } from "./fields.ts";

export const DOMAIN_BYTES = 64;

export type Columns = ReturnType<typeof columnsOf>;

/** What is known of each domain. */
export function columnsOf(state: Setup["state"], rows: number) {
  return {
    /** Begin of the window; first and last time. */
    start: state.column("start", "float64", rows),
    first: state.column("first", "float64", rows),
    last: state.column("last", "float64", rows),
    domain: state.column("domain", "uint8", rows * DOMAIN_BYTES),
    domainSize: state.column("domainSize", "uint8", rows),
    /** Queries for names that look encoded; those among them whose names nobody read. */
    queries: state.column("queries", "uint32", rows),
    more: state.column("more", "uint32", rows),
    /** Queries for types that carry data, for names that do not exist, and those answered as lists do. */
    carriers: state.column("carriers", "uint32", rows),
    missing: state.column("missing", "uint32", rows),
    listed: state.column("listed", "uint32", rows),
    /** Bytes below the domain, the bits they cost, and the bytes of each name's longest label, added up. */
    bytes: state.column("bytes", "float64", rows),
    bits: state.column("bits", "float64", rows),
    longest: state.column("longest", "float64", rows),
    /** The client that moves most, as far as there is one: what it has moved since it came up, and how far it is ahead. */
    heavy: state.column("heavy", "int32", rows * 4),
    heavyBytes: state.column("heavyBytes", "float64", rows),
    heavyWeight: state.column("heavyWeight", "float64", rows),
    /** The server that was asked last. */
    server: state.column("server", "int32", rows * 4),
    /** Names that are odd on their own; of the first one its bytes and who asked. */
    odd: state.column("odd", "uint32", rows),
    oddSize: state.column("oddSize", "uint32", rows),
    oddClient: state.column("oddClient", "int32", rows * 4),
    /** Bytes at which it is worth a look; bytes in the last alert, 0 before it. */
    lookAt: state.column("lookAt", "float64", rows),
    announced: state.column("announced", "float64", rows),
    evidenceOf: state.column("evidenceOf", "int32", rows),
  };
}
