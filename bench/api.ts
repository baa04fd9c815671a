// SPDX-License-Identifier: BSD-3-Clause
/** What the API costs: a whole detector as it is declared, and the same written against offsets. */
import { parseArgs } from "node:util";
import { spawnSync } from "bun";
import { byHand } from "./api/by-hand.ts";
import { declared } from "./api/declared.ts";
import { measure, type Result } from "./api/variant.ts";
import { alignColumns, median } from "./meter/report.ts";

const USAGE = `bun run bench api [--flows N] [--runs N]
  --flows  flow records a run, in millions (10)
  --runs   runs of each variant, in turns; medians are reported (3)`;
/** Declared over by hand, at most. */
const LIMIT = 1.3;
const MILLION = 1_000_000;
/** Flows before the measured ones, for the JIT. */
const WARM_UP = 5 * MILLION;
const VARIANTS = { "by hand": byHand, declared };
type Name = keyof typeof VARIANTS;
const NAMES = Object.keys(VARIANTS) as Name[];

const fail = (message: string, exitCode = 64): never => {
  console.error(`bench api: ${message}`);
  process.exit(exitCode);
};

const countOf = (flag: string, text: string): number => {
  const value = Number(text);
  return Number.isInteger(value) && value > 0
    ? value
    : fail(`${flag} ${text}: expected a count from 1`);
};

/** A variant in a process of its own: in a shared one their profiles mix. */
function run(name: Name, millions: number): Result {
  const command = [process.execPath, import.meta.path, "--variant", name, "--flows", `${millions}`];
  const { exitCode, stdout } = spawnSync(command, { stderr: "inherit" });
  if (exitCode !== 0) fail(`${name} ended with ${exitCode}`, 70);
  return JSON.parse(stdout.toString()) as Result;
}

const { values } = parseArgs({
  options: {
    flows: { type: "string", default: "10" },
    runs: { type: "string", default: "3" },
    variant: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const millions = countOf("--flows", values.flows);
if (values.variant !== undefined) {
  measure(VARIANTS[values.variant as Name], millions * MILLION, WARM_UP);
  process.exit(0);
}

const results = new Map<Name, Result[]>(NAMES.map((name) => [name, []]));
for (let i = 0; i < countOf("--runs", values.runs); i++)
  for (const name of NAMES) results.get(name)!.push(run(name, millions));

const all = [...results.values()].flat();
const [one] = all;
if (!one || all.some(({ digest, flows }) => digest !== one.digest || flows !== one.flows))
  fail("the variants disagree on the alerts", 70);

const costs = (name: Name): number[] => results.get(name)!.map(({ cpuNsPerFlow }) => cpuNsPerFlow);
const base = median(costs("by hand"));
const rows = NAMES.map((name) => [
  name,
  median(costs(name)).toFixed(2),
  `${Math.min(...costs(name)).toFixed(2)}-${Math.max(...costs(name)).toFixed(2)}`,
  (median(costs(name)) / base).toFixed(2),
]);
console.log(
  `vportscan over ${one!.flows} flows, 3 of 100 of them probes; ${one!.alerts} alerts, equal in all runs`,
);
console.log(alignColumns([["variant", "CPU ns/flow", "range", "ratio"], ...rows]));
const ratio = median(costs("declared")) / base;
console.log(`limit ${LIMIT}: ${ratio <= LIMIT ? "held" : "EXCEEDED"}`);
