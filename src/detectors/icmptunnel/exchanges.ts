// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import type { Table } from "../../core/state/table.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { type Flow, type Setup, shown } from "./fields.ts";

/** What speaks for data in an exchange; a bit set. */
export const SIGN = {
  /** A packet, or a tunnel's mark, lies in the data. */
  packet: 1,
  /** An answer had other data than the request of its number. */
  altered: 2,
  /** More came back than was sent. */
  excess: 4,
  /** Sizes vary on both sides, and not alike. */
  unequal: 8,
  /** More answers than requests. */
  unasked: 16,
  /** The filling of the data changes. */
  changing: 32,
} as const;
/** What each is worth, by its bit, and how it is said. */
const POINTS = [3, 2, 2, 1, 1, 1];
const WORDS = [
  "packets lie in the data",
  "answers have other data than their requests",
  "more bytes came back than were sent",
  "sizes vary, and differently each way",
  "there are more answers than requests",
  "the data changes",
];
const POINTS_MIN = 2;

/** Bytes that answers may have beyond requests: of a packet whose request was in the slice before. */
const EXCESS = 1600;
/** Answers beyond requests that are chance: of slices, of duplicates. */
const UNASKED = { share: 1.25, count: 10 };
/** Packets each way from which on sizes are compared. */
const COMPARED_MIN = 20;
/** Mean sizes that differ by no more than this are equal. */
const ALIKE = { share: 0.05, bytes: 4 };
/** Changes of the filling that are no change of the program. */
const CHANGES_MIN = 3;
/** Flows with less and no sign are a ping or two, of which there are many. */
const PACKETS_MIN = 3;

const EVIDENCE_SLOTS = 256;
const UINT32_MAX = 0xffff_ffff;

function columnsOf(state: Setup["state"], rows: number) {
  const number = (name: string) => state.column(name, "float64", rows);
  return {
    requests: number("requests"),
    answers: number("answers"),
    bytesUp: number("bytesUp"),
    bytesDown: number("bytesDown"),
    first: number("first"),
    last: number("last"),
    /** Packets in the last alert, 0 before it, and its signs. */
    announced: number("announced"),
    told: state.column("told", "uint8", rows),
    signs: state.column("signs", "uint8", rows),
    protocol: state.column("protocol", "uint8", rows),
    filling: state.column("filling", "int32", rows),
    changes: state.column("changes", "uint32", rows),
    /** Source and target of an IPv4 packet in the data; 0 without one. */
    inner: state.column("inner", "uint32", rows * 2),
    evidenceOf: state.column("evidenceOf", "int32", rows),
  };
}

/** What a flow shows: filled anew for each. */
export class Look {
  /** Of {@link SIGN}. */
  signs = 0;
  /** Whether the flow's source sends the requests. */
  isForward = true;
  filling = 0;
  innerSource = 0;
  innerTarget = 0;
}

/** Pairs of hosts that exchange echo messages. */
export class Exchanges {
  readonly #settings: Setup["params"];
  readonly #out: Setup["out"];
  readonly #columns: ReturnType<typeof columnsOf>;
  readonly #evidence: Evidence;
  readonly #pairs: Table;

  constructor({ params, out, state }: Setup) {
    const idle = params.idleTimeout * SECOND;
    this.#settings = params;
    this.#out = out;
    this.#columns = columnsOf(state, params.pairsMax);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, shown);
    this.#pairs = state.table("pairs", {
      key: ["ip", "ip"],
      rows: params.pairsMax,
      idle,
      onLeave: (row, why) => {
        if (this.#columns.announced[row] === 0) return;
        const ended = why === "idle" ? { time: this.#pairs.touched(row) + idle } : {};
        this.#announce(row, { closed: true, ...ended });
      },
    });
  }

  add(client: Ip, server: Ip, flow: Flow, look: Look): void {
    if (look.signs === 0 && flow.PACKETS + flow.PACKETS_REV < PACKETS_MIN) return;
    const row = this.#row(client, server, flow);
    this.#count(row, flow, look);
    this.#note(row, look);
    const { signs, announced, told } = this.#columns;
    if (pointsOf(signs[row]!) < POINTS_MIN) return;
    if (signs[row] !== 0 && (look.signs !== 0 || announced[row] === 0)) this.#keep(row, flow);
    const packets = this.#packets(row);
    if (packets < this.#settings.packetsMin) return;
    const isStronger = (signs[row]! & ~told[row]! & SIGN.packet) !== 0;
    if (announced[row] === 0 || isStronger || packets >= announced[row]! * 2) this.#announce(row);
  }

  #row(client: Ip, server: Ip, { TIME_FIRST, TIME_LAST, PROTOCOL }: Flow): number {
    const columns = this.#columns;
    const { first, last } = columns;
    const row = this.#pairs.upsertPair(client, server, TIME_LAST);
    if (this.#pairs.isNew) {
      const { requests, answers, bytesUp, bytesDown, announced, told } = columns;
      const { signs, filling, changes, inner } = columns;
      for (const column of [requests, answers, bytesUp, bytesDown, announced]) column[row] = 0;
      told[row] = signs[row] = filling[row] = changes[row] = 0;
      inner[row * 2] = inner[row * 2 + 1] = 0;
      columns.evidenceOf[row] = -1;
      columns.protocol[row] = PROTOCOL;
      first[row] = TIME_FIRST;
      last[row] = TIME_LAST;
    }
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    return row;
  }

