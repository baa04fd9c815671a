// SPDX-License-Identifier: BSD-3-Clause
import { SECOND } from "../../core/unirec/time.ts";
import { verdict } from "./histogram.ts";
import type { Flow, Setup } from "./index.ts";
import { parsePorts } from "./services.ts";

/** One direction of a pair: the flows kept, and sums of all of them. */
class Direction {
  readonly starts: number[] = [];
  readonly bytes: number[] = [];
  readonly packets: number[] = [];
  /** Where the next flow goes when as many are kept as may be. */
  #next = 0;
  flowsSum = 0;
  packetsSum = 0;
  bytesSum = 0;
  /** What of the sums was in the window when it was judged before. */
  flowsTold = 0;
  packetsTold = 0;
  bytesTold = 0;

  add(flow: Flow, most: number): void {
    const { BYTES, PACKETS } = flow;
    this.flowsSum++;
    this.packetsSum += PACKETS;
    this.bytesSum += BYTES;
    let at = this.starts.length;
    if (at >= most) {
      at = this.#next;
      this.#next = (at + 1) % most;
    }
    this.starts[at] = flow.TIME_FIRST;
    this.bytes[at] = BYTES;
    this.packets[at] = PACKETS;
  }

  /** Drop the flows that began more than so many seconds before one; the sums are those of the rest. */
  drop(second: number, seconds: number): void {
    const { starts, bytes, packets } = this;
    let kept = 0;
    this.packetsSum = 0;
    this.bytesSum = 0;
    for (let i = 0; i < starts.length; i++) {
      // Unsigned there: one that began later is dropped too.
      if ((second - Math.floor(starts[i]! / SECOND)) >>> 0 > seconds) continue;
      starts[kept] = starts[i]!;
      bytes[kept] = bytes[i]!;
      packets[kept] = packets[i]!;
      this.packetsSum += packets[i]!;
      this.bytesSum += bytes[i]!;
      kept++;
    }
    if (kept < starts.length) this.#next = 0;
    starts.length = kept;
    bytes.length = kept;
    packets.length = kept;
    this.flowsSum = kept;
    this.flowsTold = kept;
    this.packetsTold = this.packetsSum;
    this.bytesTold = this.bytesSum;
  }
}

class Pair {
  readonly queries = new Direction();
  readonly answers = new Direction();
  first: number;
  last: number;
  /** Its number among the pairs that were reported, 0 before. */
  event = 0;

  constructor(first: number, last: number) {
    this.first = first;
    this.last = last;
  }
}

/** amplification_detection as it is: pairs of server and client, judged by histograms when a window is full. */
export function original({ params, out, state, clock }: Setup) {
  const { window, step, itemsMax, victimsMax } = params;
  const [port = 0] = parsePorts(params.ports);
  const rows = state.table("victims", {
    key: ["ip", "ip"],
    rows: victimsMax,
    idle: Number.POSITIVE_INFINITY,
  });
  const pairs: Pair[] = [];
  let events = 0;
  let now = 0;
  let swept = clock.now();

  function receive(flow: Flow): void {
    const { SRC_IP, DST_IP, TIME_FIRST, TIME_LAST } = flow;
    const isQuery = flow.DST_PORT === port;
    if (!isQuery && flow.SRC_PORT !== port) return;
    now = Math.max(now, Math.floor(TIME_LAST / SECOND));
    const row = isQuery
      ? rows.upsertPair(DST_IP, SRC_IP, TIME_LAST)
      : rows.upsertPair(SRC_IP, DST_IP, TIME_LAST);
    const known = rows.isNew ? undefined : pairs[row];
    const pair = known ?? new Pair(TIME_FIRST, TIME_LAST);
    pairs[row] = pair;
    (isQuery ? pair.queries : pair.answers).add(flow, itemsMax);
    if (!known) return;
    pair.last = Math.max(pair.last, TIME_LAST);
    const second = Math.floor(TIME_LAST / SECOND);
    if (second - Math.floor(pair.first / SECOND) <= window) return;
    judge(row, pair, TIME_LAST);
    pair.queries.drop(second, window - step);
    pair.answers.drop(second, window - step);
    if (pair.queries.flowsSum + pair.answers.flowsSum === 0) rows.delete(row);
    pair.first = Math.min(TIME_FIRST, least(pair.queries.starts), least(pair.answers.starts));
  }

  function judge(row: number, pair: Pair, last: number): void {
    const { queries, answers } = pair;
    if (queries.flowsSum === 0 || answers.flowsSum === 0) return;
    const found = verdict(queries, answers, params);
    if (found === "no") return;
    // A big attack takes a number too, though it is only written to a log.
    if (pair.event === 0) pair.event = ++events;
    if (found === "big") return;
    out.alerts.send({
      SRC_IP: rows.ip(row, 0),
      DST_IP: rows.ip(row, 4),
      SRC_PORT: port,
      EVENT_ID: pair.event,
      REQ_FLOWS: queries.flowsSum - queries.flowsTold,
      REQ_PACKETS: queries.packetsSum - queries.packetsTold,
      REQ_BYTES: queries.bytesSum - queries.bytesTold,
      RSP_FLOWS: answers.flowsSum - answers.flowsTold,
      RSP_PACKETS: answers.packetsSum - answers.packetsTold,
      RSP_BYTES: answers.bytesSum - answers.bytesTold,
      TIME_FIRST: pair.first,
      TIME_LAST: last,
    });
  }

  /** Forget the pairs that have been silent for longer than the window. */
  function sweep(): void {
    rows.forEach((row) => {
      const pair = pairs[row];
      if (!pair || now - Math.floor(pair.last / SECOND) > window) rows.delete(row);
    });
  }

  return {
    flows(flow: Flow) {
      const wall = clock.now();
      while (flow.next()) {
        receive(flow);
        if (wall - swept < step * SECOND) continue;
        swept = wall;
        sweep();
      }
    },
  };
}

const least = (numbers: readonly number[]): number =>
  numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
