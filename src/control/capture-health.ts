// SPDX-License-Identifier: BSD-3-Clause
import type { Snapshot } from "./snapshot.ts";

/** Milliseconds for which losses that have stopped are still told. */
const RECENT_MS = 60_000;

/** A counter that should not grow: what it grew by until it was still for a while. */
class LossWatch {
  #total = 0;
  #since = 0;
  #until = Number.NEGATIVE_INFINITY;

  /** Note the counter at a time; returns by how much it grew in this bout, 0 when that is over. */
  note(total: number, now: number): number {
    if (now > this.#until) this.#since = this.#total;
    if (total > this.#total) this.#until = now + RECENT_MS;
    this.#total = total;
    return now > this.#until ? 0 : total - this.#since;
  }
}

/**
 * Says what is wrong between the tap and the alerts: an interface that is down, frames or records lost of late, modules
 * that fail.
 */
export class CaptureHealth {
  readonly #frames = new Map<string, LossWatch>();
  readonly #records = new LossWatch();

  /** Look at a snapshot; `now` is any clock in milliseconds that never goes back. */
  reasons({ sources, modules, ringDrops }: Snapshot, now: number): string[] {
    const wrong = modules.flatMap(({ name, failure }) =>
      failure === undefined ? [] : [`module ${name} failed: ${failure}; it begins anew soon`],
    );
    for (const { name, capture } of sources) {
      if (!capture) continue;
      if (capture.state === "down")
        wrong.push(`capture: ${name} is down; nothing arrives until it is up`);
      if (capture.state === "gone")
        wrong.push(`capture: ${name} is gone; it is opened again once it is back`);
      const lost = this.#watch(name).note(capture.dropped, now);
      if (lost > 0)
        wrong.push(
          `capture: ${name}: the kernel dropped frames of late (${lost}); take more --workers or a larger --ring`,
        );
    }
    const lost = this.#records.note(ringDrops, now);
    if (lost > 0)
      wrong.push(
        `pipeline: flow records were dropped of late (${lost}), since detection is slower than capture`,
      );
    return wrong;
  }

  #watch(name: string): LossWatch {
    const known = this.#frames.get(name);
    if (known) return known;
    const watch = new LossWatch();
    this.#frames.set(name, watch);
    return watch;
  }
}
