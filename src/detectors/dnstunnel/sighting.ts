// SPDX-License-Identifier: BSD-3-Clause
import type { NameReader } from "./name.ts";

/** A name and an answer as they lie in a batch, and what was read of them. One for all flows: it is filled anew. */
export class Sighting {
  readonly names: NameReader;
  bytes = new Uint8Array(0);
  /** The name lies from `from` to `to`, its registered domain begins at `domain`. */
  from = 0;
  domain = 0;
  to = 0;
  /** The answer; of no bytes when it is not to be read. */
  answer = 0;
  answerEnd = 0;
  /** Queries of the flow whose names nobody read, and their bytes below the domain on average. */
  more = 0;
  moreMean = 0;

  constructor(names: NameReader) {
    this.names = names;
  }

  /** Bytes of text below the domain. */
  get below(): number {
    return this.domain - 1 - this.from;
  }
}
