// SPDX-License-Identifier: BSD-3-Clause
/** What each detector costs a flow, what all of them together do, and what a flood does to their memory. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { allModules } from "../src/control/modules.ts";
import { parseSettings } from "../src/control/params.ts";
import { messageOf } from "../src/core/errors.ts";
import type { Kind, TrafficPlan } from "./detectors/traffic.ts";
import type { Plan, Result } from "./detectors/variant.ts";
import { runMeasured } from "./meter/process.ts";
import { alignColumns } from "./meter/report.ts";

const USAGE = `bun run bench detectors [--flows N] [--runs N] [--only NAME,...] [--set NAME.param=value ...]
  --flows  flows of the mix and of the flood, in millions; a fifth of it of each other traffic (10)
  --runs   runs of each variant, of which the cheapest counts (1)
  --only   these detectors, by name or alias (all)
  --set    a detector's parameter, such as a list that it needs`;
const VARIANT = join(import.meta.dir, "detectors/variant.ts");
const MILLION = 1_000_000;
const WARM_UP = MILLION;

/** Aims. Nanoseconds of CPU a record: of traffic that leaves no trace in the detector's state, and of other traffic. */
const IGNORED_MAX = 60;
const STUDIED_MAX = 150;
/** Millions of flows a second and core through all detectors, of the mix. */
const RATE_MIN = 1.2;
/** Bytes that a process may grow in a flood beyond what a detector's state reserves. */
const GROWTH_BEYOND = 64 << 20;

/** Records a flow below which a detector is given too few to tell what they cost: it requires what a plugin finds. */
const RECORDS_MIN = 0.01;

/** As many hosts as a large campus has, a few of which do most. */
const CAMPUS = { hosts: 1 << 17, exponent: 1.1 };
/** A million hosts that are all alike. */
const UNIFORM = { hosts: 1 << 20, exponent: 0 };
/** By what it is called in the tables: which traffic, over how many flows of a million that are asked for. */
const TRAFFIC: Readonly<Record<string, { plan: TrafficPlan; share: number; traced: boolean }>> = {
  ...Object.fromEntries(
    (["tcp", "udp", "dns", "sweep", "ports"] satisfies Kind[]).map((kind) => [
      kind,
      { plan: { kind, ...CAMPUS }, share: 0.2, traced: true },
    ]),
  ),
  mix: { plan: { kind: "mix", ...CAMPUS }, share: 1, traced: false },
  uniform: { plan: { kind: "mix", ...UNIFORM }, share: 0.2, traced: false },
  spoofed: { plan: { kind: "spoofed", ...CAMPUS }, share: 1, traced: false },
};
const COLUMNS = Object.keys(TRAFFIC);

const fail = (message: string, exitCode = 64): never => {
  console.error(`bench detectors: ${message}`);
  process.exit(exitCode);
};

const countOf = (flag: string, text: string): number => {
  const value = Number(text);
  return Number.isInteger(value) && value > 0
    ? value
    : fail(`${flag} ${text}: expected a count from 1`);
};

