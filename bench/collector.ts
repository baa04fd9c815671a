// SPDX-License-Identifier: BSD-3-Clause
/** What collecting costs: CPU time a record of NetFlow v9, of ours and of others on the same stream. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { mutated } from "./collector/mutated.ts";
import { RECORDS } from "./collector/stream.ts";
import { type CollectorTool, type Taken, TOOLS } from "./collector/tools.ts";
import { alignColumns, median } from "./meter/report.ts";

const USAGE = `bun run bench collector [--records N] [--rate N] [--runs N] [--only NAME,...] [--mutated N]
  --records  sent in a run, in millions (30)
  --rate     datagrams a second, of ${RECORDS} records (20000)
  --runs     runs of each, in turns; medians are reported (3)
  --only     ${TOOLS.map(({ name }) => name).join(", ")} (all that are installed)
  --mutated  instead: so many damaged datagrams, in millions, and good ones beside them
  --seed     of the damage (1)`;
const SEND = join(import.meta.dir, "collector/send.ts");
/** Milliseconds to be ready in, and to take the last datagrams. */
const READY_MS = 10_000;
const LAST_MS = 1500;
/** Clock ticks a second, as /proc counts CPU time. */
const TICKS = 100;

interface Sent {
  readonly datagrams: number;
  readonly announcements: number;
  readonly records: number;
  readonly seconds: number;
}

interface Run {
  readonly sent: Sent;
  readonly taken: Taken;
  readonly cpuSeconds: number;
}

const count = new Intl.NumberFormat("en-US");

/** CPU seconds of a process and of its children, so far. */
function cpuSecondsOf(pid: number): number {
  let sum = 0;
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      // Behind the name in parentheses: state, parent, …; user and system time are the 14th and 15th of all.
      const [, rest = ""] = readFileSync(`/proc/${entry}/stat`, "utf8").split(/\) /);
      const values = rest.split(" ");
      if (Number(entry) === pid || Number(values[1]) === pid)
        sum += Number(values[11]) + Number(values[12]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return sum / TICKS;
}

async function freePort(): Promise<number> {
  const socket = await Bun.udpSocket({ hostname: "127.0.0.1", port: 0 });
  const { port } = socket;
  socket.close();
  return port;
}

/** Whether a UDP port of this machine has a socket (proc(5)). */
const listens = (port: number): boolean =>
  readFileSync("/proc/net/udp", "utf8").includes(
    `:${port.toString(16).toUpperCase().padStart(4, "0")} `,
  );

async function measure(tool: CollectorTool, datagrams: number, rate: number): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), "nemean-bench-collector-"));
  const port = await freePort();
  try {
    const own = join(folder, "out");
    mkdirSync(own);
    const child = Bun.spawn([...tool.command(port, own)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    const out = new Response(child.stdout).text();
    const until = Date.now() + READY_MS;
    while (!listens(port)) {
      if (Date.now() > until) throw new Error(`${tool.name} does not listen on ${port}`);
      await Bun.sleep(20);
    }
    await Bun.sleep(500);
    const sender = Bun.spawn([process.execPath, SEND, `${port}`, `${datagrams}`, `${rate}`], {
      stderr: "inherit",
    });
    const sent = JSON.parse(await new Response(sender.stdout).text()) as Sent;
    await Bun.sleep(LAST_MS);
    const cpuSeconds = cpuSecondsOf(child.pid);
    child.kill("SIGINT");
    await child.exited;
    return { sent, cpuSeconds, taken: tool.taken(own, await out) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Whether what was sent is what was taken and what was counted. */
function balance({ sent, taken }: Run): string {
  if (Number.isNaN(taken.records)) return "?";
  const missing = sent.records - taken.records;
  if (taken.drops === undefined) return `${count.format(missing)} missing`;
  // Templates are dropped as well, and then are no records.
  const most = taken.drops * RECORDS;
  const least = Math.max(0, taken.drops - sent.announcements) * RECORDS;
  return missing >= least && missing <= most
    ? `${count.format(missing)} dropped, EXACT`
    : `${count.format(missing)} missing, ${count.format(taken.drops)} datagrams counted: OFF`;
}

function row(tool: CollectorTool, runs: readonly Run[]): string[] {
  // What was dropped cost little: only what was taken counts.
  const perMillion = runs.map(({ cpuSeconds, taken }) => (cpuSeconds * 1e6) / taken.records);
  const fastest = Math.max(...runs.map(({ sent }) => sent.datagrams / sent.seconds));
  return [
    tool.name,
    median(perMillion).toFixed(3),
    `${Math.min(...perMillion).toFixed(3)}-${Math.max(...perMillion).toFixed(3)}`,
    count.format(Math.round(fastest)),
    [...new Set(runs.map(balance))].join("; "),
  ];
}

const { values } = parseArgs({
  options: {
    records: { type: "string", default: "30" },
    rate: { type: "string", default: "20000" },
    runs: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    mutated: { type: "string" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
if (values.mutated !== undefined) {
  const isGood = mutated(Number(values.mutated) * 1e6, Number(values.seed));
  process.exit(isGood ? 0 : 1);
}
const only = values.only === "" ? undefined : values.only.split(",");
const tools = TOOLS.filter(({ name, isThere }) => (only ? only.includes(name) : isThere));
const datagrams = Math.ceil((Number(values.records) * 1e6) / RECORDS);
const runs = new Map<CollectorTool, Run[]>(tools.map((tool) => [tool, []]));
for (let i = 0; i < Number(values.runs); i++)
  for (const tool of tools)
    runs.get(tool)!.push(await measure(tool, datagrams, Number(values.rate)));
console.log(
  `${count.format(datagrams * RECORDS)} records in ${count.format(datagrams)} datagrams; load ${loadavg()[0]!.toFixed(1)}\n`,
);
console.log(
  alignColumns([
    ["collector", "CPU s a million taken", "range", "datagrams/s", "sent and taken"],
    ...tools.map((tool) => row(tool, runs.get(tool)!)),
  ]),
);
console.log(`\n${tools.map(({ name, job }) => `${name} ${job}`).join("; ")}.`);
