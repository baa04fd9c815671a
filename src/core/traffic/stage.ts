// SPDX-License-Identifier: BSD-3-Clause
import type { Actor, Calendar } from "./calendar.ts";
import type { FrameWriter } from "./frame-writer.ts";
import type { Random } from "./rng.ts";

/** What each actor works with. */
export interface Stage {
  readonly writer: FrameWriter;
  readonly calendar: Calendar;
  readonly random: Random;
}

/** Begins something again and again, at random times with a given mean between them. */
export class Arrivals implements Actor {
  readonly #random: Random;
  readonly #meanMicros: number;
  readonly #begin: (now: number) => void;
  #first = true;

  constructor(stage: Stage, meanMicros: number, begin: (now: number) => void) {
    this.#random = stage.random;
    this.#meanMicros = meanMicros;
    this.#begin = begin;
  }

  act(now: number): number {
    // Nobody begins at the first microsecond of the capture.
    if (this.#first) this.#first = false;
    else this.#begin(now);
    return now + 1 + this.#random.exponential(this.#meanMicros);
  }
}
