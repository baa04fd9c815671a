// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import { put } from "../../core/state/distinct-addresses.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { HyperLogLog, hashWord } from "../../core/state/hyper-log-log.ts";
import type { Table } from "../../core/state/table.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { DNS, type Flow, type Setup, shown, TUNNEL, TYPE } from "./fields.ts";
import type { Sighting } from "./sighting.ts";

/** Of random text in base 16 to 64 up to 16 % of the pairs of letters are usual, of names of hosts 33 % and more. */
export const USUAL_MAX = 0.25;
/** Bytes of a single name that is told of, with characters that no host has in its name. */
export const ODD_MIN = 40;
/** 2^8 registers: a standard error of 6.5 %, less up to some hundred. */
const BITS = 8;
const EVIDENCE_SLOTS = 256;
const DOMAIN_BYTES = 64;
/** What is counted of a client and a domain: names that were asked for, and answers. */
export const NAMES = 0;
export const ANSWERS = 1;
const SIDES = 2;
const UNPRINTED = /[^\x21-\x7e]/g;

/** What is known of each client and domain. */
function columnsOf(state: Setup["state"], rows: number) {
  const sides = rows * SIDES;
  return {
    /** Begin of the window; first and last time. */
    start: state.column("start", "float64", rows),
    first: state.column("first", "float64", rows),
    last: state.column("last", "float64", rows),
    domain: state.column("domain", "uint8", rows * DOMAIN_BYTES),
    domainSize: state.column("domainSize", "uint8", rows),
    /** The server that was asked last. */
    server: state.column("server", "int32", rows * 4),
    evidenceOf: state.column("evidenceOf", "int32", rows),
    /** Names that are odd on their own. */
    odd: state.column("odd", "uint32", rows),
    oddSize: state.column("oddSize", "uint32", rows),
    /** Bytes of names or answers, and how many there were, those among them that nobody read. */
    bytes: state.column("bytes", "float64", sides),
    count: state.column("count", "uint32", sides),
    unread: state.column("unread", "uint32", sides),
    pairs: state.column("letterPairs", "float64", sides),
    usual: state.column("usual", "float64", sides),
    /** Bytes at which it is worth a look; bytes in the last alert, 0 before it. */
    lookAt: state.column("lookAt", "float64", sides),
    announced: state.column("announced", "float64", sides),
    event: state.column("event", "uint32", sides),
    type: state.column("type", "uint16", sides),
  };
}

interface Told {
  readonly event: number;
  readonly type: number;
  readonly packets: number;
  readonly different: number;
  readonly detail: Omit<AlertDetail, "source" | "target" | "evidence">;
}
type Closing = Pick<AlertDetail, "closed" | "time">;

/** Counts what clients move below domains, by names and by answers, and tells of it. */
export class Tunnels {
  readonly #settings: Setup["params"];
  readonly #out: Setup["out"];
  readonly #columns: ReturnType<typeof columnsOf>;
  readonly #values: HyperLogLog;
  readonly #evidence: Evidence;
  readonly #events: Uint32Array;
  readonly #pairs: Table;
  readonly #window: number;

