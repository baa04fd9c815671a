// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import type { Table } from "../../core/state/table.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { type Flow, type Setup, shown } from "./fields.ts";
import { FAMILIES, IN } from "./indications.ts";
import { type Request, SHOWN } from "./request.ts";

const EVIDENCE_SLOTS = 256;
/** The row of a client's weaker requests to a server, beside those of the families. */
const PROBING = FAMILIES.length;
const RULES = [...FAMILIES, "probing"];
const FIELD_NAMES: ReadonlyMap<number, string> = new Map([
  [IN.url, "HTTP_REQUEST_URL"],
  [IN.agent, "HTTP_REQUEST_AGENT"],
  [IN.referer, "HTTP_REQUEST_REFERER"],
  [IN.host, "HTTP_REQUEST_HOST"],
  [IN.method, "HTTP_REQUEST_METHOD"],
]);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** What is known of each client, server and family. */
function columnsOf(state: Setup["state"], rows: number, indications: number) {
  return {
    first: state.column("first", "float64", rows),
    last: state.column("last", "float64", rows),
    /** Requests, and how many there were at the last alert. */
    count: state.column("count", "uint32", rows),
    announced: state.column("announced", "uint32", rows),
    /** Points of the strongest request, or of all different indications of weaker ones, and what it was in. */
    score: state.column("score", "uint32", rows),
    field: state.column("field", "uint8", rows),
    value: state.column("value", "uint8", rows * SHOWN),
    valueSize: state.column("valueSize", "uint8", rows),
    sourcePort: state.column("sourcePort", "uint16", rows),
    targetPort: state.column("targetPort", "uint16", rows),
    protocol: state.column("protocol", "uint8", rows),
    status: state.column("status", "uint16", rows),
    evidenceOf: state.column("evidenceOf", "int32", rows),
    /** Indications in weaker requests, a bit each. */
    met: state.column("met", "uint32", rows * Math.ceil(indications / 32)),
  };
}

/** Attacks under way, by client, server and family, and what is told of them. */
export class Attacks {
  readonly #settings: Setup["params"];
  readonly #out: Setup["out"];
  readonly #columns: ReturnType<typeof columnsOf>;
  readonly #evidence: Evidence;
  readonly #pairs: Table;
  readonly #words: number;

