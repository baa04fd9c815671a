// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import type { Table } from "../../core/state/table.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { bytesText, type Flow, flows, type Setup } from "./fields.ts";

/** Flows that send less do not count: they are most of all flows, and little of all bytes. */
export const BULK = 32_768;
/** How much the latest window weighs: of a host all windows count, of a pair those in which it exchanged much. */
const HOST_WEIGHT = 0.1;
const PAIR_WEIGHT = 0.3;
const DAY = 86_400 * SECOND;
/** A backup comes once a week, or a month. */
const IDLE = 35 * DAY;
const EVIDENCE_SLOTS = 256;
const MEGABYTE = 1e6;

/** What is known of each host, and of each pair of a host and one outside. */
function columnsOf(state: Setup["state"], rows: number) {
  return {
    hostWindow: state.column("hostWindow", "int32", rows),
    hostSum: state.column("hostSum", "float64", rows),
    hostMean: state.column("hostMean", "float64", rows),
    pairWindow: state.column("pairWindow", "int32", rows),
    pairSum: state.column("pairSum", "float64", rows),
    /** 0 before the first window is over. */
    pairMean: state.column("pairMean", "float64", rows),
    /** Of the window: first and last flow, and how many. */
    pairFirst: state.column("pairFirst", "float64", rows),
    pairLast: state.column("pairLast", "float64", rows),
    pairFlows: state.column("pairFlows", "uint32", rows),
    /** What the last alert told of: bytes, 0 where no event is open, limit, and what is usual of the host. */
    told: state.column("told", "float64", rows),
    limit: state.column("limit", "float64", rows),
    usual: state.column("usual", "float64", rows),
    volumeEvidenceOf: state.column("volumeEvidenceOf", "int32", rows),
    start: state.column("start", "float64", 1),
  };
}

/** Bytes that hosts send to single peers outside, against what they have sent before. */
export class Volumes {
  readonly #out: Setup["out"];
  readonly #settings: Setup["params"];
  readonly #columns: ReturnType<typeof columnsOf>;
  readonly #window: number;
  readonly #floor: number;
  readonly #evidence: Evidence;
  readonly #hosts: Table;
  readonly #pairs: Table;

