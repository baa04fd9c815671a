// SPDX-License-Identifier: BSD-3-Clause
import { type AlertDetail, EVIDENCE_MAX } from "../alert.ts";
import type { Evidence } from "../state/evidence.ts";
import type { StateStore } from "../state/state-store.ts";
import type { Table } from "../state/table.ts";
import { Address } from "../unirec/ip.ts";
import type { AnyReader } from "../unirec/reader.ts";
import type { Template } from "../unirec/template.ts";
import { bitmapOf, type ListBits } from "./list-sets.ts";
import { type SightingOptions, Sightings } from "./sightings.ts";

/** Bytes of an entry that are kept, to be shown. */
const TEXT_MAX = 255;
/** Events whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 512;
/** Two hashes of an entry are its place in the table of events, the same after a restart. */
const PRIMES = [0x0100_0193, 0x85eb_ca6b] as const;
const SEED = 0x811c_9dc5;
const UINT32_MAX = 0xffff_ffff;

/** A flow in which a host asked for what a list names. Filled anew for each. */
export class Meeting implements ListBits {
  readonly client = new Address();
  readonly server = new Address();
  /** The entry of the list, in lower case or not: bytes from `from` to `to`. */
  bytes: Uint8Array = new Uint8Array(0);
  from = 0;
  to = 0;
  low = 0;
  high = 0;
  packets = 0;
  octets = 0;
  first = 0;
  last = 0;
}

export interface NamedContactOptions extends SightingOptions {
  /** Microseconds after which an event without flows has ended. */
  readonly idle: number;
  /** What flows of evidence are. */
  readonly flows: Template;
  /** Tell of an event; `detail` is what is known of it here. */
  readonly announce: (row: number, detail: EventDetail) => void;
}

/** What the details of all such events have. */
export type EventDetail = Pick<AlertDetail, "closed" | "time" | "evidence"> &
  Required<Pick<AlertDetail, "observed" | "threshold" | "flows" | "packets" | "bytes" | "source">>;

/** Events of hosts and the listed names they ask for, one for each pair. */
export class NamedContacts {
  readonly #sightings: Sightings;
  readonly #rows: Table;
  readonly #options: NamedContactOptions;
  readonly #evidence: Evidence;
  readonly #evidenceOf: Int32Array;
  readonly #text: Uint8Array;
  readonly #length: Uint8Array;
  readonly #lists: Int32Array;
  /** The other side of the last flow. */
  readonly #server: Int32Array;

  constructor(state: StateStore, options: NamedContactOptions) {
    const { rows, idle, flows } = options;
    this.#options = options;
    this.#sightings = new Sightings(state, options);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, flows);
    this.#evidenceOf = state.column("evidenceOf", "int32", rows);
    this.#text = state.column("text", "uint8", rows * TEXT_MAX);
    this.#length = state.column("length", "uint8", rows);
    this.#lists = state.column("lists", "int32", rows * 2);
    this.#server = state.column("server", "int32", rows * 4);
    this.#rows = state.table("contacts", {
      key: ["ip", "number", "number"],
      rows,
      idle,
      onLeave: (row, why) => {
        if (!this.#sightings.isOpen(row)) return;
        const ended = why === "idle" ? { time: this.#rows.touched(row) + idle } : {};
        this.#tell(row, { closed: true, ...ended });
      },
    });
  }

  /** Count a flow; `cursor` stands at it. */
  count(meeting: Meeting, cursor: AnyReader): void {
    const { client, server, bytes, from, to, last } = meeting;
    const one = hash(bytes, from, to, PRIMES[0]);
    const row = this.#rows.upsertIpNumbers(client, one, hash(bytes, from, to, PRIMES[1]), last);
    if (this.#rows.isNew) {
      this.#sightings.clear(row);
      this.#evidenceOf[row] = this.#evidence.take(row);
      this.#keepText(row, meeting);
    }
    this.#lists[row * 2] = meeting.low;
    this.#lists[row * 2 + 1] = meeting.high;
    this.#server[row * 4] = server.w0;
    this.#server[row * 4 + 1] = server.w1;
    this.#server[row * 4 + 2] = server.w2;
    this.#server[row * 4 + 3] = server.w3;
    this.#sightings.add(row, meeting.packets, meeting.octets);
    if (this.#sightings.flows[row]! <= EVIDENCE_MAX)
      this.#evidence.keep(this.#evidenceOf[row]!, row, cursor);
    if (this.#sightings.extend(row, meeting.first, last)) this.#tell(row);
  }

  #keepText(row: number, { bytes, from, to }: Meeting): void {
    const length = Math.min(TEXT_MAX, to - from);
    for (let i = 0; i < length; i++) this.#text[row * TEXT_MAX + i] = bytes[from + i]!;
    this.#length[row] = length;
  }

  expire(now: number): void {
    this.#rows.expire(now);
  }

  /** The stream ends. */
  end(): void {
    this.#rows.forEach((row) => {
      if (this.#sightings.hasNews(row)) this.#tell(row);
    });
  }

  /** The listed name of an event. */
  name(row: number): string {
    const at = row * TEXT_MAX;
    const text = Buffer.from(this.#text.subarray(at, at + this.#length[row]!)).toString("latin1");
    return text.toLowerCase();
  }

  lists(row: number): ListBits {
    return { low: this.#lists[row * 2]!, high: this.#lists[row * 2 + 1]! };
  }

  /** What the records of all such events have: the host, the other side of its last flow, the sums. */
  record(row: number) {
    const { low, high } = this.lists(row);
    const server = new Address();
    server.w0 = this.#server[row * 4]!;
    server.w1 = this.#server[row * 4 + 1]!;
    server.w2 = this.#server[row * 4 + 2]!;
    server.w3 = this.#server[row * 4 + 3]!;
    return {
      SRC_IP: this.#rows.ip(row, 0),
      DST_IP: server,
      PACKETS: Math.min(this.#sightings.packets[row]!, UINT32_MAX),
      BYTES: this.#sightings.bytes[row]!,
      TIME_FIRST: this.#sightings.first[row]!,
      TIME_LAST: this.#sightings.last[row]!,
      BLACKLIST: bitmapOf(low, high),
    };
  }

  #tell(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { flows, packets, bytes } = this.#sightings;
    this.#sightings.tell(row);
    this.#options.announce(row, {
      observed: flows[row]!,
      threshold: this.#options.flowsMin,
      flows: flows[row]!,
      packets: packets[row]!,
      bytes: bytes[row]!,
      source: { ip: String(this.#rows.ip(row, 0)) },
      evidence: this.#evidence.flows(this.#evidenceOf[row]!, row),
      ...closing,
    });
  }
}

/** Of bytes without regard to the case of letters. */
function hash(bytes: Uint8Array, from: number, to: number, prime: number): number {
  let h = SEED;
  for (let i = from; i < to; i++) h = Math.imul(h ^ (bytes[i]! | 0x20), prime);
  return h ^ (h >>> 15);
}
