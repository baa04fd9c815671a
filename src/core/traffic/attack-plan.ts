// SPDX-License-Identifier: BSD-3-Clause
import { type Actor, DONE } from "./calendar.ts";
import { Host } from "./host.ts";
import type { Office } from "./office.ts";
import type { Random } from "./rng.ts";
import type { Stage } from "./stage.ts";
import type { Attack } from "./truth.ts";

export const SECOND = 1_000_000;
export const V6_CHANCE = 0.25;

/** The span of time attacks have to fit in, in microseconds. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/** What the planning of an attack needs. */
export interface Field {
  readonly office: Office;
  readonly random: Random;
  readonly span: Span;
}

/** An attack that is planned: what it will have been, and how its first conversation is entered into the calendar. */
export interface Plan<Kind extends Attack = Attack> {
  readonly truth: Kind;
  readonly enter: (stage: Stage) => void;
}

/** Rising times within the span: an attack begins in its first half and has ended before its last fifth. */
export function moments(
  random: Random,
  span: Span,
  { count, seconds }: { count: number; seconds: number },
): number[] {
  const length = Math.min(seconds * SECOND, span.length / 4);
  const start = span.start + span.length * (0.08 + 0.45 * random.unit());
  return Array.from({ length: count }, (_, i) =>
    Math.floor(start + ((i + random.unit()) / count) * length),
  );
}

/** When an attack begins and when its last conversation does, for {@link Plan.truth}. */
export const limits = (times: readonly number[]): { firstMicros: number; lastMicros: number } => ({
  firstMicros: times[0]!,
  lastMicros: times.at(-1)!,
});

/** Begins the conversations of an attack, each at its time. */
export class Series implements Actor {
  readonly #times: readonly number[];
  readonly #begin: (now: number, index: number) => void;
  #index = 0;

  constructor(times: readonly number[], begin: (now: number, index: number) => void) {
    this.#times = times;
    this.#begin = begin;
  }

  act(now: number): number {
    this.#begin(now, this.#index++);
    return this.#times[this.#index] ?? DONE;
  }
}

/** Somebody in the office whose machine is not his alone any more; none of those with a habit of their own. */
export const insider = ({ office, random }: Field): Host => random.pick(office.clients.slice(4));

/** Somebody of the Internet (192.0.2/24 of RFC 5737). */
export const outsider = ({ random }: Field, number: number): Host =>
  new Host({
    ipv4: (192 << 24) | (2 << 8) | number,
    ipv6: [0x20010db8, 0xbad10000 | number, random.word(), random.word()],
    hopLimit: random.between(40, 58),
    delay: random.between(4000, 30_000),
  });
