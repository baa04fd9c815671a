// SPDX-License-Identifier: BSD-3-Clause
import { type Context, defineModule, param } from "../core/module.ts";
import { Address, sameIp } from "../core/unirec/ip.ts";
import { type Reader, template } from "../core/unirec/template.ts";
import { SECOND } from "../core/unirec/time.ts";
import type { Ip } from "../core/unirec/types.ts";
import { windows } from "../core/windows.ts";

/** Addresses that an alert names, and an aggregate. */
const GIVEN = ["DST_IP0", "DST_IP1", "DST_IP2", "DST_IP3"] as const;
const NAMED = [
  ...GIVEN,
  ...(["DST_IP4", "DST_IP5", "DST_IP6", "DST_IP7", "DST_IP8", "DST_IP9"] as const),
  ...(["DST_IP10", "DST_IP11", "DST_IP12", "DST_IP13", "DST_IP14", "DST_IP15"] as const),
] as const;
const COUNT_MAX = 0xffff_ffff;
const V4_TAIL = -1;

const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP0, ipaddr DST_IP1, ipaddr DST_IP2, ipaddr DST_IP3,
  uint16 DST_PORT, uint8 PROTOCOL, uint8 EVENT_TYPE, uint32 ADDR_CNT, uint32 ADDR_THRSD,
  time TIME_FIRST, time TIME_LAST
`);
const scans = template(`
  ipaddr SRC_IP, ipaddr DST_IP0, ipaddr DST_IP1, ipaddr DST_IP2, ipaddr DST_IP3, ipaddr DST_IP4,
  ipaddr DST_IP5, ipaddr DST_IP6, ipaddr DST_IP7, ipaddr DST_IP8, ipaddr DST_IP9, ipaddr DST_IP10,
  ipaddr DST_IP11, ipaddr DST_IP12, ipaddr DST_IP13, ipaddr DST_IP14, ipaddr DST_IP15,
  uint16 DST_PORT, uint8 PROTOCOL, uint8 EVENT_TYPE, uint32 ADDR_CNT, uint32 ADDR_THRSD,
  time TIME_FIRST, time TIME_LAST
`);

const params = {
  minutes: param.count({
    default: 5,
    min: 1,
    max: 1440,
    about: "Minutes of event time that a window lasts",
    flag: "t",
  }),
  scansMax: param.count({
    default: 16_384,
    min: 16,
    max: 1 << 20,
    about: "Pairs of source and port in a window; what is beyond is sent before its end",
  }),
};
type Setup = Context<typeof params, { scans: typeof scans }>;
type Alert = Reader<typeof alerts>;

/** What is known of each scan. */
const columnsOf = (state: Setup["state"], rows: number) => ({
  /** Addresses of scans that are over, and of the one that began last. */
  before: state.column("before", "float64", rows),
  count: state.column("count", "uint32", rows),
  begun: state.column("begun", "float64", rows),
  first: state.column("first", "float64", rows),
  last: state.column("last", "float64", rows),
  threshold: state.column("threshold", "uint32", rows),
  eventType: state.column("eventType", "uint8", rows),
});

/** The first addresses of each scan. */
function samplesOf(state: Setup["state"], rows: number) {
  const words = state.column("samples", "int32", rows * NAMED.length * 4);
  const counts = state.column("sampleCount", "uint8", rows);

  function at(row: number, i: number): Address {
    const word = (row * NAMED.length + i) * 4;
    const address = new Address();
    address.w0 = words[word]!;
    address.w1 = words[word + 1]!;
    address.w2 = words[word + 2]!;
    address.w3 = words[word + 3]!;
    return address;
  }

  return {
    clear(row: number): void {
      counts[row] = 0;
    },
    /** Keep an address, unless it is none, is there already, or enough are. */
    add(row: number, ip: Ip): void {
      const known = counts[row]!;
      if (known === NAMED.length || isNone(ip)) return;
      for (let i = 0; i < known; i++) if (sameIp(at(row, i), ip)) return;
      words.set([ip.w0, ip.w1, ip.w2, ip.w3], (row * NAMED.length + known) * 4);
      counts[row] = known + 1;
    },
    named: (row: number) =>
      Object.fromEntries(
        NAMED.slice(0, counts[row]).map((name, i) => [name, at(row, i)]),
      ) as Partial<Record<(typeof NAMED)[number], Address>>,
  };
}

/** `::`, and 0.0.0.0: what an alert of fewer addresses has in the others' places. */
const isNone = ({ w0, w1, w2, w3 }: Ip): boolean =>
  (w0 | w1 | w2) === 0 && (w3 === 0 || w3 === V4_TAIL);

export default defineModule({
  name: "haddrscan-aggregator",
  about: "Makes one record of all alerts about a horizontal scan in a window of time.",
  details: `
