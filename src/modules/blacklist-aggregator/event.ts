// SPDX-License-Identifier: BSD-3-Clause
import { SECOND } from "../../core/unirec/time.ts";
import { NOTHING, type Sent, type Sighting } from "./sightings.ts";

/** Most ports of an entry that an event names. */
export const PORTS_MAX = 100;
/** Ports above are those of clients, and say nothing of the service. */
export const SERVICE_PORT_MAX = 49_152;

/** All that was seen of an entry of a list in a window. */
export class Event {
  readonly targets = new Set<string>();
  readonly #of: Sighting;
  readonly #ports = new Set<number>();
  readonly #byEntry = { ...NOTHING };
  readonly #byTarget = { ...NOTHING };
  #first = Number.POSITIVE_INFINITY;
  #last = 0;

  constructor(of: Sighting) {
    this.#of = of;
  }

  /** Returns whether its port is told, or need not be; false when there are too many. */
  add({ target, port, byEntry, byTarget, first, last }: Sighting): boolean {
    this.targets.add(target);
    add(this.#byEntry, byEntry);
    add(this.#byTarget, byTarget);
    this.#first = Math.min(this.#first, first);
    this.#last = Math.max(this.#last, last);
    if (port === undefined || port > SERVICE_PORT_MAX || this.#ports.has(port)) return true;
    if (this.#ports.size === PORTS_MAX) return false;
    this.#ports.add(port);
    return true;
  }

  /** What is sent, in the words of those who read it. */
  message(minutes: number): object {
    const { entry, protocol, list } = this.#of;
    return {
      ...entry,
      ts_first: this.#first / SECOND,
      ts_last: this.#last / SECOND,
      protocol,
      source_ports: [...this.#ports],
      targets: [...this.targets],
      src_sent_bytes: this.#byEntry.bytes,
      src_sent_flows: this.#byEntry.flows,
      src_sent_packets: this.#byEntry.packets,
      tgt_sent_bytes: this.#byTarget.bytes,
      tgt_sent_flows: this.#byTarget.flows,
      tgt_sent_packets: this.#byTarget.packets,
      // A power of two, which a double holds exactly.
      blacklist_id: Number(list),
      agg_win_minutes: minutes,
    };
  }
}

function add(sum: { -readonly [K in keyof Sent]: Sent[K] }, more: Sent): void {
  sum.bytes += more.bytes;
  sum.flows += more.flows;
  sum.packets += more.packets;
}