  #count(row: number, flow: Flow, look: Look): void {
    const { requests, answers, bytesUp, bytesDown, signs } = this.#columns;
    const { PACKETS, PACKETS_REV, BYTES, BYTES_REV } = flow;
    const { isForward } = look;
    requests[row]! += isForward ? PACKETS : PACKETS_REV;
    answers[row]! += isForward ? PACKETS_REV : PACKETS;
    bytesUp[row]! += isForward ? BYTES : BYTES_REV;
    bytesDown[row]! += isForward ? BYTES_REV : BYTES;
    const up = requests[row]!;
    const down = answers[row]!;
    if (down <= up + 2 && bytesDown[row]! > bytesUp[row]! + EXCESS) signs[row]! |= SIGN.excess;
    if (up > 0 && down > up * UNASKED.share + UNASKED.count) signs[row]! |= SIGN.unasked;
    if (PACKETS >= COMPARED_MIN && PACKETS_REV >= COMPARED_MIN && isUnequal(flow))
      signs[row]! |= SIGN.unequal;
  }

  #note(row: number, { signs: found, filling: now, innerSource, innerTarget }: Look): void {
    const { signs, filling, changes, inner } = this.#columns;
    signs[row]! |= found;
    if (now !== 0) {
      if (filling[row] !== 0 && filling[row] !== now && ++changes[row]! >= CHANGES_MIN)
        signs[row]! |= SIGN.changing;
      filling[row] = now;
    }
    if (innerSource === 0 || inner[row * 2] !== 0) return;
    inner[row * 2] = innerSource;
    inner[row * 2 + 1] = innerTarget;
  }

  #keep(row: number, flow: Flow): void {
    const { evidenceOf } = this.#columns;
    if (evidenceOf[row]! < 0) evidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(evidenceOf[row]!, row, flow as never);
  }

  #packets(row: number): number {
    return this.#columns.requests[row]! + this.#columns.answers[row]!;
  }

  expire(now: number): void {
    this.#pairs.expire(now);
  }

  end(): void {
    this.#pairs.forEach((row) => {
      const { announced } = this.#columns;
      if (announced[row] !== 0 && announced[row] !== this.#packets(row)) this.#announce(row);
    });
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { requests, answers, bytesUp, bytesDown, first, last } = this.#columns;
    const { announced, told, signs, protocol, evidenceOf } = this.#columns;
    const { packetsMin } = this.#settings;
    const client = this.#pairs.ip(row, 0);
    const server = this.#pairs.ip(row, 4);
    const packets = this.#packets(row);
    announced[row] = packets;
    told[row] = signs[row]!;
    const hasPackets = (signs[row]! & SIGN.packet) !== 0;
    this.#out.alerts.send(
      {
        SRC_IP: client,
        DST_IP: server,
        PROTOCOL: protocol[row]!,
        PACKETS: Math.min(requests[row]!, UINT32_MAX),
        PACKETS_REV: Math.min(answers[row]!, UINT32_MAX),
        BYTES: bytesUp[row]!,
        BYTES_REV: bytesDown[row]!,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
      },
      {
        rule: hasPackets ? "packets" : "data",
        key: `${client}>${server}`,
        reason:
          `${client} sent ${server} ${requests[row]} echo requests of ${mean(bytesUp[row]!, requests[row]!)} bytes ` +
          `and got ${answers[row]} answers of ${mean(bytesDown[row]!, answers[row]!)} ` +
          `(limit ${packetsMin} packets): ${this.#inWords(row)}`,
        confidence: hasPackets ? 0.95 : Math.min(0.9, 0.3 + 0.15 * pointsOf(signs[row]!)),
        observed: packets,
        threshold: packetsMin,
        source: { ip: String(client) },
        target: { ip: String(server) },
        packets,
        bytes: bytesUp[row]! + bytesDown[row]!,
        evidence: this.#evidence.flows(evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  #inWords(row: number): string {
    const { signs, inner } = this.#columns;
    const source = inner[row * 2]!;
    const found = WORDS.filter((_, i) => (signs[row]! & (1 << i)) !== 0).join("; ");
    if (source === 0) return found;
    const [from, to] = [source, inner[row * 2 + 1]!].map((v4) => new Address().setV4(v4));
    return `${found} (of ${from} for ${to})`;
  }
}

const mean = (bytes: number, packets: number): number =>
  packets === 0 ? 0 : Math.round(bytes / packets);

const pointsOf = (signs: number): number =>
  POINTS.reduce((sum, points, i) => sum + ((signs & (1 << i)) === 0 ? 0 : points), 0);

/** Packets of one size make a sum that their number divides. */
function isUnequal({ PACKETS, PACKETS_REV, BYTES, BYTES_REV }: Flow): boolean {
  if (BYTES % PACKETS === 0 || BYTES_REV % PACKETS_REV === 0) return false;
  const [up, down] = [BYTES / PACKETS, BYTES_REV / PACKETS_REV];
  return Math.abs(up - down) > ALIKE.share * Math.max(up, down) + ALIKE.bytes;
}
