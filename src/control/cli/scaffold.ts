// SPDX-License-Identifier: BSD-3-Clause

/** What only tests may import, kept out of this file's own imports. */
const BUN_TEST = ["bun", "test"].join(":");
const TESTING = "testing";

export interface ScaffoldFile {
  /** From the root of the checkout. */
  readonly path: string;
  readonly text: string;
}

/** Rule ids of sites' own detectors: the product's are below 9,500,000. Derived from the name, to be stable. */
const ruleId = (name: string): number => 9_500_000 + (Bun.hash.crc32(name) % 500_000);

/** A detector that compiles, runs and passes its test: it counts flows of each source, to be made into what is wanted. */
export function detectorFiles(name: string): ScaffoldFile[] {
  return [
    { path: `src/detectors/${name}.ts`, text: detector(name) },
    { path: `src/detectors/${name}.test.ts`, text: detectorTest(name) },
    { path: `tests/golden/${name}/README.md`, text: golden(name) },
  ];
}

/** A module that passes flows on. */
export function moduleFiles(name: string): ScaffoldFile[] {
  return [
    { path: `src/modules/${name}.ts`, text: moduleText(name) },
    { path: `src/modules/${name}.test.ts`, text: moduleTest(name) },
    { path: `tests/golden/${name}/README.md`, text: golden(name) },
  ];
}

const detector = (name: string): string => `// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, param } from "../core/module.ts";
import { template, uniflow } from "../core/unirec/template.ts";
import { SECOND } from "../core/unirec/time.ts";

/** Suspects whose flows are kept as evidence. */
const EVIDENCE_SLOTS = 512;

const flows = uniflow(\`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 DST_PORT, uint8 PROTOCOL, uint32 PACKETS, time TIME_FIRST, time TIME_LAST
\`);
const alerts = template("ipaddr SRC_IP, uint32 FLOWS, time TIME_FIRST, time TIME_LAST");

export default defineModule({
  name: "${name}",
  about: "One source opens unusually many flows.",
  details: \`
**Finds** a source with more than \\\`flowsMax\\\` flows before a pause of \\\`idleTimeout\\\`.

**Evaded** by staying below the limit.

**Tune** \\\`flowsMax\\\` to a few times what your busiest ordinary host opens.

**When it fires** look at what the source talked to.
\`,
  rules: {
    many: {
      id: ${ruleId(name)},
      title: "Unusually many flows of one source",
      category: "Anomaly.Traffic",
      severity: 3,
      confidence: 0.5,
      techniques: ["T1046"],
    },
  },
  params: {
    flowsMax: param.count({ default: 100, min: 1, about: "Flows of one source that raise an alert" }),
    idleTimeout: param.seconds({ default: 300, min: 1, about: "Forget a source not seen for this long" }),
    sourcesMax: param.count({ default: 65_536, min: 16, max: 1 << 22, about: "Sources watched at once" }),
  },
  inputs: { flows },
  outputs: { alerts },

  setup({ params: { flowsMax, idleTimeout, sourcesMax }, out, state }) {
    const sources = state.table("sources", { key: ["ip"], rows: sourcesMax, idle: idleTimeout * SECOND });
    const opened = state.column("opened", "uint32", sourcesMax);
    const first = state.column("first", "float64", sourcesMax);
    const evidence = state.evidence("evidence", EVIDENCE_SLOTS, flows);
    const evidenceOf = state.column("evidenceOf", "int32", sourcesMax);
    const suspectAt = Math.ceil(flowsMax / 2); // from here on flows are kept, to show them with the alert

    return {
      flows(flow) {
        while (flow.next()) {
          const row = sources.upsertIp(flow.SRC_IP, flow.TIME_LAST);
          if (sources.isNew) {
            opened[row] = 0;
            first[row] = flow.TIME_FIRST;
          }
          const count = ++opened[row]!;
          if (count < suspectAt || count > flowsMax) continue;
          if (count === suspectAt) evidenceOf[row] = evidence.take(row);
          evidence.keep(evidenceOf[row]!, row, flow as never);
          if (count < flowsMax) continue;
          const { SRC_IP, TIME_LAST } = flow;
          out.alerts.send(
            { SRC_IP, FLOWS: count, TIME_FIRST: first[row]!, TIME_LAST },
            {
              key: String(SRC_IP),
              reason: \`\${SRC_IP} opened \${count} flows\`,
              observed: count,
              threshold: flowsMax,
              evidence: evidence.flows(evidenceOf[row]!, row),
            },
          );
        }
      },
      everySecond: (now) => sources.expire(now),
    };
  },
});
`;