  constructor({ params, out, state }: Setup) {
    const rows = params.connectionsMax;
    this.#out = out;
    this.#settings = params;
    this.#window = params.window * SECOND;
    this.#floor = params.megabytesMin * MEGABYTE;
    this.#columns = columnsOf(state, rows);
    this.#evidence = state.evidence("volumeEvidence", EVIDENCE_SLOTS, flows);
    this.#hosts = state.table("hosts", { key: ["ip"], rows, idle: IDLE });
    this.#pairs = state.table("pairs", {
      key: ["ip", "ip"],
      rows,
      idle: IDLE,
      onLeave: (row, why) => {
        const time = this.#pairs.touched(row) + (why === "idle" ? IDLE : 0);
        if (this.#columns.told[row] !== 0) this.#announce(row, { closed: true, time });
      },
    });
  }

  /** A stream begins at `time`, unless one goes on. */
  begin(time: number): void {
    if (this.#columns.start[0] === 0) this.#columns.start[0] = time;
  }

  expire(now: number): void {
    this.#pairs.expire(now);
    this.#hosts.expire(now);
  }

  /** The stream ends: say what has come since the last alerts. */
  end(): void {
    const { told, pairSum } = this.#columns;
    this.#pairs.forEach((row) => {
      if (told[row] !== 0 && told[row] !== pairSum[row]) this.#announce(row);
    });
  }

  /** A host has sent bytes to one outside. */
  add(host: Ip, peer: Ip, bytes: number, flow: Flow): void {
    const { TIME_LAST } = flow;
    this.#pairs.expire(TIME_LAST);
    const window = Math.floor((TIME_LAST - this.#columns.start[0]!) / this.#window);
    const hostRow = this.#host(host, window, TIME_LAST);
    const row = this.#pair(peer, host, window, flow);
    const { hostSum, hostMean, pairSum, pairMean, pairLast, pairFlows, told, volumeEvidenceOf } =
      this.#columns;
    hostSum[hostRow]! += bytes;
    pairSum[row]! += bytes;
    pairFlows[row]!++;
    if (TIME_LAST > pairLast[row]!) pairLast[row] = TIME_LAST;
    if (pairSum[row]! * 2 < this.#floor) return;
    if (volumeEvidenceOf[row] === -1) volumeEvidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(volumeEvidenceOf[row]!, row, flow as never);
    if (window < this.#settings.learnWindows) return;
    const usual = Math.max(hostMean[hostRow]!, pairMean[row]!) * this.#settings.factor;
    const limit = Math.max(this.#floor, usual);
    if (pairSum[row]! < limit || pairSum[row]! < told[row]! * 2) return;
    this.#columns.limit[row] = limit;
    this.#columns.usual[row] = hostMean[hostRow]!;
    this.#announce(row);
  }

  #host(host: Ip, window: number, time: number): number {
    const { hostWindow, hostSum, hostMean } = this.#columns;
    const row = this.#hosts.upsertIp(host, time);
    if (this.#hosts.isNew) {
      hostWindow[row] = window;
      hostSum[row] = 0;
      hostMean[row] = 0;
    }
    const passed = window - hostWindow[row]!;
    if (passed <= 0) return row;
    const mean = hostMean[row]! + HOST_WEIGHT * (hostSum[row]! - hostMean[row]!);
    // Windows without anything count as well.
    hostMean[row] = mean * (1 - HOST_WEIGHT) ** (passed - 1);
    hostSum[row] = 0;
    hostWindow[row] = window;
    return row;
  }

  #pair(peer: Ip, host: Ip, window: number, flow: Flow): number {
    const { pairWindow, pairSum, pairMean, pairFirst, pairLast, pairFlows, told } = this.#columns;
    const row = this.#pairs.upsertPair(host, peer, flow.TIME_LAST);
    if (this.#pairs.isNew) {
      pairMean[row] = 0;
      told[row] = 0;
    } else if (window > pairWindow[row]!) {
      const time = this.#columns.start[0]! + (pairWindow[row]! + 1) * this.#window;
      if (told[row] !== 0) this.#announce(row, { closed: true, time });
      told[row] = 0;
      const mean = pairMean[row]!;
      const sum = pairSum[row]!;
      pairMean[row] = mean === 0 ? sum : mean + PAIR_WEIGHT * (sum - mean);
    } else return row;
    pairWindow[row] = window;
    pairSum[row] = 0;
    pairFirst[row] = flow.TIME_FIRST;
    pairLast[row] = flow.TIME_LAST;
    pairFlows[row] = 0;
    this.#columns.volumeEvidenceOf[row] = -1;
    return row;
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { pairSum, pairMean, pairFirst, pairLast, pairFlows, told, limit, usual } = this.#columns;
    const bytes = pairSum[row]!;
    told[row] = bytes;
    const host = this.#pairs.ip(row, 0);
    const peer = this.#pairs.ip(row, 4);
    const seconds = Math.ceil((pairLast[row]! - pairFirst[row]!) / SECOND);
    const before = pairMean[row] === 0 ? "nothing" : `some ${bytesText(pairMean[row]!)} at a time`;
    this.#out.alerts.send(
      {
        SRC_IP: host,
        DST_IP: peer,
        BYTES: bytes,
        DURATION: seconds,
        TIME_FIRST: pairFirst[row]!,
        TIME_LAST: pairLast[row]!,
      },
      {
        rule: "exfiltration",
        key: `${host}>${peer}:volume`,
        reason:
          `${host} has sent ${bytesText(bytes)} to ${peer} in ${seconds} s (limit ${bytesText(limit[row]!)}); ` +
          `it sends ${bytesText(usual[row]!)} to all hosts in ${this.#settings.window} s otherwise, and has sent this one ${before} before`,
        observed: bytes,
        threshold: limit[row]!,
        baseline: usual[row]!,
        source: { ip: String(host) },
        target: { ip: String(peer) },
        flows: pairFlows[row]!,
        bytes,
        evidence: this.#evidence.flows(this.#columns.volumeEvidenceOf[row]!, row),
        ...closing,
      },
    );
  }
}