**For** those who read one record about a scanner instead of one for each of its alerts: it takes the alerts of \`haddrscan\`
and sends, for each source and port, how many addresses were tried, and up to ${NAMED.length} of them.

**Windows** end where the alerts' event time passes a multiple of \`minutes\`, when no alert has come for so long, and at the
end of the stream, which is passed on. An alert belongs to the window in which it comes. Of a scan that goes on, \`haddrscan\`
says how many addresses were tried so far: alerts that begin together are updates and count once, by their largest number;
those that begin later are other scans and are added.

**Deviates** from NEMEA's haddrscan_aggregator: windows follow event time, not the machine's clock; minutes are whole; the
output's layout stays what it is when the sender's changes (the original takes over the sender's, which lacks most
addresses); an address is named once, and the first ${NAMED.length} stay; updates of one scan are not added up; the number of
addresses stays at 4,294,967,295 instead of beginning anew; an alert of no addresses, with which the original detector forgets
a scan, makes no record; the number of scans in a window has a bound, at which the one that waited longest goes out early
(\`scans_evicted\`).
`,
  replaces: "haddrscan_aggregator",
  aliases: ["haddrscan_aggregator"],
  params,
  inputs: { alerts },
  outputs: { scans },

  setup({ params: settings, out, state }: Setup) {
    const { minutes, scansMax } = settings;
    const columns = columnsOf(state, scansMax);
    const { before, count, begun, first, last, threshold, eventType } = columns;
    const samples = samplesOf(state, scansMax);
    const table = state.table("scans", {
      key: ["ip", "number"],
      rows: scansMax,
      idle: Number.POSITIVE_INFINITY,
      onLeave: send,
    });

    function take(alert: Alert): void {
      const { ADDR_CNT, TIME_FIRST, TIME_LAST } = alert;
      if (ADDR_CNT === 0) return;
      const service = (alert.PROTOCOL << 16) | alert.DST_PORT;
      const row = table.upsertIpNumber(alert.SRC_IP, service, TIME_LAST);
      if (table.isNew) {
        before[row] = count[row] = 0;
        samples.clear(row);
        begun[row] = first[row] = TIME_FIRST;
        last[row] = TIME_LAST;
      }
      if (TIME_FIRST > begun[row]!) {
        before[row]! += count[row]!;
        count[row] = 0;
        begun[row] = TIME_FIRST;
      }
      count[row] = Math.max(count[row]!, ADDR_CNT);
      first[row] = Math.min(first[row]!, TIME_FIRST);
      last[row] = Math.max(last[row]!, TIME_LAST);
      threshold[row] = alert.ADDR_THRSD;
      eventType[row] = alert.EVENT_TYPE;
      for (const name of GIVEN) samples.add(row, alert[name]);
    }

    function send(row: number): void {
      const service = table.number(row, 4);
      out.scans.send({
        SRC_IP: table.ip(row, 0),
        DST_PORT: service & 0xffff,
        PROTOCOL: service >>> 16,
        EVENT_TYPE: eventType[row]!,
        ADDR_CNT: Math.min(before[row]! + count[row]!, COUNT_MAX),
        ADDR_THRSD: threshold[row]!,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
        ...samples.named(row),
      });
    }

    function flush(): void {
      const rows: number[] = [];
      table.forEach((row) => {
        rows.push(row);
      });
      // In the order in which they were heard of first.
      for (const row of rows.reverse()) {
        send(row);
        table.delete(row);
      }
    }

    const over = windows(minutes * 60 * SECOND, flush);
    return {
      alerts(alert) {
        over.hear();
        while (alert.next()) take(alert);
      },
      everySecond: over.everySecond,
      tick: over.tick,
      end: flush,
    };
  },
});
