// SPDX-License-Identifier: BSD-3-Clause
import { JsonMessages } from "../core/json-messages.ts";
import { type Context, defineModule, param } from "../core/module.ts";
import { messages, type Reader, template } from "../core/unirec/template.ts";
import { SECOND } from "../core/unirec/time.ts";
import { windows } from "../core/windows.ts";

/** Most targets in one message, which so always fits into a record. */
const TARGETS_MAX = 1000;

const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint8 PROTOCOL, uint32 PORT_CNT, time TIME_FIRST, time TIME_LAST
`);
const scans = messages("json", "aggregated_portscan");

const params = {
  minutes: param.count({
    default: 5,
    min: 1,
    max: 1440,
    about: "Minutes of event time that a window lasts",
    flag: "t",
  }),
  noblockscans: param.flag({
    default: false,
    about: "Send an event for each pair of source and target, not one for all targets of a source",
  }),
  pairsMax: param.count({
    default: 65_536,
    min: 16,
    max: 1 << 22,
    about: "Pairs of source and target in a window; what is beyond is sent before its end",
  }),
};
type Setup = Context<typeof params, { scans: typeof scans }>;
type Alert = Reader<typeof alerts>;

/** What is sent, in the words of those who read it. */
interface Scan {
  readonly src_ip: string;
  /** Ports tried, by target. */
  dst_ips: Record<string, number>;
  ts_first: number;
  ts_last: number;
  readonly protocol: number;
}

/** What is known of each pair. */
const columnsOf = (state: Setup["state"], rows: number) => ({
  /** Ports of scans that are over, and of the one that began last. */
  before: state.column("before", "float64", rows),
  ports: state.column("ports", "uint32", rows),
  begun: state.column("begun", "float64", rows),
  first: state.column("first", "float64", rows),
  last: state.column("last", "float64", rows),
});

export default defineModule({
  name: "portscan-aggregator",
  about: "Makes one event of all vertical scans of a source in a window of time.",
  details: `
**For** those who read one event about a scanner instead of one for each of its targets: it takes the alerts of \`vportscan\`
and sends JSON called \`aggregated_portscan\`, which \`vportscan2idea\` and its like take:
\`{"src_ip", "dst_ips": {target: ports tried}, "ts_first", "ts_last", "protocol"}\`, times in seconds since 1970. A source of
more than ${TARGETS_MAX} targets makes several.

**Windows** end where the alerts' event time passes a multiple of \`minutes\`, when no alert has come for so long, and at the
end of the stream, which is passed on. An alert belongs to the window in which it comes. Of a scan that goes on, \`vportscan\`
says how many ports were tried so far: alerts of one pair that begin together are updates and count once, by their largest
number; those that begin later are other scans and are added.

**Deviates** from NEMEA's vportscan_aggregator: windows follow event time, not the machine's clock, so a replay is
aggregated as it was live; minutes are whole; updates of one scan are not added up; the number of pairs in a window has a
bound, at which the pair that waited longest goes out early (\`pairs_evicted\`).
`,
  replaces: "vportscan_aggregator",
  aliases: ["vportscan_aggregator"],
  params,
  inputs: { alerts },
  outputs: { scans },

  setup({ params: settings, out, state, count }: Setup) {
    const { minutes, noblockscans, pairsMax } = settings;
    const json = new JsonMessages(out.scans, scans);
    const { before, ports, begun, first, last } = columnsOf(state, pairsMax);
    const pairs = state.table("pairs", {
      key: ["ip", "ip", "number"],
      rows: pairsMax,
      idle: Number.POSITIVE_INFINITY,
      onLeave: (row) => json.send(scanOf(row)),
    });

    function take(alert: Alert): void {
      const { PORT_CNT, TIME_FIRST, TIME_LAST } = alert;
      const row = pairs.upsertPairNumber(alert.SRC_IP, alert.DST_IP, alert.PROTOCOL, TIME_LAST);
      if (pairs.isNew) {
        before[row] = 0;
        ports[row] = PORT_CNT;
        begun[row] = first[row] = TIME_FIRST;
        last[row] = TIME_LAST;
        return;
      }
      if (TIME_FIRST > begun[row]!) {
        before[row]! += ports[row]!;
        ports[row] = PORT_CNT;
        begun[row] = TIME_FIRST;
      } else ports[row] = Math.max(ports[row]!, PORT_CNT);
      first[row] = Math.min(first[row]!, TIME_FIRST);
      last[row] = Math.max(last[row]!, TIME_LAST);
    }

    const scanOf = (row: number): Scan => ({
      src_ip: String(pairs.ip(row, 0)),
      dst_ips: { [String(pairs.ip(row, 4))]: before[row]! + ports[row]! },
      ts_first: first[row]! / SECOND,
      ts_last: last[row]! / SECOND,
      protocol: pairs.number(row, 8),
    });

    function flush(): void {
      const rows: number[] = [];
      pairs.forEach((row) => {
        rows.push(row);
      });
      const each = rows.reverse().map(scanOf); // in the order in which they were heard of first
      for (const scan of noblockscans ? each : bySource(each))
        if (!json.send(scan)) count("messages_too_long");
      for (const row of rows) pairs.delete(row);
      json.flush();
    }

    const over = windows(minutes * 60 * SECOND, flush);
    return {
      alerts(alert) {
        over.hear();
        while (alert.next()) take(alert);
        json.flush();
      },
      everySecond: over.everySecond,
      tick: over.tick,
      end: flush,
    };
  },
});

/** All targets of a source in one, or in as many as have room for them. */
function bySource(scans: readonly Scan[]): Scan[] {
  const out: Scan[] = [];
  const filled = new Map<string, { scan: Scan; targets: number }>();
  for (const scan of scans) {
    const key = `${scan.src_ip} ${scan.protocol}`;
    const known = filled.get(key);
    if (!known || known.targets === TARGETS_MAX) {
      filled.set(key, { scan, targets: 1 });
      out.push(scan);
      continue;
    }
    const { scan: whole } = known;
    known.targets++;
    Object.assign(whole.dst_ips, scan.dst_ips);
    whole.ts_first = Math.min(whole.ts_first, scan.ts_first);
    whole.ts_last = Math.max(whole.ts_last, scan.ts_last);
  }
  return out;
}
