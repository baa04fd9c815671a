// SPDX-License-Identifier: BSD-3-Clause
import { setImmediate as turn } from "node:timers/promises";

/** Steps between turns of the event loop, in which signals arrive. */
const STEPS = 16;

/**
 * A signal that comes again within this many milliseconds is the same one: a terminal sends Ctrl-C to all
 * processes of a group, and npm or timeout among them hand it on once more.
 */
const ECHO_MS = 500;

/** Whether SIGINT or SIGTERM has come. One more, later, ends the process at once. */
export class StopSignal {
  stopped = false;
  readonly #waiting: (() => void)[] = [];

  constructor() {
    let first = 0;
    const stop = (): void => {
      if (this.stopped && performance.now() - first > ECHO_MS) process.exit(130);
      if (this.stopped) return;
      first = performance.now();
      this.stopped = true;
      for (const resolve of this.#waiting) resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  }

  /** Resolves when a signal comes. */
  get wait(): Promise<void> {
    return this.stopped ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** Call `step` until it returns false or a signal comes, looking up now and then. */
export async function drive(
  step: () => boolean,
  signal: StopSignal,
  look: () => void,
): Promise<void> {
  for (let steps = 1; !signal.stopped && step(); steps++) {
    if (steps % STEPS !== 0) continue;
    look();
    // biome-ignore lint/performance/noAwaitInLoops: the turn of the event loop is the point.
    await turn();
  }
}