  constructor({ params, out, state }: Setup) {
    const { pairsMax, idleTimeout, window } = params;
    const idle = idleTimeout * SECOND;
    this.#settings = params;
    this.#out = out;
    this.#window = window * SECOND;
    this.#columns = columnsOf(state, pairsMax);
    this.#values = new HyperLogLog("values", pairsMax * SIDES, BITS, state);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, shown);
    this.#events = state.column("events", "uint32", 1);
    this.#pairs = state.table("pairs", {
      key: ["ip", "number", "number"],
      rows: pairsMax,
      idle,
      onLeave: (row, why) =>
        this.#close(row, this.#pairs.touched(row) + (why === "idle" ? idle : 0)),
    });
  }

  expire(now: number): void {
    this.#pairs.expire(now);
  }

  /** The row of a client and the domain of the name that was read. */
  rowOf(client: Ip, server: Ip, seen: Sighting, flow: Flow): number {
    const { start, first, last, announced } = this.#columns;
    const { TIME_FIRST, TIME_LAST } = flow;
    const { domainLow, domainHigh } = seen.names;
    const row = this.#pairs.upsertIpNumbers(client, domainLow, domainHigh, TIME_LAST);
    if (this.#pairs.isNew) this.#begin(row, seen, flow);
    else if (
      TIME_LAST - start[row]! > this.#window &&
      announced[row * SIDES] === 0 &&
      announced[row * SIDES + ANSWERS] === 0
    )
      this.#countAnew(row, flow);
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    put(this.#columns.server, row * 4, server);
    return row;
  }

  #begin(row: number, { bytes, domain: from, to }: Sighting, flow: Flow): void {
    const { last, odd, evidenceOf, domain, domainSize } = this.#columns;
    this.#countAnew(row, flow);
    last[row] = flow.TIME_LAST;
    odd[row] = 0;
    evidenceOf[row] = -1;
    const begin = Math.max(from, to - DOMAIN_BYTES);
    domainSize[row] = to - begin;
    for (let at = begin; at < to; at++) domain[row * DOMAIN_BYTES + at - begin] = bytes[at]!;
  }

  #countAnew(row: number, { TIME_FIRST, TIME_LAST }: Flow): void {
    const { start, first, bytes, count, unread, pairs, usual, lookAt, announced } = this.#columns;
    start[row] = TIME_LAST;
    first[row] = TIME_FIRST;
    for (let i = row * SIDES; i < (row + 1) * SIDES; i++) {
      bytes[i] = 0;
      count[i] = 0;
      unread[i] = 0;
      pairs[i] = 0;
      usual[i] = 0;
      announced[i] = 0;
      lookAt[i] = this.#settings.bytesMin;
      this.#values.clear(i);
    }
  }

  /** Count the name or the answer that was read, with what was not. */
  learn(row: number, side: number, { names, more, moreMean }: Sighting, flow: Flow): void {
    const { bytes, count, unread, pairs, usual, type, lookAt } = this.#columns;
    const i = row * SIDES + side;
    bytes[i] = bytes[i]! + names.payload + more * moreMean;
    count[i] = count[i]! + 1 + more;
    unread[i] = unread[i]! + more;
    pairs[i] = pairs[i]! + names.pairs;
    usual[i] = usual[i]! + names.usual;
    type[i] = flow.DNS_QTYPE;
    const isNew = this.#values.add(i, hashWord(names.low, names.payload));
    if ((!isNew && more === 0) || bytes[i]! * 2 < this.#settings.bytesMin) return;
    this.#keep(row, flow);
    if (bytes[i]! >= lookAt[i]!) this.#weigh(row, side);
  }

  /** Count a name that is odd on its own; the first one is told of. */
  learnOdd(row: number, { names }: Sighting, flow: Flow): void {
    const { odd, oddSize } = this.#columns;
    odd[row] = odd[row]! + 1;
    if (odd[row] !== 1) return;
    oddSize[row] = names.payload;
    this.#keep(row, flow);
    this.#tellOdd(row);
  }

  #keep(row: number, flow: Flow): void {
    const { evidenceOf } = this.#columns;
    if (evidenceOf[row] === -1) evidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(evidenceOf[row]!, row, flow as never);
  }

  #weigh(row: number, side: number): void {
    const { bytesMin, namesMin } = this.#settings;
    const { bytes, count, pairs, usual, lookAt, announced } = this.#columns;
    const i = row * SIDES + side;
    if (count[i]! < namesMin || usual[i]! > pairs[i]! * USUAL_MAX) return;
    const different = this.#different(i);
    const moved = this.#moved(i, different);
    const limit = Math.max(bytesMin, announced[i]! * 2);
    // A name of other length than the mean may move it by more than its bytes, hence half of what is missing.
    lookAt[i] = bytes[i]! + Math.abs(limit - moved) / 2;
    if (different >= namesMin && moved >= limit) this.#announce(row, side);
  }

  #different(i: number): number {
    const { count, unread } = this.#columns;
    return Math.min(count[i]!, this.#values.estimate(i) + unread[i]!);
  }

  /** Bytes of different names or answers: what was repeated carried nothing. */
  #moved(i: number, different: number): number {
    const { bytes, count } = this.#columns;
    return Math.round((bytes[i]! * different) / count[i]!);
  }

  #announce(row: number, side: number, closing: Closing = {}): void {
    const { first, last, count, pairs, usual, type, announced, event } = this.#columns;
    const { bytesMin } = this.#settings;
    const i = row * SIDES + side;
    const different = this.#different(i);
    const moved = this.#moved(i, different);
    if (announced[i] === 0) event[i] = this.#events[0]!++;
    announced[i] = moved;
    const client = String(this.#pairs.ip(row, 0));
    const domain = this.#domain(row);
    const seconds = Math.ceil((last[row]! - first[row]!) / SECOND);
    const share = Math.round((100 * usual[i]!) / Math.max(1, pairs[i]!));
    const did =
      side === NAMES
        ? `asked for about ${different} different names below ${domain}`
        : `got about ${different} different answers about ${domain}`;
    this.#send(row, {
      event: event[i]!,
      type: side === NAMES ? TUNNEL.request : answerType(type[i]!),
      packets: count[i]!,
      different: different / count[i]!,
      detail: {
        rule: side === NAMES ? "names" : "answers",
        key: `${client}>${domain}:${side === NAMES ? "names" : "answers"}`,
        reason: `${client} ${did}, with ${moved} bytes in ${seconds} s (limit ${bytesMin}); ${share} % of the pairs of letters are usual, of words it is 75 %, of random text up to 16 %`,
        observed: moved,
        threshold: bytesMin,
        flows: count[i]!,
        ...closing,
      },
    });
  }

  #tellOdd(row: number, closing: Closing = {}): void {
    const { odd, oddSize } = this.#columns;
    const client = String(this.#pairs.ip(row, 0));
    const domain = this.#domain(row);
    const asked = odd[row] === 1 ? "a name" : `${odd[row]} names`;
    this.#send(row, {
      event: this.#events[0]!++,
      type: TUNNEL.requestOther,
      packets: odd[row]!,
      different: 1,
      detail: {
        rule: "name",
        key: `${client}>${domain}:odd`,
        reason: `${client} asked for ${asked} below ${domain} with ${oddSize[row]} bytes that look encoded (limit ${ODD_MIN}), among them some that no host has in its name`,
        observed: oddSize[row]!,
        threshold: ODD_MIN,
        ...closing,
      },
    });
  }

  #send(row: number, { event, type, packets, different, detail }: Told): void {
    const { first, last, evidenceOf } = this.#columns;
    const client = this.#pairs.ip(row, 0);
    this.#out.alerts.send(
      {
        SRC_IP: client,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
        EVENT_ID: event,
        TUNNEL_CNT_PACKET: packets,
        TUNNEL_PER_NEW_DOMAIN: different,
        TUNNEL_PER_SUBDOMAIN: 1,
        TUNNEL_TYPE: type,
        TUNNEL_DOMAIN: this.#domain(row),
      },
      {
        source: { ip: String(client) },
        target: { ip: this.#server(row), port: DNS },
        evidence: this.#evidence.flows(evidenceOf[row]!, row),
        ...detail,
      },
    );
  }

  #server(row: number): string {
    const { server } = this.#columns;
    const address = new Address();
    address.w0 = server[row * 4]!;
    address.w1 = server[row * 4 + 1]!;
    address.w2 = server[row * 4 + 2]!;
    address.w3 = server[row * 4 + 3]!;
    return String(address);
  }

  #domain(row: number): string {
    const { domain, domainSize } = this.#columns;
    const at = row * DOMAIN_BYTES;
    return String.fromCharCode(...domain.subarray(at, at + domainSize[row]!))
      .toLowerCase()
      .replaceAll(UNPRINTED, (char) => `\\${String(char.charCodeAt(0)).padStart(3, "0")}`);
  }

  #close(row: number, time: number): void {
    const { announced, odd } = this.#columns;
    const closing = { closed: true, time };
    if (announced[row * SIDES] !== 0) this.#announce(row, NAMES, closing);
    if (announced[row * SIDES + ANSWERS] !== 0) this.#announce(row, ANSWERS, closing);
    if (odd[row] !== 0) this.#tellOdd(row, closing);
  }

  /** The stream ends: say what has come since the last alerts. */
  end(): void {
    const { announced, odd } = this.#columns;
    this.#pairs.forEach((row) => {
      for (let side = NAMES; side < SIDES; side++) {
        const i = row * SIDES + side;
        if (announced[i] !== 0 && announced[i] !== this.#moved(i, this.#different(i)))
          this.#announce(row, side);
      }
      if (odd[row]! > 1) this.#tellOdd(row);
    });
  }
}

const ANSWER_TYPES: ReadonlyMap<number, number> = new Map([
  [TYPE.txt, TUNNEL.responseTxt],
  [TYPE.cname, TUNNEL.responseCname],
  [TYPE.mx, TUNNEL.responseMx],
  [TYPE.ns, TUNNEL.responseNs],
]);

const answerType = (type: number): number => ANSWER_TYPES.get(type) ?? TUNNEL.responseOther;
