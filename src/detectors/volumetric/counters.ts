// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../../core/state/state-store.ts";
import { SECOND } from "../../core/unirec/time.ts";

/** Microseconds of a window. */
export const WINDOW = 4 * SECOND;
/** Windows that a record may be late: beyond that, the sender's clock was set back. */
export const LATE = 15;
/** Windows that a baseline has to stand on. */
const KNOWN_WINDOWS = 30;
/** Windows for which who was a suspect is one, the first of them included. */
const WARM = 2;
/** Times that a baseline looks back, after which silence has left a thousandth of it. */
const SILENT_TIMES = 7;

/** Where in a counter lies what: together it is a cache line. */
const AT = {
  window: 0,
  /** Packets and bytes of this window, as a rate over it. */
  packets: 1,
  bytes: 2,
  /** Datagrams that the host itself sent to who did not answer. */
  sent: 3,
  /** Weighted means of the windows before. */
  usualPackets: 4,
  usualBytes: 5,
  /** Windows for which it stays under suspicion. */
  warm: 6,
  /** Whether this window is part of a flood, and so not usual. */
  flooded: 7,
} as const;
const STRIDE = 8;

/** Packets and bytes of a window. */
export interface Limit {
  readonly packets: number;
  readonly bytes: number;
}

/**
 * What everybody receives of each vector in a window, and usually: in few counters, which several share. So one may tell of too much, never of too
 * little, and what it costs does not depend on how many there are. Whoever may be a victim is then looked at by itself.
 */
export class Counters {
  readonly #cells: Float64Array;
  readonly #mask: number;
  /** Number of the first window of all. */
  readonly #since: Float64Array;
  readonly #alpha: number;
  /** What so many silent windows leave of a mean: a power for each flow of a scan would cost as much as all the rest. */
  readonly #silences: Float64Array;

  /** @param rows rounded up to a power of two; the baseline looks back so many seconds */
  constructor(rows: number, baselineSeconds: number, state: StateStore) {
    const count = 2 ** Math.ceil(Math.log2(rows));
    this.#cells = state.column("counters", "float64", count * STRIDE);
    this.#mask = count - 1;
    this.#since = state.column("since", "float64", 1);
    this.#alpha = 1 - Math.exp(-WINDOW / SECOND / baselineSeconds);
    const listed = Math.ceil(SILENT_TIMES * (baselineSeconds / (WINDOW / SECOND)));
    this.#silences = new Float64Array(listed).map((_, i) => (1 - this.#alpha) ** i);
  }

  /** The counter of this hash, with its time come to a window. */
  at(hash: number, window: number): number {
    const at = (hash & this.#mask) * STRIDE;
    const later = window - this.#cells[at]!;
    if (later > 0 || later <= -LATE) this.#turn(at, window, later);
    return at;
  }

  add(at: number, packets: number, bytes: number): void {
    this.#cells[at + AT.packets]! += packets;
    this.#cells[at + AT.bytes]! += bytes;
  }

  addSent(at: number, packets: number): void {
    this.#cells[at + AT.sent]! += packets;
  }

  /** Whether this window or the one before is over the limit of suspects. */
  isWarm(at: number, limit: Limit): boolean {
    if (this.isOver(at, limit)) this.#cells[at + AT.warm] = WARM;
    return this.#cells[at + AT.warm] !== 0;
  }

  isOver(at: number, { packets, bytes }: Limit): boolean {
    return this.#cells[at + AT.packets]! >= packets || this.#cells[at + AT.bytes]! >= bytes;
  }

  /** This window is part of a flood. */
  flood(at: number): void {
    this.#cells[at + AT.flooded] = 1;
  }

  sent(at: number): number {
    return this.#cells[at + AT.sent]!;
  }

  /** Usual packets of a window: the mean of the time watched so far; 0 while that is too short. */
  usualPackets(at: number): number {
    return this.#usual(at, AT.usualPackets);
  }

  usualBytes(at: number): number {
    return this.#usual(at, AT.usualBytes);
  }

  #usual(at: number, what: number): number {
    const window = this.#cells[at]!;
    return this.isKnown(window) ? this.#cells[at + what]! / this.#weight(window) : 0;
  }

  /** Whether what is usual has been watched for long enough: two minutes. */
  isKnown(window: number): boolean {
    return window - this.#since[0]! >= KNOWN_WINDOWS;
  }

  /** What all windows so far weigh in a mean that began at 0. */
  #weight(window: number): number {
    return 1 - (1 - this.#alpha) ** (window - this.#since[0]!);
  }

  #turn(at: number, window: number, later: number): void {
    const cells = this.#cells;
    if (this.#since[0] === 0) this.#since[0] = window;
    if (later > 0 && cells[at] !== 0) this.#learn(at, later);
    cells[at + AT.warm] = later === 1 ? Math.max(0, cells[at + AT.warm]! - 1) : 0;
    cells[at + AT.packets] = 0;
    cells[at + AT.bytes] = 0;
    cells[at + AT.sent] = 0;
    cells[at + AT.flooded] = 0;
    cells[at] = window;
  }

  /** The window that was, and the silence of those since then, are usual, unless there was a flood. */
  #learn(at: number, later: number): void {
    const cells = this.#cells;
    const alpha = this.#alpha;
    // Beyond what is listed next to nothing is left.
    const silence = this.#silences[later - 1] ?? 0;
    let packets = cells[at + AT.usualPackets]!;
    let bytes = cells[at + AT.usualBytes]!;
    if (cells[at + AT.flooded] === 0) {
      packets += alpha * (cells[at + AT.packets]! - packets);
      bytes += alpha * (cells[at + AT.bytes]! - bytes);
    }
    cells[at + AT.usualPackets] = packets * silence;
    cells[at + AT.usualBytes] = bytes * silence;
  }
}
