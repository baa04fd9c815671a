// SPDX-License-Identifier: BSD-3-Clause
/** What a sink whose server is not there costs the work before it: `bun run bench dead-sink`. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Appliance } from "../src/control/appliance.ts";
import { Sinks } from "../src/control/config/sinks.ts";
import { allModules } from "../src/control/modules.ts";
import { AlertStore } from "../src/control/store/alert-store.ts";
import { synFrame } from "../tests/live/frames.ts";
import { PcapWriter } from "./capture/pcap-writer.ts";
import { CACHE_DIR } from "./captures.ts";
import { runMeasured } from "./meter/process.ts";
import { alignColumns, median } from "./meter/report.ts";

const USAGE = `bun run bench dead-sink [--runs N] [--scans N]
  --runs   pairs of runs, in turns: without a sink, and with one that refuses connections (5)
  --scans  scans in the traffic, an alert and more each (10000)`;
/** CPU time with the sink over CPU time without, at most, of the work that is rich in alerts. */
const AIM = 1.05;
/** Ports of a scan: each is a flow, and the fiftieth makes the alert. */
const PORTS = 60;
/** Flows of others for each scan, of a packet each. */
const WORKS = { "scans alone": 0, "a scan in 500 flows": 440 } as const;
type Work = keyof typeof WORKS;

const fail = (message: string): never => {
  console.error(`bench dead-sink: ${message}`);
  process.exit(64);
};

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    scans: { type: "string", default: "10000" },
    capture: { type: "string" },
    sink: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const countOf = (flag: "runs" | "scans"): number => {
  const count = Number(values[flag]);
  return Number.isInteger(count) && count > 0 ? count : fail(`--${flag}: expected a count from 1`);
};
const [runs, scans] = [countOf("runs"), countOf("scans")];

/** A capture of one packet a flow, ten thousand a second. */
function captureOf(work: Work): string {
  const others = WORKS[work];
  mkdirSync(CACHE_DIR, { recursive: true });
  const path = join(CACHE_DIR, `scans-${scans}-${others}.pcap`);
  if (existsSync(path)) return path;
  const file = new PcapWriter(path, 96);
  let packets = 0;
  const write = (source: number, target: number, port: number): void => {
    const frame = synFrame(source, target, port);
    const at = file.begin(1_767_603_600e6 + packets++ * 100, frame.length, frame.length);
    file.bytes.set(frame, at);
  };
  for (let scan = 0; scan < scans; scan++) {
    for (let port = 1; port <= PORTS; port++) write(0x0a400000 + scan, 0x0a010101, port);
    // Each client asks one server: a scan of neither kind.
    for (let n = 0; n < others; n++)
      write(0x64400000 + ((scan * others + n) & 0x3f_ffff), 0xc0a80000 + n, 443);
  }
  file.close();
  return path;
}

/** The work, as `nemean up` does it: pipeline in its Worker, alerts to the store, and to a sink where there is one. */
async function work(capture: string, hasSink: boolean): Promise<void> {
  const folder = mkdtempSync(join(CACHE_DIR, "dead-sink-"));
  using store = new AlertStore(join(folder, "nemean.sqlite"));
  const params = { host: "127.0.0.1", port: 1, transport: "tcp", format: "cef", timeout: 10 };
  const route = { severity: 0, categories: [], detectors: [], prefixes: [] };
  const siem = { name: "siem", exporter: "syslog", params, route };
  const sinks = await Sinks.start(hasSink ? [siem] : [], { path: join(folder, "delivery.sqlite") });
  const defs = (await allModules()).filter(({ kind }) => kind === "detector");
  const appliance = new Appliance(
    {
      source: { kind: "files", paths: [capture] },
      modules: defs.map(({ def }) => ({ name: def.name, params: {} })),
      sensor: "bench",
    },
    {
      onAlert: (alert) => {
        store.put(alert);
        sinks.put(alert);
      },
      onWarning: (message) => console.error(message),
    },
  );
  await appliance.ended();
  const { alerts } = appliance.snapshot();
  const [sink] = sinks.stats().sinks;
  await sinks.close();
  console.log(JSON.stringify({ alerts, waiting: sink?.waiting ?? alerts }));
  rmSync(folder, { recursive: true });
}

if (values.capture !== undefined) {
  await work(values.capture, values.sink);
  process.exit(0);
}

async function measured(
  capture: string,
  hasSink: boolean,
): Promise<{ cpu: number; alerts: number }> {
  const command = [process.execPath, import.meta.path, "--capture", capture];
  const run = await runMeasured(hasSink ? [...command, "--sink"] : command);
  if (run.exitCode !== 0) fail(`a run ended with ${run.exitCode}: ${run.stderr}`);
  const { alerts, waiting } = JSON.parse(run.stdout) as { alerts: number; waiting: number };
  // Each alert has to wait for the sink: what is not kept costs nothing.
  if (alerts < scans || waiting !== alerts) fail(`${waiting} of ${alerts} alerts wait`);
  return { cpu: run.cpuSeconds, alerts };
}

const rows = [["work", "alerts", "CPU s without", "with", "ratios", "median"]];
let isAbove = false;
for (const name of Object.keys(WORKS) as Work[]) {
  const capture = captureOf(name);
  const pairs: { without: number; dead: number; alerts: number }[] = [];
  for (let run = 0; run < runs; run++) {
    const without = await measured(capture, false);
    const dead = await measured(capture, true);
    pairs.push({ without: without.cpu, dead: dead.cpu, alerts: dead.alerts });
  }
  const ratios = pairs.map(({ without, dead }) => dead / without);
  if (name === "a scan in 500 flows") isAbove = median(ratios) > AIM;
  rows.push([
    name,
    `${pairs[0]!.alerts}`,
    median(pairs.map(({ without }) => without)).toFixed(2),
    median(pairs.map(({ dead }) => dead)).toFixed(2),
    ratios.map((ratio) => ratio.toFixed(3)).join(" "),
    median(ratios).toFixed(3),
  ]);
}
console.log(alignColumns(rows));
process.exit(isAbove ? 1 : 0);
