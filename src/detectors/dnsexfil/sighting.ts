// SPDX-License-Identifier: BSD-3-Clause
import type { NameReader } from "./name.ts";

/** A name that looks encoded as it lies in a batch, and what is known of the query. One for all flows: it is filled anew. */
export class Sighting {
  readonly name: NameReader;
  bytes = new Uint8Array(0);
  /** Queries of the flow whose names nobody read, and their bytes below the domain on average. */
  more = 0;
  moreMean = 0;
  /** It was for a type whose answers carry data; it does not exist; it was answered as lists of addresses and files do (RFC 5782 section 2.1). */
  isCarrier = false;
  isMissing = false;
  isListed = false;

  constructor(name: NameReader) {
    this.name = name;
  }
}