const detectorTest = (name: string): string => `// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "${BUN_TEST}";
import { testDetector } from "../core/${TESTING}/detector-kit.ts";
import { play } from "../core/${TESTING}/play.ts";
import type { Row } from "../core/${TESTING}/run-module.ts";
import { SECOND } from "../core/unirec/time.ts";
import detector from "./${name}.ts";

const START = 1_704_067_200 * SECOND;

/** The i-th flow of 10.0.0.1, one a second. */
const flow = (i: number, more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "192.0.2.1",
  DST_PORT: 443,
  PROTOCOL: 6,
  PACKETS: 10,
  TIME_FIRST: START + i * SECOND,
  TIME_LAST: START + i * SECOND,
  ...more,
});
const flows = (count: number, more: Row = {}): Row[] =>
  Array.from({ length: count }, (_, i) => flow(i, more));

// What holds for every detector: whole alerts, any batch borders, restarts, odd input, bounded memory.
testDetector(detector, {
  alert: flows(120),
  quiet: flows(99, { SRC_IP: "10.0.0.2" }),
  other: (i) => flow(0, { SRC_IP: \`10.\${1 + (i >>> 16)}.\${(i >>> 8) & 255}.\${i & 255}\` }),
  small: { sourcesMax: 16 },
  evicted: "sources_evicted",
});

describe("${name}", () => {
  test("${name} raises one alert at its limit", () => {
    const { alerts } = play(detector, flows(25), { params: { flowsMax: 20 } });
    expect(alerts.map(({ observed, source }) => [observed, source.ip])).toEqual([[20, "10.0.0.1"]]);
  });

  test("${name} forgets a source that was idle", () => {
    const rows = [...flows(19), flow(1000)];
    expect(play(detector, rows, { params: { flowsMax: 20, idleTimeout: 60 } }).alerts).toEqual([]);
  });
});
`;

const moduleText = (name: string): string => `// SPDX-License-Identifier: BSD-3-Clause
import { defineModule, param } from "../core/module.ts";
import { uniflow } from "../core/unirec/template.ts";

const flows = uniflow(\`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL,
  uint32 PACKETS, uint64 BYTES, time TIME_FIRST, time TIME_LAST
\`);

export default defineModule({
  name: "${name}",
  about: "Passes on flows of at least some packets.",
  params: { packetsMin: param.count({ default: 1, min: 1, about: "Flows with fewer packets are left out" }) },
  inputs: { flows },
  outputs: { flows },

  setup({ params: { packetsMin }, out }) {
    return {
      flows(flow) {
        while (flow.next()) {
          if (flow.PACKETS < packetsMin) continue;
          out.flows.record.begin().copyFrom(flow as never);
          out.flows.push();
        }
      },
    };
  },
});
`;

const moduleTest = (name: string): string => `// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "${BUN_TEST}";
import { runRows } from "../core/${TESTING}/run-module.ts";
import module from "./${name}.ts";

test("${name} passes on the flows with enough packets", () => {
  const rows = [1, 5, 9].map((PACKETS) => ({ SRC_IP: "192.0.2.1", DST_IP: "192.0.2.2", PACKETS }));
  const { out } = runRows(module, rows, { params: { packetsMin: 5 } });
  expect(out["flows"]?.map((row) => row["PACKETS"])).toEqual([5, 9]);
});
`;

const golden = (name: string): string => `# Golden cases of ${name}

One folder a case: \`input.csv\` (UniRec text with its header) or \`input.pcap\`, \`expected.csv\` (what
\`nemean run ${name}\` writes), and a README that says where the input comes from and what the case shows.
`;
