// SPDX-License-Identifier: BSD-3-Clause
import type { FrameBatch } from "../../../core/packet/frames.ts";
import type { LiveSource } from "../source.ts";

/** What a source handed on: copies of the bytes, or only a count where there are many frames. */
export class Tally {
  count = 0;
  bytes = 0;
  readonly frames: Uint8Array[] = [];
  readonly times: number[] = [];
  readonly lengths: number[] = [];
  readonly #keep: boolean;

  constructor({ keep = true } = {}) {
    this.#keep = keep;
  }

  readonly take = (batch: FrameBatch): void => {
    this.count += batch.count;
    for (let i = 0; i < batch.count; i++) {
      this.bytes += batch.captured[i]!;
      if (!this.#keep) continue;
      const start = batch.start[i]!;
      this.frames.push(batch.bytes.slice(start, start + batch.captured[i]!));
      this.times.push(batch.time[i]!);
      this.lengths.push(batch.length[i]!);
    }
  };

  /** Poll until this many frames have come, or five seconds have passed. */
  until(source: LiveSource, count: number): void {
    const end = performance.now() + 5_000;
    while (this.count < count && performance.now() < end) source.poll(20, this.take);
  }
}
