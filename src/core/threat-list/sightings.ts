// SPDX-License-Identifier: BSD-3-Clause
import type { StateStore } from "../state/state-store.ts";
import { SECOND } from "../unirec/time.ts";

const MINUTE = 60 * SECOND;

export interface SightingOptions {
  readonly rows: number;
  /** Flows that open an event. */
  readonly flowsMin: number;
  /** Microseconds that pass at least between two updates of an event. */
  readonly interval: number;
  /** Events opened in a minute at most, so that forged addresses do not make an alert each. */
  readonly opensMax: number;
  /** Told of events that were not opened. */
  readonly count: (counter: string) => void;
}

/**
 * What has been seen of each event: its flows, their sums and times, and when it is to be told of.
 *
 * It opens at `flowsMin` flows and is updated at doublings, not sooner than an interval after the last time: a talkative
 * pair of hosts costs some twenty alerts a day, not one a flow. In a minute in which too many have opened it is held, and
 * opens with a later flow.
 */
export class Sightings {
  readonly flows: Float64Array;
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  readonly first: Float64Array;
  readonly last: Float64Array;
  /** Flows at the last alert, 0 before it, and event time of it. */
  readonly #told: Float64Array;
  readonly #toldAt: Float64Array;
  /** The latest minute in which one opened, and how many did. */
  readonly #opened: Float64Array;
  readonly #options: SightingOptions;

  constructor(state: StateStore, options: SightingOptions) {
    const { rows } = options;
    this.flows = state.column("flows", "float64", rows);
    this.packets = state.column("packets", "float64", rows);
    this.bytes = state.column("bytes", "float64", rows);
    this.first = state.column("first", "float64", rows);
    this.last = state.column("last", "float64", rows);
    this.#told = state.column("told", "float64", rows);
    this.#toldAt = state.column("toldAt", "float64", rows);
    this.#opened = state.column("opened", "float64", 2);
    this.#options = options;
  }

  /** A row begins: its columns hold another's. */
  clear(row: number): void {
    this.flows[row] = 0;
    this.packets[row] = 0;
    this.bytes[row] = 0;
    this.first[row] = Number.POSITIVE_INFINITY;
    this.last[row] = Number.NEGATIVE_INFINITY;
    this.#told[row] = 0;
  }

  /** Count a flow. */
  add(row: number, packets: number, bytes: number): void {
    this.flows[row]!++;
    this.packets[row]! += packets;
    this.bytes[row]! += bytes;
  }

  /** Take in the flow's times; returns whether the event is to be told of now. */
  extend(row: number, first: number, last: number): boolean {
    if (first < this.first[row]!) this.first[row] = first;
    if (last > this.last[row]!) this.last[row] = last;
    const flows = this.flows[row]!;
    const told = this.#told[row]!;
    if (told === 0) return flows >= this.#options.flowsMin && this.#mayOpen(last);
    return flows >= told * 2 && this.last[row]! - this.#toldAt[row]! >= this.#options.interval;
  }

  #mayOpen(time: number): boolean {
    const minute = Math.floor(time / MINUTE);
    const opened = this.#opened;
    if (minute > opened[0]!) {
      opened[0] = minute;
      opened[1] = 0;
    }
    if (opened[1]! < this.#options.opensMax) {
      opened[1]!++;
      return true;
    }
    this.#options.count("events_held");
    return false;
  }

  /** The event has been told of. */
  tell(row: number): void {
    this.#told[row] = this.flows[row]!;
    this.#toldAt[row] = this.last[row]!;
  }

  isOpen(row: number): boolean {
    return this.#told[row] !== 0;
  }

  /** Whether flows have come since an open event was told of. */
  hasNews(row: number): boolean {
    return this.isOpen(row) && this.#told[row] !== this.flows[row];
  }
}

/** `1 flow`, `2 flows`. */
export const flowsText = (flows: number): string => `${flows} ${flows === 1 ? "flow" : "flows"}`;
