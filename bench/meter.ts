// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, openSync, readSync } from "node:fs";
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { spawnSync } from "bun";
import { CAPTURE_NAMES, type Capture, ensureCapture } from "./captures.ts";
import { installPeers } from "./meter/install.ts";
import { bytesPerFlow, reportCapture } from "./meter/report.ts";
import { ours, PEERS, type Sample, type Tool } from "./meter/tools.ts";

const USAGE = `bun run bench meter [--runs N] [--captures NAME,...] [--peers NAME,...|none]
  --runs      runs of each tool; medians are reported (1)
  --captures  ${CAPTURE_NAMES.join(", ")} (h1M,real); h8M runs ours alone, for its memory
  --peers     ${Object.keys(PEERS).join(", ")} (all), or none`;

/** Of this capture only our own memory a flow is of interest, and the peers take minutes. */
const MEMORY_CAPTURE = "h8M";

interface Options {
  readonly runs: number;
  readonly captures: readonly string[];
  readonly peers: readonly string[];
}

const fail = (message: string, exitCode = 64): never => {
  console.error(`bench meter: ${message}`);
  process.exit(exitCode);
};

const chosen = (flag: string, list: string, known: readonly string[]): string[] => {
  const names = list.split(",").filter((name) => name !== "" && name !== "none");
  for (const name of names) {
    if (!known.includes(name)) fail(`${flag} ${name}: expected ${known.join(", ")}`);
  }
  return names;
};

const readOptions = (args: string[]): Options => {
  const peers = Object.keys(PEERS);
  const { values } = parseArgs({
    args,
    options: {
      runs: { type: "string", default: "1" },
      captures: { type: "string", default: "h1M,real" },
      peers: { type: "string", default: peers.join(",") },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) fail(`--runs ${values.runs}: expected a count from 1`);
  return {
    runs,
    captures: chosen("--captures", values.captures, CAPTURE_NAMES),
    peers: chosen("--peers", values.peers, peers),
  };
};

/** Writes the capture in a process of its own: this one stays small, see `runMeasured`. */
const prepareCapture = (name: string): Capture => {
  const script = new URL("captures.ts", import.meta.url).pathname;
  const { exitCode } = spawnSync([process.execPath, script, name], {
    stdout: "ignore",
    stderr: "inherit",
  });
  if (exitCode !== 0) process.exit(exitCode);
  return ensureCapture(name);
};

/** Reads the file once, so that the first tool does not wait for the disk on behalf of the others. */
const warmPageCache = (path: string): void => {
  const fd = openSync(path, "r");
  const buffer = new Uint8Array(1 << 20);
  while (readSync(fd, buffer, 0, buffer.length, null) > 0);
  closeSync(fd);
};

const runTool = async (tool: Tool, capture: Capture): Promise<[Tool, Sample]> => {
  const sample = await tool.run(capture.path);
  const { exitCode, cpuSeconds, wallSeconds, stderr } = sample.process;
  if (exitCode !== 0) {
    const said = stderr.trim().slice(-500);
    fail(`${tool.name} on ${capture.path}: exit code ${exitCode}: ${said}`, 70);
  }
  const { packets } = sample;
  if (packets !== undefined && packets !== capture.truth.packets) {
    console.error(`${tool.name}: says ${packets} of ${capture.truth.packets} packets`);
  }
  const load = loadavg()[0]!.toFixed(1);
  console.error(
    `${capture.name} ${tool.name}: ${cpuSeconds.toFixed(2)} s CPU, ${wallSeconds.toFixed(1)} s wall, load ${load}`,
  );
  return [tool, sample];
};

/** Every tool once a run, one after the other, so that the machine's moods meet all of them. */
async function* interleaved(tools: readonly Tool[], capture: Capture, runs: number) {
  for (let run = 0; run < runs; run++) {
    for (const tool of tools) yield runTool(tool, capture);
  }
}

const measure = async (name: string, options: Options): Promise<string> => {
  const capture = prepareCapture(name);
  const meter = ours();
  if (meter === undefined) console.error("src/main.ts: not found; measuring the peers alone");
  const peers = name === MEMORY_CAPTURE ? [] : options.peers.map((peer) => PEERS[peer]!);
  const tools = meter === undefined ? peers : [meter, ...peers];
  if (tools.length === 0) return `${name}: nothing to measure`;
  warmPageCache(capture.path);
  const results = new Map<Tool, Sample[]>(tools.map((tool) => [tool, []]));
  for await (const [tool, sample] of interleaved(tools, capture, options.runs)) {
    results.get(tool)!.push(sample);
  }
  const table = reportCapture(capture, results, meter);
  const memory = meter === undefined ? undefined : bytesPerFlow(results.get(meter)!);
  if (name !== MEMORY_CAPTURE || memory === undefined) return table;
  return `${table}\n${memory.toFixed(1)} bytes a flow: (peak RSS - RSS before the table) / flows`;
};

async function* measureAll(options: Options) {
  for (const name of options.captures) yield measure(name, options);
}

const options = readOptions(process.argv.slice(2));
installPeers(options.peers);
for await (const report of measureAll(options)) console.log(`${report}\n`);
