// SPDX-License-Identifier: BSD-3-Clause
import { writeFileSync } from "node:fs";
import { messageOf } from "../../core/errors.ts";
import type { Table } from "../../core/state/table.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { readEntries } from "./address-list.ts";
import { type Config, readConfig } from "./config.ts";
import { type Traits, treeSaysMiner } from "./decision-tree.ts";
import { FLAG, type Flow, type Setup, TCP } from "./fields.ts";
import { Pairs } from "./pairs.ts";
import { StratumProbe } from "./stratum-probe.ts";

/** Seconds an entry of a list lives, and between two looks for those that do not. */
const ENTRY_LIFE = 86_400;
const LIST_PERIOD = 3600;
/** Entries of a list, where the original's configuration allows more. */
const LIST_MAX = 65_536;
const MS = 1000;

/** Counts of each suspect, in whole seconds where they are times. */
function columnsOf(state: Setup["state"], rows: number) {
  const counter = (name: string) => state.column(name, "uint32", rows);
  const number = (name: string) => state.column(name, "float64", rows);
  return {
    flows: counter("flows"),
    ack: counter("ack"),
    syn: counter("syn"),
    rst: counter("rst"),
    fin: counter("fin"),
    req: counter("req"),
    packets: number("packets"),
    bytes: number("bytes"),
    first: number("first"),
    last: number("last"),
    /** When it was sent last, at first when it was seen first. */
    exported: number("exported"),
  };
}
type Columns = ReturnType<typeof columnsOf>;

/** Addresses and ports that stay for a day: from a file, and by what probes found. */
class DayList {
  readonly #table: Table;
  readonly #clock: Setup["clock"];
  readonly #file: string;

  constructor(name: string, { state, clock, warn }: Setup, from: string, to: string) {
    const idle = ENTRY_LIFE * SECOND;
    this.#clock = clock;
    this.#file = to;
    this.#table = state.table(name, { key: ["ip", "number"], rows: LIST_MAX, idle });
    for (const { ip, port } of readEntries(from, warn)) this.add(ip, port);
  }

  has(ip: Ip, port: number): boolean {
    return this.#table.findIpNumber(ip, port) >= 0;
  }

  add(ip: Ip, port: number): void {
    this.#table.upsertIpNumber(ip, port, this.#clock.now());
  }

  expire(): void {
    this.#table.expire(this.#clock.now());
  }

  /** Write it for the next run. */
  store(warn: Setup["warn"]): void {
    if (this.#file === "") return;
    const lines: string[] = [];
    this.#table.forEach((row) => {
      lines.push(`${this.#table.ip(row, 0)}:${this.#table.number(row, 4)}\n`);
    });
    try {
      writeFileSync(this.#file, lines.join(""));
    } catch (error) {
      warn(`miner: the list ${this.#file} is not kept: ${messageOf(error)}`);
    }
  }
}

/** Suspects, and the servers that are pools or not. */
class Suspects {
  readonly blacklist: DayList;
  readonly whitelist: DayList;
  readonly #config: Config;
  readonly #out: Setup["out"];
  readonly #columns: Columns;
  readonly #pairs: Pairs;