  constructor({ params, out, state }: Setup, indications: number) {
    const { pairsMax, idleTimeout } = params;
    const idle = idleTimeout * SECOND;
    this.#settings = params;
    this.#out = out;
    this.#words = Math.ceil(indications / 32);
    this.#columns = columnsOf(state, pairsMax, indications);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, shown);
    this.#pairs = state.table("pairs", {
      key: ["ip", "ip", "number"],
      rows: pairsMax,
      idle,
      onLeave: (row, why) => {
        const time = this.#pairs.touched(row) + (why === "idle" ? idle : 0);
        if (this.#columns.announced[row] !== 0) this.#announce(row, { closed: true, time });
      },
    });
  }

  expire(now: number): void {
    this.#pairs.expire(now);
  }

  /** Count a request with indications. */
  learn(request: Request, flow: Flow): void {
    const isStrong = request.total >= this.#settings.scoreMin;
    const family = request.strongest;
    const row = this.#rowOf(isStrong ? family : PROBING, flow);
    const { count, score, announced } = this.#columns;
    count[row] = count[row]! + 1;
    if (isStrong) {
      if (request.total > score[row]!) {
        score[row] = request.total;
        this.#show(row, request, flow);
      }
    } else {
      const points = this.#meet(row, request);
      if (points === 0) return;
      score[row] = score[row]! + points;
      this.#show(row, request, flow);
    }
    this.#keep(row, flow);
    if (!isStrong && score[row]! < this.#settings.probeMin) return;
    if (count[row]! >= announced[row]! * 2) this.#announce(row);
  }

  #rowOf(family: number, flow: Flow): number {
    const { first, last, count, announced, score, evidenceOf, met } = this.#columns;
    const { TIME_FIRST, TIME_LAST } = flow;
    const row = this.#pairs.upsertPairNumber(flow.SRC_IP, flow.DST_IP, family, TIME_LAST);
    if (this.#pairs.isNew) {
      first[row] = TIME_FIRST;
      last[row] = TIME_LAST;
      count[row] = 0;
      announced[row] = 0;
      score[row] = 0;
      evidenceOf[row] = -1;
      met.fill(0, row * this.#words, (row + 1) * this.#words);
    }
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    return row;
  }

  /** Points of the indications that are new to the row. */
  #meet(row: number, request: Request): number {
    const { met } = this.#columns;
    let points = 0;
    for (let i = 0; i < request.foundCount; i++) {
      const id = request.found[i]!;
      const word = row * this.#words + (id >>> 5);
      const bit = 1 << (id & 31);
      if ((met[word]! & bit) !== 0) continue;
      met[word] = met[word]! | bit;
      points += request.pointsOf(id);
    }
    return points;
  }

  #show(row: number, request: Request, flow: Flow): void {
    const { field, value, valueSize, sourcePort, targetPort, protocol, status } = this.#columns;
    const family = request.strongest;
    field[row] = request.fieldOf[family]!;
    valueSize[row] = request.shownSize[family]!;
    for (let i = 0; i < SHOWN; i++) value[row * SHOWN + i] = request.shown[family * SHOWN + i]!;
    sourcePort[row] = flow.SRC_PORT;
    targetPort[row] = flow.DST_PORT;
    protocol[row] = flow.PROTOCOL;
    status[row] = flow.HTTP_RESPONSE_STATUS_CODE;
  }

  #keep(row: number, flow: Flow): void {
    const { evidenceOf } = this.#columns;
    if (evidenceOf[row] === -1) evidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(evidenceOf[row]!, row, flow as never);
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const { first, last, count, announced, score, field, sourcePort, targetPort, protocol } =
      this.#columns;
    const { scoreMin, probeMin } = this.#settings;
    announced[row] = count[row]!;
    const [source, target] = [this.#pairs.ip(row, 0), this.#pairs.ip(row, 4)];
    const family = this.#pairs.number(row, 8);
    const rule = RULES[family]!;
    const limit = family === PROBING ? probeMin : scoreMin;
    const fieldName = FIELD_NAMES.get(field[row]!)!;
    const value = this.#value(row);
    this.#out.alerts.send(
      {
        SRC_IP: source,
        DST_IP: target,
        SRC_PORT: sourcePort[row]!,
        DST_PORT: targetPort[row]!,
        PROTOCOL: protocol[row]!,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
        EVENT_TIME: last[row]!,
        WAI_RULE: rule,
        WAI_MALICIOUS_FIELD: fieldName,
        WAI_MALICIOUS_VALUE: value,
      },
      {
        rule,
        key: `${source}>${target}:${rule}`,
        reason: `${source} sent ${requests(count[row]!)} with signs of an attack (${rule}) to ${target} port ${targetPort[row]}: ${score[row]} points (limit ${limit}), most in ${fieldName}: "${value}"${this.#answer(row)}`,
        observed: score[row]!,
        threshold: limit,
        flows: count[row]!,
        evidence: this.#evidence.flows(this.#columns.evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  #answer(row: number): string {
    const status = this.#columns.status[row]!;
    return status === 0 ? "" : `; the server answered ${status}`;
  }

  /** What was found, with all but printed ASCII as `\\x0a`, quotes and backslashes too. */
  #value(row: number): string {
    const { value, valueSize } = this.#columns;
    const bytes = value.subarray(row * SHOWN, row * SHOWN + valueSize[row]!);
    return Array.from(bytes, (byte) =>
      byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH
        ? `\\x${byte.toString(16).padStart(2, "0")}`
        : String.fromCharCode(byte),
    ).join("");
  }

  /** The stream ends: say what has come since the last alerts. */
  end(): void {
    const { announced, count } = this.#columns;
    this.#pairs.forEach((row) => {
      if (announced[row] !== 0 && announced[row] !== count[row]) this.#announce(row);
    });
  }
}

const requests = (count: number): string => (count === 1 ? "a request" : `${count} requests`);
