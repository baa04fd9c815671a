// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../core/alert.ts";
import { type Context, defineModule, type Handlers, param } from "../core/module.ts";
import { DistinctAddresses, EXACT_MAX, holds, put } from "../core/state/distinct-addresses.ts";
import { Address } from "../core/unirec/ip.ts";
import { type Reader, template, uniflow } from "../core/unirec/template.ts";
import { SECOND } from "../core/unirec/time.ts";
import type { Ip } from "../core/unirec/types.ts";

const TCP = 6;
const SYN = 0x02;
const RST = 0x04;
/** EVENT_TYPE of a port scan across NEMEA; 2, the horizontal one, is never sent by the original. */
const PORT_SCAN = 1;
/** What all records of alerts have in common. */
const SAME = { PROTOCOL: TCP, EVENT_TYPE: PORT_SCAN };
/** Addresses that the alert's record names. */
const NAMED = 4;

/** Scans whose addresses are counted past the first ones, at once: 24 KB each, 12 MB in all. */
const DISTINCT_SLOTS = 512;
/** Suspects whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 512;

const flows = uniflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 DST_PORT, uint8 PROTOCOL, uint8 TCP_FLAGS,
  uint32 PACKETS, time TIME_FIRST, time TIME_LAST
`);
const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP0, ipaddr DST_IP1, ipaddr DST_IP2, ipaddr DST_IP3,
  uint16 DST_PORT, uint8 PROTOCOL, uint8 EVENT_TYPE, uint32 ADDR_CNT, uint32 ADDR_THRSD,
  time TIME_FIRST, time TIME_LAST
`);

const params = {
  addressesMax: param.count({
    default: 50,
    min: 2,
    max: 1024,
    about: "Distinct addresses that raise an alert",
    flag: "n",
  }),
  packetsMax: param.count({
    default: 8,
    min: 1,
    about: "Flows with more SYNs are none of a scan; systems try a connection up to 7 times",
  }),
  idleTimeout: param.seconds({
    default: 300,
    min: 1,
    about: "Forget a source and port not seen for this long",
    flag: "d",
  }),
  prunePeriod: param.seconds({
    default: 60,
    min: 0,
    about: "Only with `compat=nemea`: wall time between two searches for what is idle",
    flag: "p",
  }),
  scansMax: param.count({
    default: 65_536,
    min: 16,
    max: 1 << 22,
    about: "Pairs of source and port watched at once",
  }),
  compat: param.compat(),
};
type Setup = Context<typeof params, { alerts: typeof alerts }>;
type Flow = Reader<typeof flows>;

export default defineModule({
  name: "haddrscan",
  about: "Horizontal scan: one source tries the same TCP port of many addresses.",
  details: `
**Finds** a host that sends SYNs to one TCP port of many different addresses and gets no connection from them:
unanswered, refused, or answered and then reset by the scanner. IPv4 and IPv6. Worms and bots that look for their next
victim behave so, as do surveys of the Internet.

**Counts** distinct destinations of each (source, destination port). At \`addressesMax\` it raises one event, which it
then updates at every doubling, when the scan ends and at the end of the stream. The number is exact up to 1,024
addresses; beyond it is an estimate (HyperLogLog, standard error 1.6 %), and the reason says so.

**Evaded** by scanning fewer than \`addressesMax\` addresses before a pause longer than \`idleTimeout\`, from many
sources, on changing ports, or by completing each connection.

**Tune** \`addressesMax\` up where many peers are down at once (a monitoring system, a client of a peer-to-peer
network), or mute the event for that source. Memory: 73 MB at most as set by default, 52 MB of it 16 bytes for each of
\`scansMax\` x \`addressesMax\`; it is taken only as far as it is filled.

**Deviates** from NEMEA's haddrscan_detector, whose behaviour \`compat=nemea\` has: flows of up to \`packetsMax\`
packets count (the original takes exactly one, so a repeated SYN hides a scan), and those of SYN and RST; IPv6 is seen;
a limit above 255 works (the original counts in 8 bits); sources are forgotten by the flows' time, not the machine's;
the count goes on after the alert instead of starting anew; the end of a scan is an update, never an alert of no
addresses; the number of scans is bounded.

**When it fires**: is the source a scanner you run? If it is one of your hosts, isolate it and see what it was sent before;
if not, look for the addresses that answered (evidence flows, then all flows of that source).
`,
  replaces: "haddrscan_detector",
  aliases: ["haddrscan_detector"],
  rules: {
    scan: {
      id: 9_000_002,
      title: "Horizontal TCP scan",
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

/** What is known of each scan. */
function columnsOf(state: Setup["state"], rows: number, listed: number) {
  return {
    /** The first addresses: enough to decide, and to name in the record. */
    addresses: state.column("addresses", "int32", rows * listed * 4),
    addressCount: state.column("addressCount", "uint32", rows),
    /** Addresses in the last alert, 0 before it. */
    announced: state.column("announced", "uint32", rows),
    first: state.column("first", "float64", rows),
    last: state.column("last", "float64", rows),
    distinctOf: state.column("distinctOf", "int32", rows),
    evidenceOf: state.column("evidenceOf", "int32", rows),
  };
}

