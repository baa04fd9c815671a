// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../core/alert.ts";
import { type Context, defineModule, type Handlers, param } from "../core/module.ts";
import { type Reader, template, uniflow } from "../core/unirec/template.ts";
import { SECOND } from "../core/unirec/time.ts";

const TCP = 6;
const SYN = 0x02;
const RST = 0x04;
/** EVENT_TYPE of a port scan across NEMEA. */
const PORT_SCAN = 1;
/** What all records of alerts have in common. */
const SAME = { PROTOCOL: TCP, EVENT_TYPE: PORT_SCAN };

/** Scans whose ports are counted one by one at once: a bitmap of 65,536 ports each, 8 MB in all. */
const BITMAPS = 1024;
const BITMAP_BYTES = 8192;
/** Suspects whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 512;

const flows = uniflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 TCP_FLAGS,
  uint32 PACKETS, time TIME_FIRST, time TIME_LAST
`);
const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 EVENT_TYPE,
  uint32 PORT_CNT, time TIME_FIRST, time TIME_LAST
`);

const params = {
  portsMax: param.count({
    default: 50,
    min: 2,
    max: 1024,
    about: "Distinct ports that raise an alert",
  }),
  packetsMax: param.count({
    default: 4,
    min: 1,
    about: "Flows with more packets are ordinary traffic",
  }),
  idleTimeout: param.seconds({
    default: 300,
    min: 1,
    about: "Forget a pair not seen for this long",
  }),
  pairsMax: param.count({
    default: 65_536,
    min: 16,
    max: 1 << 22,
    about: "Pairs of hosts watched at once",
  }),
  compat: param.compat(),
};
type Setup = Context<typeof params, { alerts: typeof alerts }>;
type Flow = Reader<typeof flows>;

export default defineModule({
  name: "vportscan",
  about: "Vertical port scan: one source tries many ports of one destination.",
  details: `
**Finds** a host that sends SYNs to many different TCP ports of another and gets no connection from them: unanswered,
refused, or answered and then reset by the scanner. IPv4 and IPv6.

**Counts** distinct ports of each (source, destination) pair. At \`portsMax\` it raises one event, which it then updates
at every doubling, when the scan ends and at the end of the stream.

**Evaded** by scanning slower than \`portsMax\` ports before a pause longer than \`idleTimeout\`, from many sources, or
by completing each connection.

**Tune** \`portsMax\` up where a scanner of your own polls hosts, or mute the event for that source.

**Deviates** from NEMEA's vportscan_detector, whose behaviour \`compat=nemea\` has: a port tried twice stays in the
set (the original takes it out, so scanning each port twice hides a scan); flows of SYN and RST count too; IPv6 is seen;
pairs are forgotten by the flows' time, not the machine's; the number of pairs is bounded.

**When it fires**: is the source a scanner you run? If not, look at what answered (evidence flows) and at what else the
source did.
`,
  replaces: "vportscan_detector",
  aliases: ["vportscan_detector"],
  rules: {
    scan: {
      id: 9_000_001,
      title: "Vertical TCP port scan",
      category: "Recon.Scanning",
      severity: 5,
      confidence: 0.9,
      techniques: ["T1046"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    return context.params.compat === "nemea" ? original(context) : scan(context);
  },
});

/** The distinct ports of each pair: a list up to the limit, a bitmap from there on. */
function portSets({ params: { portsMax, pairsMax }, state, count }: Setup) {
  const ports = state.column("ports", "uint16", pairsMax * portsMax);
  const bitmaps = state.column("bitmaps", "uint8", BITMAPS * BITMAP_BYTES);
  const bitmapOwner = state.column("bitmapOwner", "int32", BITMAPS);
  const bitmapOf = state.column("bitmapOf", "int32", pairsMax);
  const bitmapNext = state.column("bitmapNext", "uint32", 1);

  function list(row: number, listed: number, port: number): boolean {
    const start = row * portsMax;
    const end = start + listed;
    for (let i = start; i < end; i++) if (ports[i] === port) return false;
    ports[end] = port;
    if (listed + 1 === portsMax) takeBitmap(row);
    return true;
  }

  function mark(row: number, port: number): boolean {
    const bitmap = bitmapOf[row]!;
    // Given away to a newer scan: the count stands, which understates this one.
    if (bitmapOwner[bitmap] !== row + 1) return false;
    const at = bitmap * BITMAP_BYTES + (port >>> 3);
    const bit = 1 << (port & 7);
    if ((bitmaps[at]! & bit) !== 0) return false;
    bitmaps[at]! |= bit;
    return true;
  }

  function takeBitmap(row: number): void {
    const bitmap = bitmapNext[0]!++ % BITMAPS;
    if (bitmapOwner[bitmap] !== 0) count("bitmaps_reused");
    bitmapOwner[bitmap] = row + 1;
    bitmapOf[row] = bitmap;
    bitmaps.fill(0, bitmap * BITMAP_BYTES, (bitmap + 1) * BITMAP_BYTES);
    for (let i = row * portsMax; i < (row + 1) * portsMax; i++) mark(row, ports[i]!);
  }

  return {
    /** Add a port to a set of so many; returns whether it is new. */
    add: (row: number, size: number, port: number): boolean =>
      size < portsMax ? list(row, size, port) : mark(row, port),
    /** The pair is forgotten. */
    release(row: number): void {
      if (bitmapOwner[bitmapOf[row]!] === row + 1) bitmapOwner[bitmapOf[row]!] = 0;
    },
  };
}

