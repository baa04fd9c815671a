// SPDX-License-Identifier: BSD-3-Clause
import type { Clock } from "../core/clock.ts";
import { FrameBatch, type FrameHandler } from "../core/packet/frames.ts";
import type { FrameSource } from "../core/source.ts";
import { TrafficGenerator, type TrafficOptions } from "../core/traffic/generator.ts";
import type { Truth } from "../core/traffic/truth.ts";

/** Batches a step hands on: some 10,000 frames. */
const BATCHES = 40;
/** Seconds of a live round when not told, and most of the first one: its attacks begin within 16 s. */
const ROUND = 60;
const FIRST_ROUND = 30;
/** Milliseconds a live source sleeps when it has handed on what was due. */
const SLEEP_MS = 20;

export interface GeneratorOptions extends TrafficOptions {
  /**
   * Hand on each frame when its time has come, from now on and without end: `start` does not count, and `seconds` is the
   * length of a round, 60 when left out. Each round has its own attacks.
   */
  readonly live?: boolean;
}

/** The time that a live source keeps, microseconds since 1970, and how it waits. */
export interface Pace extends Clock {
  sleep(milliseconds: number): void;
}

/** The machine's time as it was at start, and steady from there: no clock that is set makes a gap. */
const steady: Pace = {
  now: () => Math.floor((performance.timeOrigin + performance.now()) * 1000),
  sleep: (milliseconds) => Bun.sleepSync(milliseconds),
};

/** Generated traffic with attacks inside: see core/traffic. */
export class GeneratorSource implements FrameSource {
  readonly kind = "generator";
  readonly name: string;
  readonly #generator: TrafficGenerator;
  readonly #frames = new FrameBatch();
  readonly #live: boolean;
  readonly #round: number;
  readonly #pace: Pace;

  /** @throws NemeanError ERR_USAGE when an option is out of its range */
  constructor({ live = false, ...options }: GeneratorOptions, pace: Pace = steady) {
    this.#live = live;
    this.#round = options.seconds ?? ROUND;
    this.#pace = pace;
    const seconds = Math.min(this.#round, FIRST_ROUND);
    this.#generator = new TrafficGenerator(
      live ? { ...options, seconds, start: pace.now() } : options,
    );
    this.name = `generated traffic (seed ${options.seed})`;
  }

  /** What the traffic contains; of live traffic, the round that is under way. */
  get truth(): Truth {
    return this.#generator.truth;
  }

  step(onFrames: FrameHandler): boolean {
    if (this.#live) {
      this.#stepLive(onFrames);
      return true;
    }
    for (let i = 0; i < BATCHES; i++) {
      if (!this.#generator.next(this.#frames)) return false;
      onFrames(this.#frames);
    }
    return true;
  }

  /** Hand on what is due, and sleep when that was all. */
  #stepLive(onFrames: FrameHandler): void {
    const now = this.#pace.now();
    for (let i = 0; i < BATCHES; i++) {
      if (this.#generator.next(this.#frames, now)) onFrames(this.#frames);
      else if (now >= this.#generator.end) this.#generator.goOn(this.#round);
      else {
        this.#pace.sleep(SLEEP_MS);
        return;
      }
    }
  }

  [Symbol.dispose](): void {}
}
