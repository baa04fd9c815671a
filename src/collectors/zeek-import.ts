// SPDX-License-Identifier: BSD-3-Clause
import { FLOWS } from "../core/flow/flows.ts";
import { END, type LoggedFlow, TCP } from "../core/flow-log/flow.ts";
import { FlowLog, jsonObject, type LineReader } from "../core/flow-log/flow-log.ts";
import { FLOW_LOG_PARAMS } from "../core/flow-log/params.ts";
import { decimalMicros, isoMicros } from "../core/flow-log/values.ts";
import { defineModule } from "../core/module.ts";

export default defineModule({
  name: "zeek-import",
  about: "Reads Zeek's conn.log, tab-separated or JSON, and sends UniRec flows.",
  details: `
**For** sites that have Zeek already: \`nemean run zeek-import -i u:flow_data_source -f /var/log/zeek/conn.log\`, or live from a pipe:
\`tail -F conn.log | nemean run zeek-import -i u:flow_data_source -f -\`. Receivers that are slow are waited for, as is the first one.
Files may be mixed: each says by its first bytes whether it is JSON, and by its header which columns it has.

**Fields** are those of the product's own meter. A connection becomes one biflow: its originator is the source. BYTES are orig_ip_bytes, or orig_bytes
where Zeek did not count those (\`use_conn_size_analyzer\`); TIME_LAST is ts and duration together. TCP flags are those that \`history\` tells: SYN, ACK,
FIN and RST of each side, ACK and PSH of data. Of ICMP, DST_PORT is type and code. FLOW_END_REASON is 3 for a connection that was closed or reset, 1 for
another. MAC addresses are there with Zeek's policy script mac-logging.

**Pace**: with \`-R\` flows are as far apart as their ends were. Zeek writes a connection when it is over: the order is nearly that of the ends.

**Bad lines** are left out: the first 20 are named with their number and what is wrong, all are counted (\`lines_skipped\`).
`,
  aliases: ["zeek"],
  params: FLOW_LOG_PARAMS,
  inputs: {},
  outputs: { flows: FLOWS },
  patient: true,

  setup(context) {
    const log = new FlowLog(context, "zeek-import", connReader);
    return { produce: () => log.produce(), end: () => log.end() };
  },
});

type Columns = Readonly<Record<string, unknown>>;

const SEPARATOR = /^#separator \\x([0-9a-f]{2})$/i;
/** What Zeek writes for a value that is not there. */
const UNSET = "-";

/** A reader of one file's lines. */
function connReader(): LineReader {
  const table = new Table();
  return (line) => {
    if (line.startsWith("{")) return ofJson(line);
    return line.startsWith("#") ? table.header(line) : table.row(line);
  };
}

/** Lines of tab-separated values, by their header. */
class Table {
  #separator = "\t";
  #unset = UNSET;
  #names: readonly string[] | undefined;

  /** Take a line of the header; returns what is wrong with it. */
  header(line: string): string | undefined {
    const hex = SEPARATOR.exec(line)?.[1];
    if (hex !== undefined) this.#separator = String.fromCharCode(Number.parseInt(hex, 16));
    const [head, ...values] = line.split(this.#separator);
    if (head === "#fields") this.#names = values;
    if (head === "#unset_field") this.#unset = values[0] ?? UNSET;
    return head === "#path" && values[0] !== "conn"
      ? `a log of ${values[0]}, not of conn`
      : undefined;
  }

  row(line: string): LoggedFlow | string {
    const names = this.#names;
    if (!names) return "no header: expected #fields, or JSON";
    const values = line.split(this.#separator);
    if (values.length !== names.length)
      return `${values.length} columns, the header has ${names.length}`;
    const columns: Record<string, unknown> = Object.create(null);
    for (let i = 0; i < names.length; i++)
      if (values[i] !== this.#unset) columns[names[i]!] = values[i];
    return flowOf(columns);
  }
}

function ofJson(line: string): LoggedFlow | string {
  const columns = jsonObject(line);
  if (!columns) return "no JSON object";
  if (!("id.orig_h" in columns)) return "no connection: expected id.orig_h";
  return flowOf(columns);
}

const CLOSED: readonly unknown[] = ["SF", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH", "SH", "SHR"];

/** What letters of `history` say: of the originator in upper case, of the responder in lower. */
const HISTORY: Readonly<Record<string, number>> = {
  s: TCP.syn,
  h: TCP.syn | TCP.ack,
  a: TCP.ack,
  d: TCP.ack | TCP.psh,
  f: TCP.fin | TCP.ack,
  r: TCP.rst,
};

function flowOf(columns: Columns): LoggedFlow {
  const first = decimalMicros(columns["ts"]) ?? isoMicros(columns["ts"]);
  const took = decimalMicros(columns["duration"]) ?? 0;
  const isTcp = columns["proto"] === "tcp";
  const history = isTcp && typeof columns["history"] === "string" ? columns["history"] : "";
  let flags = 0;
  let flagsReverse = 0;
  for (const letter of history) {
    const bits = HISTORY[letter.toLowerCase()] ?? 0;
    if (letter >= "a") flagsReverse |= bits;
    else flags |= bits;
  }
  return {
    source: columns["id.orig_h"],
    target: columns["id.resp_h"],
    sourcePort: columns["id.orig_p"],
    targetPort: columns["id.resp_p"],
    // In place of ports.
    icmpType: columns["id.orig_p"],
    icmpCode: columns["id.resp_p"],
    protocol: columns["proto"],
    packets: columns["orig_pkts"],
    packetsReverse: columns["resp_pkts"],
    bytes: columns["orig_ip_bytes"] ?? columns["orig_bytes"],
    bytesReverse: columns["resp_ip_bytes"] ?? columns["resp_bytes"],
    sourceMac: columns["orig_l2_addr"],
    targetMac: columns["resp_l2_addr"],
    first,
    last: first === undefined ? undefined : first + took,
    flags,
    flagsReverse,
    endReason: CLOSED.includes(columns["conn_state"]) ? END.detected : END.idle,
  };
}
