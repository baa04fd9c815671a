// SPDX-License-Identifier: BSD-3-Clause
import { FLOWS } from "../core/flow/flows.ts";
import { END, type LoggedFlow } from "../core/flow-log/flow.ts";
import { FlowLog, jsonObject } from "../core/flow-log/flow-log.ts";
import { FLOW_LOG_PARAMS } from "../core/flow-log/params.ts";
import { isoMicros } from "../core/flow-log/values.ts";
import { defineModule, param } from "../core/module.ts";

type Event = Readonly<Record<string, unknown>>;

export default defineModule({
  name: "suricata-import",
  about: "Reads flows of Suricata's EVE log (eve.json) and sends UniRec flows.",
  details: `
**For** sites that have Suricata already: \`nemean run suricata-import -i u:flow_data_source -f /var/log/suricata/eve.json\`, or live from a pipe:
\`tail -F eve.json | nemean run suricata-import -i u:flow_data_source -f -\`. Receivers that are slow are waited for, as is the first one.

**Events** of type \`flow\` are taken, which have both directions. A Suricata that writes \`netflow\` in their place, one direction an event, is read
with \`--events netflow\`; where it writes both, the other ones would count all traffic twice. All others are passed over and counted (\`events_other\`).

**Fields** are those of the product's own meter. TIME_FIRST and TIME_LAST are the flow's start and end, TCP flags those of each side (tcp_flags_ts and
tcp_flags_tc). Of ICMP, DST_PORT is type and code. FLOW_END_REASON is 3 for a flow whose state is closed, 4 for one that was cut off at
shutdown or by force, 5 in an emergency, 1 for another.

**Pace**: with \`-R\` flows are as far apart as their ends were. Suricata writes a flow some time after it is over, not in that order exactly.

**Bad lines** are left out: the first 20 are named with their number and what is wrong, all are counted (\`lines_skipped\`).
`,
  aliases: ["suricata", "eve-import"],
  params: {
    ...FLOW_LOG_PARAMS,
    events: param.choice({
      options: ["flow", "netflow"],
      default: "flow",
      about: "Type of the events that are flows",
    }),
  },
  inputs: {},
  outputs: { flows: FLOWS },
  patient: true,

  setup(context) {
    const { events } = context.params;
    const read = (line: string): LoggedFlow | string | undefined => {
      const event = jsonObject(line);
      if (!event) return "no JSON object";
      if (event["event_type"] === events) return flowOf(event, objectIn(event, events));
      context.count("events_other");
      return undefined;
    };
    const log = new FlowLog(context, "suricata-import", () => read);
    return { produce: () => log.produce(), end: () => log.end() };
  },
});

const NONE: Event = {};

/** An object within another; one without members where there is none. */
function objectIn(event: Event, name: string): Event {
  const value = event[name];
  return typeof value === "object" && value !== null ? (value as Event) : NONE;
}

function flowOf(event: Event, flow: Event): LoggedFlow {
  const tcp = objectIn(event, "tcp");
  const ether = objectIn(event, "ether");
  return {
    source: event["src_ip"],
    target: event["dest_ip"],
    sourcePort: event["src_port"],
    targetPort: event["dest_port"],
    icmpType: event["icmp_type"],
    icmpCode: event["icmp_code"],
    protocol: event["proto"],
    // One direction has names of its own.
    packets: flow["pkts_toserver"] ?? flow["pkts"],
    packetsReverse: flow["pkts_toclient"],
    bytes: flow["bytes_toserver"] ?? flow["bytes"],
    bytesReverse: flow["bytes_toclient"],
    sourceMac: firstOf(ether["src_macs"]) ?? ether["src_mac"],
    targetMac: firstOf(ether["dest_macs"]) ?? ether["dest_mac"],
    first: isoMicros(flow["start"]),
    last: isoMicros(flow["end"]) ?? isoMicros(event["timestamp"]),
    flags: hexOf(tcp["tcp_flags_ts"] ?? tcp["tcp_flags"]),
    flagsReverse: hexOf(tcp["tcp_flags_tc"]),
    endReason: reasonOf(flow),
  };
}

const firstOf = (value: unknown): unknown => (Array.isArray(value) ? value[0] : undefined);

const HEX = /^[0-9a-f]{1,2}$/i;
const hexOf = (value: unknown): number =>
  typeof value === "string" && HEX.test(value) ? Number.parseInt(value, 16) : 0;

function reasonOf(flow: Event): number {
  if (flow["emergency"] === true) return END.resources;
  if (flow["reason"] === "forced" || flow["reason"] === "shutdown") return END.forced;
  return flow["state"] === "closed" ? END.detected : END.idle;
}