function scan({ params: settings, out, state, count }: Setup) {
  const { addressesMax, packetsMax, idleTimeout, scansMax } = settings;
  const listed = Math.max(addressesMax, NAMED);
  const columns = columnsOf(state, scansMax, listed);
  const { addresses, addressCount, announced, first, last, distinctOf, evidenceOf } = columns;
  const distinct = new DistinctAddresses("distinct", DISTINCT_SLOTS, state, count);
  const evidence = state.evidence("evidence", EVIDENCE_SLOTS, flows);
  const scans = state.table("scans", {
    key: ["ip", "number"],
    rows: scansMax,
    idle: idleTimeout * SECOND,
    onLeave(row) {
      const time = scans.touched(row) + idleTimeout * SECOND;
      if (announced[row] !== 0) announce(row, { closed: true, time });
      if (addressCount[row]! >= listed) distinct.release(distinctOf[row]!, row);
    },
  });
  const suspectAt = Math.ceil(addressesMax / 2);

  function announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const source = scans.ip(row, 0);
    const port = scans.number(row, 4);
    const tried = addressCount[row]!;
    announced[row] = tried;
    out.alerts.send(
      {
        SRC_IP: source,
        DST_PORT: port,
        ...SAME,
        ADDR_CNT: tried,
        ADDR_THRSD: addressesMax,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
        ...named(tried, (i) => addressAt(addresses, row * listed + i)),
      },
      {
        ...detailOf(String(source), port, tried, addressesMax),
        evidence: evidence.flows(evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  /** Count the address below the length of the list; returns the new count. */
  function list(row: number, tried: number, ip: Ip): number {
    const start = row * listed;
    const end = start + tried;
    for (let i = start; i < end; i++) if (holds(addresses, i * 4, ip)) return tried;
    put(addresses, end * 4, ip);
    if (tried + 1 < listed) return tried + 1;
    const slot = distinct.take(row);
    distinctOf[row] = slot;
    for (let i = start; i <= end; i++) distinct.add(slot, row, addressAt(addresses, i));
    return listed;
  }

  function probe(flow: Flow): void {
    const { DST_IP, TIME_FIRST, TIME_LAST } = flow;
    const row = scans.upsertIpNumber(flow.SRC_IP, flow.DST_PORT, TIME_LAST);
    if (scans.isNew) {
      addressCount[row] = 0;
      announced[row] = 0;
      first[row] = TIME_FIRST;
      last[row] = TIME_LAST;
    }
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    const former = addressCount[row]!;
    const tried =
      former < listed ? list(row, former, DST_IP) : distinct.add(distinctOf[row]!, row, DST_IP);
    if (tried <= former) return; // Not new, or the slot was given away and the count stands still.
    addressCount[row] = tried;
    if (tried < suspectAt) return;
    if (tried === suspectAt) evidenceOf[row] = evidence.take(row);
    evidence.keep(evidenceOf[row]!, row, flow as never);
    if (tried < addressesMax) return;
    if (former < addressesMax || tried >= announced[row]! * 2) announce(row);
  }

  return {
    flows(flow: Flow) {
      while (flow.next()) if (isProbe(flow, packetsMax)) probe(flow);
    },
    everySecond: (now: number) => scans.expire(now),
    end() {
      scans.forEach((row) => {
        if (announced[row] !== 0 && announced[row] !== addressCount[row]) announce(row);
      });
    },
  };
}

/**
 * A connection tried and not made: SYN alone, or with the RST by which a scanner ends it.
 * Each scan detector has its own: one function that met both their cursors would be several times slower.
 */
function isProbe(flow: Flow, packetsMax: number): boolean {
  return flow.PROTOCOL === TCP && (flow.TCP_FLAGS & ~RST) === SYN && flow.PACKETS <= packetsMax;
}

function detailOf(source: string, port: number, tried: number, limit: number): AlertDetail {
  const number = tried > EXACT_MAX ? `an estimated ${tried} (standard error 1.6 %)` : `${tried}`;
  return {
    key: `${source}>*:${port}`,
    reason: `${source} tried TCP port ${port} of ${number} addresses without making a connection (limit ${limit})`,
    observed: tried,
    threshold: limit,
    source: { ip: source },
    target: { port, count: tried },
  };
}

/** An address of a list of words. */
function addressAt(words: Int32Array, i: number): Address {
  const address = new Address();
  address.w0 = words[i * 4]!;
  address.w1 = words[i * 4 + 1]!;
  address.w2 = words[i * 4 + 2]!;
  address.w3 = words[i * 4 + 3]!;
  return address;
}

/** DST_IP0 to DST_IP3 from the first `count` addresses; the others are `::`. */
function named(count: number, address: (i: number) => Address) {
  const at = (i: number): Address => (i < count ? address(i) : new Address());
  return { DST_IP0: at(0), DST_IP1: at(1), DST_IP2: at(2), DST_IP3: at(3) };
}

/** haddrscan_detector as it is: IPv4, one packet, the set starts anew at each alert, the wall clock prunes. */
function original({ params: settings, out, state, clock }: Setup) {
  const { addressesMax, idleTimeout, prunePeriod, scansMax } = settings;
  /** It counts in 8 bits, which never reach a limit above 255. */
  const counted = Math.min(addressesMax, 256);
  const addresses = state.column("addresses", "uint32", scansMax * counted);
  const addressCount = state.column("addressCount", "uint8", scansMax);
  const alerted = state.column("alerted", "uint8", scansMax);
  const first = state.column("first", "float64", scansMax);
  const last = state.column("last", "float64", scansMax);
  const modified = state.column("modified", "float64", scansMax);
  const idle = Number.POSITIVE_INFINITY;
  const scans = state.table("scans", {
    key: ["ip", "number"],
    rows: scansMax,
    idle,
    onLeave: trail,
  });
  const wallSeconds = (): number => Math.floor(clock.now() / SECOND);
  let pruned = wallSeconds();

  function alert(row: number): void {
    const found = addressCount[row]!;
    const address = (i: number): Address =>
      new Address().setV4(i < found ? addresses[row * counted + i]! : 0);
    out.alerts.send({
      SRC_IP: scans.ip(row, 0),
      DST_PORT: scans.number(row, 4),
      ...SAME,
      ADDR_CNT: found,
      ADDR_THRSD: addressesMax,
      TIME_FIRST: first[row]!,
      TIME_LAST: last[row]!,
      // Of an emptied set all four are named, as 0.0.0.0.
      ...named(found === 0 ? NAMED : found, address),
    });
  }

  /** A scan that has raised an alert raises another one when it is forgotten, if of no addresses. */
  function trail(row: number): void {
    if (alerted[row] !== 0) alert(row);
  }

  function probe(flow: Flow, wall: number): void {
    const { DST_IP, TIME_FIRST, TIME_LAST } = flow;
    const row = scans.upsertIpNumber(flow.SRC_IP, flow.DST_PORT, TIME_LAST);
    if (scans.isNew) {
      addressCount[row] = 0;
      alerted[row] = 0;
    }
    if (addressCount[row] === 0) {
      first[row] = TIME_FIRST;
      last[row] = TIME_LAST;
    }
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    modified[row] = wall;
    const start = row * counted;
    const end = start + addressCount[row]!;
    for (let i = start; i < end; i++) if (addresses[i] === DST_IP.v4) return;
    addresses[end] = DST_IP.v4;
    addressCount[row]!++;
    if (addressCount[row]! < addressesMax) return;
    alert(row);
    alerted[row] = 1;
    addressCount[row] = 0;
  }

  function prune(wall: number): void {
    if (wall - pruned <= prunePeriod) return;
    pruned = wall;
    scans.forEach((row) => {
      if (wall - modified[row]! <= idleTimeout) return;
      trail(row);
      scans.delete(row);
    });
  }

  return {
    flows(flow: Flow) {
      const wall = wallSeconds();
      while (flow.next()) {
        if (!flow.SRC_IP.isV4 || !flow.DST_IP.isV4) continue;
        if (flow.PROTOCOL === TCP && flow.TCP_FLAGS === SYN && flow.PACKETS === 1)
          probe(flow, wall);
        prune(wall);
      }
    },
  };
}