function scan(context: Setup) {
  const { out, state } = context;
  const { portsMax, packetsMax, idleTimeout, pairsMax } = context.params;
  const ports = portSets(context);
  const portCount = state.column("portCount", "uint32", pairsMax);
  const announced = state.column("announced", "uint32", pairsMax); // ports in the last alert, 0 before it
  const first = state.column("first", "float64", pairsMax);
  const last = state.column("last", "float64", pairsMax);
  const lastPorts = state.column("lastPorts", "uint32", pairsMax); // of the last probe: source << 16 | destination
  const evidence = state.evidence("evidence", EVIDENCE_SLOTS, flows);
  const evidenceOf = state.column("evidenceOf", "int32", pairsMax);
  const pairs = state.table("pairs", {
    key: ["ip", "ip"],
    rows: pairsMax,
    idle: idleTimeout * SECOND,
    onLeave(row) {
      const time = pairs.touched(row) + idleTimeout * SECOND;
      if (announced[row] !== 0) announce(row, { closed: true, time });
      ports.release(row);
    },
  });
  const suspectAt = Math.ceil(portsMax / 2);

  function announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const [source, target] = [pairs.ip(row, 0), pairs.ip(row, 4)];
    const tried = portCount[row]!;
    announced[row] = tried;
    out.alerts.send(
      {
        SRC_IP: source,
        DST_IP: target,
        SRC_PORT: lastPorts[row]! >>> 16,
        DST_PORT: lastPorts[row]! & 0xffff,
        ...SAME,
        PORT_CNT: tried,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
      },
      {
        ...detailOf(String(source), String(target), tried, portsMax),
        evidence: evidence.flows(evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  function probe(flow: Flow): void {
    const { DST_PORT, TIME_FIRST, TIME_LAST } = flow;
    const row = pairs.upsertPair(flow.SRC_IP, flow.DST_IP, TIME_LAST);
    if (pairs.isNew) {
      portCount[row] = 0;
      announced[row] = 0;
      first[row] = TIME_FIRST;
      last[row] = TIME_LAST;
    }
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    lastPorts[row] = (flow.SRC_PORT << 16) | DST_PORT;
    if (!ports.add(row, portCount[row]!, DST_PORT)) return;
    const tried = ++portCount[row]!;
    if (tried < suspectAt) return;
    if (tried === suspectAt) evidenceOf[row] = evidence.take(row);
    evidence.keep(evidenceOf[row]!, row, flow as never);
    if (tried === portsMax || (tried > portsMax && tried >= announced[row]! * 2)) announce(row);
  }

  return {
    flows(flow: Flow) {
      while (flow.next()) if (isProbe(flow, packetsMax)) probe(flow);
    },
    everySecond: (now: number) => pairs.expire(now),
    end() {
      pairs.forEach((row) => {
        if (announced[row] !== 0 && announced[row] !== portCount[row]) announce(row);
      });
    },
  };
}

function detailOf(source: string, target: string, tried: number, limit: number): AlertDetail {
  return {
    key: `${source}>${target}`,
    reason: `${source} tried ${tried} TCP ports of ${target} without making a connection (limit ${limit})`,
    observed: tried,
    threshold: limit,
    source: { ip: source },
    target: { ip: target },
  };
}

/**
 * A connection tried and not made: SYN alone, or with the RST by which a scanner ends it.
 * Each scan detector has its own: one function that met both their cursors would be several times slower.
 */
function isProbe(flow: Flow, packetsMax: number): boolean {
  return flow.PROTOCOL === TCP && (flow.TCP_FLAGS & ~RST) === SYN && flow.PACKETS <= packetsMax;
}

/** Seconds between the original's prunings, and idle time after which it forgets a pair: both constants there. */
const PRUNE_PERIOD = 60;
const PRUNE_IDLE = 300;
/** Its threshold and its limit of packets, constants too. */
const ORIGINAL_PORTS = 50;
const ORIGINAL_PACKETS = 4;

/** vportscan_detector as it is: IPv4, a port seen twice leaves the set, the wall clock prunes. */
function original({ params: { pairsMax }, out, state, clock }: Setup) {
  const ports = state.column("ports", "uint16", pairsMax * ORIGINAL_PORTS);
  const portCount = state.column("portCount", "uint16", pairsMax);
  const first = state.column("first", "float64", pairsMax);
  const last = state.column("last", "float64", pairsMax);
  const modified = state.column("modified", "float64", pairsMax);
  const pairs = state.table("pairs", {
    key: ["ip", "ip"],
    rows: pairsMax,
    idle: Number.POSITIVE_INFINITY,
  });
  const wallSeconds = (): number => Math.floor(clock.now() / SECOND);
  let pruned = wallSeconds();

  /** Add the port to the pair's set, or take it out if it is there; returns the new size. */
  function toggle(row: number, port: number): number {
    const start = row * ORIGINAL_PORTS;
    const end = start + portCount[row]!;
    for (let i = start; i < end; i++) {
      if (ports[i] !== port) continue;
      ports[i] = ports[end - 1]!;
      return --portCount[row]!;
    }
    ports[end] = port;
    return ++portCount[row]!;
  }

  function probe(flow: Flow, wall: number): void {
    const { SRC_IP, DST_IP, SRC_PORT, DST_PORT, TIME_FIRST, TIME_LAST } = flow;
    const row = pairs.upsertPair(SRC_IP, DST_IP, TIME_LAST);
    if (pairs.isNew) portCount[row] = 0;
    if (portCount[row] === 0) {
      first[row] = TIME_FIRST;
      last[row] = TIME_LAST;
    }
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    modified[row] = wall;
    if (toggle(row, DST_PORT) < ORIGINAL_PORTS) return;
    const record = { SRC_IP, DST_IP, SRC_PORT, DST_PORT, ...SAME };
    const times = { TIME_FIRST: first[row]!, TIME_LAST: last[row]! };
    out.alerts.send({ ...record, PORT_CNT: ORIGINAL_PORTS, ...times });
    pairs.delete(row);
  }

  function prune(wall: number): void {
    if (wall - pruned <= PRUNE_PERIOD) return;
    pruned = wall;
    pairs.forEach((row) => {
      if (wall - modified[row]! > PRUNE_IDLE) pairs.delete(row);
    });
  }

  return {
    flows(flow: Flow) {
      const wall = wallSeconds();
      while (flow.next()) {
        if (!flow.SRC_IP.isV4 || !flow.DST_IP.isV4) continue;
        if (flow.PROTOCOL === TCP && flow.TCP_FLAGS === SYN && flow.PACKETS <= ORIGINAL_PACKETS)
          probe(flow, wall);
        prune(wall);
      }
    },
  };
}
