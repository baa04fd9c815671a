// SPDX-License-Identifier: BSD-3-Clause
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { spawnSync } from "bun";
import { ensureCapture } from "./captures.ts";
import { runMeasured } from "./meter/process.ts";

const USAGE = `bun run bench metadata [--runs N] [--only NAME,...] [--plugins NAMES]
  --runs     runs of each variant; medians are reported (3)
  --only     real, short (both)
  --plugins  measure these as well`;

/** What each capture asks: the plugins, and what they may cost. */
const QUESTIONS = {
  real: { plugins: "dns,http,tls,quic,smtp,sip,pstats,phists", ratio: 1.8, rate: 1.2 },
  short: { plugins: "all", ratio: undefined, rate: 0.8 },
} as const;
type Name = keyof typeof QUESTIONS;

const MAIN = resolve(import.meta.dir, "../src/main.ts");

const fail = (message: string): never => {
  console.error(`bench metadata: ${message}`);
  process.exit(64);
};

function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: "string", default: "3" },
      only: { type: "string", default: "real,short" },
      plugins: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) fail(`--runs ${values.runs}: expected a count from 1`);
  const only = values.only.split(",");
  for (const name of only) if (!(name in QUESTIONS)) fail(`--only ${name}: expected real, short`);
  return { runs, only: only as Name[], plugins: values.plugins };
}

/** CPU seconds of the meter's whole process over a capture. */
async function cpuSeconds(path: string, packets: number, plugins?: string): Promise<number> {
  const choice = plugins === undefined ? [] : ["-p", plugins];
  const command = [process.execPath, MAIN, "meter", "-r", path, "-i", "b:", "--stats", "json"];
  const { exitCode, cpuSeconds, stdout, stderr } = await runMeasured([...command, ...choice]);
  if (exitCode !== 0) fail(`${plugins ?? "plain"}: exit code ${exitCode}: ${stderr.trim()}`);
  const counted = (JSON.parse(stdout) as { packets: number }).packets;
  if (counted !== packets) fail(`${plugins ?? "plain"}: ${counted} of ${packets} packets`);
  return cpuSeconds;
}

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] as number;

/** The variants take turns, a process each, so that the machine's moods meet all of them. */
async function measure(
  name: Name,
  { runs, plugins }: { runs: number; plugins?: string | undefined },
) {
  const prepared = spawnSync([process.execPath, join(import.meta.dir, "captures.ts"), name], {
    stdout: "ignore",
    stderr: "inherit",
  });
  if (prepared.exitCode !== 0) process.exit(prepared.exitCode);
  const { path, truth } = ensureCapture(name);
  const question = QUESTIONS[name];
  const variants = [undefined, question.plugins, ...(plugins === undefined ? [] : [plugins])];
  const seconds = variants.map((): number[] => []);
  for (let run = 0; run < runs; run++)
    for (const [i, variant] of variants.entries())
      seconds[i]!.push(await cpuSeconds(path, truth.packets, variant));
  const plain = median(seconds[0]!);
  console.log(`${name}: ${truth.packets} packets, ${runs} runs`);
  for (const [i, variant] of variants.entries()) {
    const middle = median(seconds[i]!);
    const rate = truth.packets / middle / 1e6;
    console.log(
      `  ${(variant ?? "plain").padEnd(42)} ${middle.toFixed(2)} CPU s (${Math.min(...seconds[i]!).toFixed(2)}-${Math.max(...seconds[i]!).toFixed(2)}), ` +
        `${(middle / plain).toFixed(2)}x plain, ${rate.toFixed(2)} Mpps/core`,
    );
  }
  const most = question.ratio === undefined ? "" : `at most ${question.ratio}x plain, `;
  console.log(`  aim: ${most}at least ${question.rate} Mpps/core`);
}

const { only, ...options } = readOptions(process.argv.slice(2));
for (const name of only) await measure(name, options);