const { values } = parseArgs({
  options: {
    flows: { type: "string", default: "10" },
    runs: { type: "string", default: "1" },
    only: { type: "string" },
    set: { type: "string", multiple: true, default: [] },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const flowsAsked = countOf("--flows", values.flows) * MILLION;
const runs = countOf("--runs", values.runs);
const all = (await allModules()).filter(({ kind }) => kind === "detector").map(({ def }) => def);
const detectors = values.only?.split(",").map(named) ?? all.map(({ name }) => name);
const settings = settingsOf(values.set);

function named(name: string): string {
  const found = all.find((def) => def.name === name || def.aliases?.includes(name));
  return found?.name ?? fail(`--only ${name}: there are ${all.map((def) => def.name).join(", ")}`);
}

function settingsOf(texts: readonly string[]): Map<string, Record<string, unknown>> {
  try {
    return parseSettings(texts, all);
  } catch (error) {
    return fail(messageOf(error));
  }
}

/** Why a detector cannot be measured, once one of its processes has said so. */
class Unmeasured extends Error {}

/**
 * The cheapest of some runs, each in a process of its own. What is subtracted from what is nearly as much would
 * otherwise be the machine's mood: others make a run dearer, never cheaper.
 */
async function measured(names: readonly string[], name: string, base: boolean): Promise<Result> {
  const { plan, share, traced } = TRAFFIC[name]!;
  const variant: Plan = {
    detectors: Object.fromEntries(names.map((each) => [each, settings.get(each) ?? {}])),
    traffic: plan,
    flows: flowsAsked * share,
    warmUp: WARM_UP,
    ...(base ? { base } : traced ? { traces: true } : {}),
  };
  const results: Result[] = [];
  for (let i = 0; i < runs; i++) {
    const command = [process.execPath, VARIANT, JSON.stringify(variant)];
    const { exitCode, stdout, stderr } = await runMeasured(command);
    if (exitCode !== 0) throw new Unmeasured(stderr.trim() || `ended with ${exitCode}`);
    results.push(JSON.parse(stdout) as Result);
  }
  return results.reduce((best, next) => (next.cpuSeconds < best.cpuSeconds ? next : best));
}

/** What only stepping through the records costs, by traffic and by what is read: detectors share it. */
const bases = new Map<string, Result>();

interface Cost {
  readonly detector: string;
  readonly traffic: string;
  readonly result: Result;
  readonly base: Result;
  /** Of CPU time a record, beyond stepping. */
  readonly ns: number;
}

async function costOf(detector: string, traffic: string): Promise<Cost> {
  const result = await measured([detector], traffic, false);
  const key = `${traffic}: ${result.reads}`;
  const base = bases.get(key) ?? (await measured([detector], traffic, true));
  bases.set(key, base);
  if (base.records !== result.records)
    fail(`${detector} was given ${result.records} records of ${traffic}, not ${base.records}`, 70);
  const seconds = result.cpuSeconds - base.cpuSeconds;
  return { detector, traffic, result, base, ns: (seconds * 1e9) / result.records };
}

const missed: string[] = [];
const isGiven = ({ result }: Cost): boolean => result.records >= result.flows * RECORDS_MIN;
const isIgnored = ({ result }: Cost): boolean => result.leavesTraces === false;

function judge(cost: Cost): void {
  const { detector, traffic, result, base, ns } = cost;
  const most = isIgnored(cost) ? IGNORED_MAX : STUDIED_MAX;
  if (TRAFFIC[traffic]!.traced && isGiven(cost) && ns > most)
    missed.push(`${detector}: ${ns.toFixed(0)} ns a record of ${traffic}, at most ${most}`);
  const beyond = result.growth - base.growth - result.stateBytes;
  if (traffic === "spoofed" && beyond > GROWTH_BEYOND)
    missed.push(
      `${detector}: grows by ${mega(beyond)} MB more than its state reserves, at most ${mega(GROWTH_BEYOND)}`,
    );
}

const mega = (bytes: number): string => (bytes / MILLION).toFixed(0);
const nanos = (cost: Cost): string => {
  if (!isGiven(cost)) return "-";
  return isIgnored(cost) ? `(${cost.ns.toFixed(1)})` : cost.ns.toFixed(1);
};
const leftOf = (counters: Result["counters"]): string =>
  Object.entries(counters)
    .map(([name, count]) => `${name} ${count.toLocaleString("en-US")}`)
    .join(", ") || "-";

const costs = new Map<string, readonly Cost[]>();
for (const detector of detectors) {
  const each: Cost[] = [];
  try {
    for (const traffic of COLUMNS) each.push(await costOf(detector, traffic));
  } catch (error) {
    if (!(error instanceof Unmeasured)) throw error;
    console.log(`${detector} is not measured: ${error.message}`);
    continue;
  }
  each.forEach(judge);
  costs.set(detector, each);
}
if (costs.size === 0) fail("nothing was measured", 1);

/** What is subtracted, for each kind of input: splitting biflows where it wants uniflows, and stepping. */
const stepping = [...new Set([...bases.values()].map(({ reads }) => reads))].map((reads) => [
  `(${reads})`,
  ...COLUMNS.map((traffic) => {
    const base = bases.get(`${traffic}: ${reads}`);
    if (!base || base.records < base.flows * RECORDS_MIN) return "-";
    return ((base.cpuSeconds * 1e9) / base.records).toFixed(1);
  }),
]);
console.log(
  "CPU ns a record, beyond stepping through them; (…) leaves no trace in the state, - is given too few",
);
console.log(
  alignColumns([
    ["detector", ...COLUMNS],
    ...[...costs].map(([detector, each]) => [detector, ...each.map(nanos)]),
    ...stepping,
  ]),
);

console.log(`\n${flowsAsked.toLocaleString("en-US")} spoofed flows, no two alike`);
console.log(
  alignColumns([
    ["detector", "state MB", "grows by MB", "alerts", "counted"],
    ...[...costs].map(([detector, each]) => {
      const { result, base } = each.at(-1)!;
      const growth = Math.max(0, result.growth - base.growth);
      const alerts = `${result.alerts}`;
      return [detector, mega(result.stateBytes), mega(growth), alerts, leftOf(result.counters)];
    }),
  ]),
);

const together = await measured([...costs.keys()], "mix", false);
const rate = together.flows / together.cpuSeconds / MILLION;
console.log(
  `\n${costs.size} detectors in one pipeline: ${rate.toFixed(2)} M flows/s a core of the mix, ` +
    `${(together.records / together.cpuSeconds / MILLION).toFixed(1)} M records/s to all; aim ${RATE_MIN}`,
);
if (rate < RATE_MIN)
  missed.push(`all together: ${rate.toFixed(2)} M flows/s a core, at least ${RATE_MIN}`);
for (const what of missed) console.log(`aim missed: ${what}`);
process.exit(missed.length === 0 ? 0 : 1);
