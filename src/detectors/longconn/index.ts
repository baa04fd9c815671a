// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../../core/errors.ts";
import { defineModule, type Handlers } from "../../core/module.ts";
import { OwnNetworks } from "../../core/threat-list/own-networks.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { Connections } from "./connections.ts";
import { alerts, type Flow, flows, params, type Setup, SYN, TCP, UDP } from "./fields.ts";
import { BULK, Volumes } from "./volumes.ts";

/** A flow of so long is a part of a connection that goes on. */
const SLICE_MIN = 60 * SECOND;
/** Packets that it has at least, and one with much data has: idle timeouts cut those with fewer. */
const PACKETS_MIN = 4;
const SEPARATORS = /[\s,]+/;
const DIGITS = /^\d+$/;

export default defineModule({
  name: "longconn",
  about:
    "Connections to outside that stay open for hours, and hosts that send far more there than they do.",
  details: `
**Finds** two ways to the outside that calls at intervals (see beacon) do not show: a connection that stays open, as a remote control's or a tunnel's, and
a large amount of data that leaves. IPv4 and IPv6, TCP and UDP.

**Counts** *connections*: a meter makes flows of a long one, by its active timeout (300 s) and its pauses. They are put together by addresses and ports, as long as no
pause is longer than \`pauseMax\`, up to FIN or RST. From \`durationMin\` on there is one event, of severity 2, of 3 from four hours on, 4 from eight, 5 from twelve: the
grades of RITA 5. Where three hosts or more have such connections to one network (/24, /48), it is a service, and the severity stays 3. \`ignoredPorts\`
are those of services whose connections are long by nature.

*Volume*: bytes that a host sends to one peer outside in a \`window\`, by flows of 32 kB or more. The limit is the highest of \`megabytesMin\`, of \`factor\` times the mean of
the host's earlier windows (exponentially weighted, 0.1, all its peers together), and of \`factor\` times the mean of the pair's (0.3, windows in which it sent anything): a backup to a usual
peer is usual. In the first \`learnWindows\` nothing is told. Updated at each doubling, closed when the pair comes again in a later window or is forgotten after 35 days. Own hosts that are asked from outside
count by what they answer.

**Evaded** by connecting anew before \`durationMin\`, by pauses longer than \`pauseMax\`, over \`ignoredPorts\`; by sending less than
\`megabytesMin\` in a window, or in flows below 32 kB, or to many peers, or slowly more and more, which becomes usual; behind a proxy, whose address is private.

**Tune** \`ownNetworks\`: name your networks, also those with public addresses. \`megabytesMin\` down where no host sends much; name a new backup's peer by muting its one
event. Memory: 16 MB at most as set by default. Hosts and pairs that had to make room (\`hosts_evicted\`, \`pairs_evicted\`) have nothing usual.

**When it fires**: which program has the connection, and who is at the other end? Of a volume: was it a person's upload, a backup's first time? See when it began and
what the host read before; if nobody knows, take the host off the net: what left is gone, more may follow.
`,
  rules: {
    long: {
      id: 9_000_250,
      title: "Long connection to outside",
      category: "Anomaly.Connection",
      severity: 3,
      confidence: 0.5,
      techniques: ["T1071", "T1572"],
    },
    exfiltration: {
      id: 9_000_251,
      title: "Unusual volume of data sent to outside",
      category: "Anomaly.Traffic",
      severity: 5,
      confidence: 0.6,
      techniques: ["T1048", "T1041", "T1567"],
    },
  },
  params,
  inputs: { flows },
  outputs: { alerts },

  setup(context: Setup): Handlers<{ flows: typeof flows }> {
    const networks = new OwnNetworks(context.params.ownNetworks, "longconn", "ownNetworks");
    const isIgnored = portsOf(context.params.ignoredPorts);
    const connections = new Connections(context);
    const volumes = new Volumes(context);

    function study(flow: Flow, isRest: boolean): void {
      if (!networks.isOutside(flow.DST_IP)) {
        // Somebody outside asks, and is answered.
        if (flow.BYTES_REV >= BULK && networks.isOutside(flow.SRC_IP))
          volumes.add(flow.DST_IP, flow.SRC_IP, flow.BYTES_REV, flow);
        return;
      }
      if (!networks.mayAsk(flow.SRC_IP)) return;
      if ((isRest || isLong(flow)) && isIgnored[flow.DST_PORT] === 0) connections.add(flow);
      if (flow.BYTES >= BULK) volumes.add(flow.SRC_IP, flow.DST_IP, flow.BYTES, flow);
    }

    return {
      flows(flow: Flow) {
        let isBegun = false;
        while (flow.next()) {
          if (!isBegun) volumes.begin(flow.TIME_FIRST);
          isBegun = true;
          const isRest = isRestOfTcp(flow);
          // Most flows are neither: numbers of packets tell at once.
          if (isRest || flow.PACKETS + flow.PACKETS_REV >= PACKETS_MIN) study(flow, isRest);
        }
      },
      everySecond(now: number) {
        connections.expire(now);
        volumes.expire(now);
      },
      end() {
        connections.end();
        volumes.end();
      },
    };
  },
});

/** Whether it is TCP and has no beginning: what follows on a pause or an active timeout. */
const isRestOfTcp = ({ PROTOCOL, TCP_FLAGS }: Flow): boolean =>
  PROTOCOL === TCP && TCP_FLAGS !== 0 && (TCP_FLAGS & SYN) === 0;

const isLong = ({ PROTOCOL, TIME_FIRST, TIME_LAST }: Flow): boolean =>
  (PROTOCOL === TCP || PROTOCOL === UDP) && TIME_LAST - TIME_FIRST >= SLICE_MIN;

/** Ports from text, as one flag each. */
function portsOf(text: string): Uint8Array {
  const flags = new Uint8Array(1 << 16);
  for (const part of text.split(SEPARATORS).filter((port) => port !== "")) {
    const port = Number(part);
    if (!DIGITS.test(part) || port >= flags.length)
      throw paramError(`longconn: ignoredPorts: ${JSON.stringify(part)} is no port`);
    flags[port] = 1;
  }
  return flags;
}