  constructor(context: Setup, config: Config) {
    const { params, state, out } = context;
    this.#config = config;
    this.#out = out;
    this.#columns = columnsOf(state, params.pairsMax);
    const [black, white] = [
      config.blacklist_file || params.blacklist,
      config.whitelist_file || params.whitelist,
    ];
    this.blacklist = new DayList("blacklist", context, black, config.store_blacklist_file);
    this.whitelist = new DayList("whitelist", context, white, config.store_whitelist_file);
    this.#pairs = new Pairs(state, {
      rows: params.pairsMax,
      idle: Number.POSITIVE_INFINITY,
      onLeave: (row) => this.#export(row),
    });
  }

  study(flow: Flow): void {
    const { DST_IP, DST_PORT, TCP_FLAGS } = flow;
    if (this.whitelist.has(DST_IP, DST_PORT)) return;
    // From a pool to its miner.
    if (this.blacklist.has(flow.SRC_IP, flow.SRC_PORT)) return;
    const isSuspicious = (TCP_FLAGS & ~FLAG.psh) === FLAG.ack;
    const isKnown = this.#pairs.find(flow.SRC_IP, DST_IP, DST_PORT) >= 0;
    if (isKnown || isSuspicious || this.blacklist.has(DST_IP, DST_PORT))
      this.#add(flow, isSuspicious);
  }

  #add(flow: Flow, isSuspicious: boolean): void {
    const { DST_PORT, TCP_FLAGS } = flow;
    const columns = this.#columns;
    const row = this.#pairs.upsert(flow.SRC_IP, flow.DST_IP, DST_PORT, flow.TIME_LAST);
    if (this.#pairs.isNew) {
      for (const column of Object.values(columns)) column[row] = 0;
      columns.first[row] = columns.exported[row] = Math.floor(flow.TIME_FIRST / SECOND);
    }
    columns.flows[row]!++;
    if (isSuspicious) columns.ack[row]!++;
    if (TCP_FLAGS & FLAG.syn) columns.syn[row]!++;
    if (TCP_FLAGS & FLAG.rst) columns.rst[row]!++;
    if (TCP_FLAGS & FLAG.fin) columns.fin[row]!++;
    if (flow.SRC_PORT > DST_PORT) columns.req[row]!++;
    columns.packets[row]! += flow.PACKETS;
    columns.bytes[row]! += flow.BYTES;
    columns.last[row] = Math.floor(flow.TIME_LAST / SECOND);
  }

  /** Look at all of them; `now` is the flows' time. */
  check(now: number): void {
    this.#pairs.forEach((row) => {
      this.#check(row, now);
    });
  }

  #check(row: number, now: number): void {
    const columns = this.#columns;
    const [server, port] = [this.#pairs.server(row), this.#pairs.port(row)];
    const isTrusted = this.whitelist.has(server, port);
    const isFlagged = this.blacklist.has(server, port) || (!isTrusted && this.#isFound(row));
    if (!isFlagged && (isTrusted || this.whitelist.has(server, port))) {
      this.#pairs.delete(row);
      return;
    }
    const isIdle = now - columns.last[row]! >= this.#config.timeout_inactive;
    const isDue = now - columns.exported[row]! >= this.#config.timeout_active;
    if (!isIdle && !isDue) return;
    if (isFlagged) this.#send(row);
    if (isIdle || !isFlagged) this.#pairs.delete(row);
    else columns.exported[row] = now;
  }

  /** Whether it is found out now; if not, its server is trusted for a day. */
  #isFound(row: number): boolean {
    const { score_treshold, stratum_check, conn_timeout, read_timeout } = this.#config;
    const active = this.#columns.last[row]! - this.#columns.exported[row]!;
    const traits = traitsOf(this.#columns, row, active);
    if (scoreOf(traits, active) < score_treshold || !treeSaysMiner(traits)) return false;
    if (!stratum_check) return false;
    const [server, port] = [this.#pairs.server(row), this.#pairs.port(row)];
    const probe = new StratumProbe(String(server), port);
    const isPool = probe.wait(conn_timeout * MS, read_timeout * MS) === "pool";
    (isPool ? this.blacklist : this.whitelist).add(server, port);
    return isPool;
  }

  /** Send all that talk to a pool. */
  exportAll(): void {
    this.#pairs.forEach((row) => {
      this.#export(row);
    });
  }

  #export(row: number): void {
    if (this.blacklist.has(this.#pairs.server(row), this.#pairs.port(row))) this.#send(row);
  }

  #send(row: number): void {
    const columns = this.#columns;
    this.#out.alerts.send({
      SRC_IP: this.#pairs.client(row),
      DST_IP: this.#pairs.server(row),
      DST_PORT: this.#pairs.port(row),
      TIME_FIRST: columns.first[row]! * SECOND,
      TIME_LAST: columns.last[row]! * SECOND,
      EVENT_SCALE: columns.packets[row]! >>> 0,
    });
  }
}

/** miner_detector as it is, in bounded tables: a check of all suspects each so many seconds of the wall clock. */
export function original(context: Setup) {
  const { params, state, clock, warn } = context;
  const config = readConfig(params.config);
  const suspects = new Suspects(context, config);
  const { blacklist, whitelist } = suspects;
  const wallSeconds = (): number => Math.floor(clock.now() / SECOND);
  /** Seconds: of the last check and the last look at the lists by the wall clock, and of the flows' time so far. */
  const times = state.column("times", "float64", 3);
  times.fill(wallSeconds(), 0, 2);

  /** Of several checks that are due without a flow between them, all but one would find nothing new. */
  function look(wall: number): void {
    if (wall - times[0]! >= config.check_period) {
      times[0] = wall;
      suspects.check(times[2]!);
    }
    if (wall - times[1]! >= LIST_PERIOD) {
      times[1] = wall;
      blacklist.expire();
      whitelist.expire();
    }
  }

  return {
    flows(flow: Flow) {
      look(wallSeconds());
      while (flow.next()) {
        times[2] = Math.max(times[2]!, Math.floor(flow.TIME_LAST / SECOND));
        if (flow.PROTOCOL === TCP) suspects.study(flow);
      }
    },
    /** The original runs on until a signal ends it, so a check comes after the last flow. */
    end() {
      suspects.check(times[2]!);
      suspects.exportAll();
      blacklist.store(warn);
      whitelist.store(warn);
    },
  };
}

const percent = (part: number, whole: number): number => Math.trunc((part / whole) * 100);

function traitsOf(columns: Columns, row: number, active: number): Traits {
  const flows = columns.flows[row]!;
  const packets = columns.packets[row]!;
  return {
    ppm: active < 5 ? -1 : Math.trunc(packets / (active / 60)),
    bpp: Math.trunc(columns.bytes[row]! / packets),
    ppf: Math.trunc(packets / flows),
    ack: percent(columns.ack[row]!, flows),
    syn: percent(columns.syn[row]!, flows),
    rst: percent(columns.rst[row]!, flows),
    fin: percent(columns.fin[row]!, flows),
    req: percent(columns.req[row]!, flows),
  };
}

/** The original's score: 13 at most. */
function scoreOf({ ack, bpp, ppf, ppm, req }: Traits, active: number): number {
  let score = 0;
  if (ack >= 80) score += 2;
  if (bpp > 50 && bpp < 130) score += 2;
  if (ppf < 10 || ppf > 20) score += 1;
  if (ppm >= 8 && ppm <= 30) score += 2;
  if (req > 90) score += 3;
  if (active >= 300) score += 3;
  return score;
}
