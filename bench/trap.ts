// SPDX-License-Identifier: BSD-3-Clause
/** What TRAP costs: CPU time a message of both ends, through each kind of link, and of text in and out. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { alignColumns, median } from "./meter/report.ts";

const USAGE = `bun run bench trap [--messages N] [--runs N] [--only NAME,...] [--soak SECONDS]
  --messages  of 77 bytes, in millions (10)
  --runs      runs of each, in turns; medians are reported (3)
  --only      u, t, u4, ring, file, logger, logreplay (all)
  --soak      instead: two fast clients beside one that reads a record a second, for so long`;
const MILLION = 1_000_000;
const END = join(import.meta.dir, "trap/end.ts");
const RING = join(import.meta.dir, "trap/ring.ts");
const TEXT = join(import.meta.dir, "trap/text.ts");
/** What is to be reached: nanoseconds of CPU a message, both ends together. */
const AIM = { u: 120, t: 120, u4: 300, ring: 60, file: 100, logger: 800, logreplay: 1000 } as const;
type Name = keyof typeof AIM;
/** Records a second of the soak: what two fast clients read with ease. */
const SOAK_RATE = 300_000;
const PORT = 19_917;

const folder = mkdtempSync(join(tmpdir(), "nemean-bench-trap-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const fail = (message: string, exitCode = 64): never => {
  console.error(`bench trap: ${message}`);
  process.exit(exitCode);
};

interface Report {
  readonly micros: number;
  readonly start: number;
  readonly records?: number;
  readonly dropped?: number;
  readonly missed?: number;
  readonly rssMax: number;
  readonly clients?: readonly { sentMessages: number; skippedMessages: number }[];
}

/** Run processes side by side; returns what each said, in their order. */
async function together(commands: readonly (readonly string[])[]): Promise<Report[]> {
  const children = commands.map((command) =>
    Bun.spawn([process.execPath, ...command], {
      stdin: "ignore",
      stderr: "inherit",
      env: { ...process.env, TRAP_SOCKET_DIR: folder },
    }),
  );
  return await Promise.all(
    children.map(async (child, i) => {
      const text = await new Response(child.stdout).text();
      if ((await child.exited) !== 0)
        fail(`${commands[i]!.join(" ")} ended with ${child.exitCode}`, 70);
      return JSON.parse(text) as Report;
    }),
  );
}

/** Nanoseconds of CPU a message, of all processes together: at work, and with their start. */
interface Cost {
  readonly work: number;
  readonly whole: number;
}

const costOf = (reports: readonly Report[], count: number): Cost => {
  const work = reports.reduce((sum, { micros }) => sum + micros, 0);
  const start = reports.reduce((sum, report) => sum + report.start, 0);
  return { work: (work * 1000) / count, whole: ((work + start) * 1000) / count };
};

function checked(reports: readonly Report[], count: number): readonly Report[] {
  for (const { records, dropped = 0, missed = 0 } of reports)
    if ((records ?? count) !== count || dropped + missed > 0)
      fail(`of ${count} messages ${records} came, ${dropped} were dropped, ${missed} missed`, 70);
  return reports;
}

async function measure(name: Name, count: number): Promise<Cost> {
  const sending = (spec: string, clients = 1): string[] => [
    END,
    "send",
    spec,
    `${count}`,
    `${clients}`,
  ];
  switch (name) {
    case "u":
      return costOf(
        checked(await together([sending("u:x"), [END, "receive", "u:x"]]), count),
        count,
      );
    case "t": {
      const spec = `t:127.0.0.1:${PORT}`;
      return costOf(checked(await together([sending(spec), [END, "receive", spec]]), count), count);
    }
    case "u4": {
      const receivers = Array.from({ length: 4 }, () => [END, "receive", "u:x"]);
      return costOf(checked(await together([sending("u:x", 4), ...receivers]), count), count);
    }
    case "ring":
      return costOf(checked(await together([[RING, `${count}`]]), count), count);
    case "file": {
      const path = join(folder, "flows.trap");
      const written = await together([sending(`f:${path}`)]);
      const read = await together([[END, "receive", `f:${path}`]]);
      rmSync(path);
      return costOf(checked([...written, ...read], count), count);
    }
    default:
      return await text(name, count);
  }
}

/** The product's own process, its CPU time to its end, start and all; the other end is not counted. */
async function text(name: "logger" | "logreplay", count: number): Promise<Cost> {
  const csv = join(folder, "flows.csv");
  if (name === "logreplay") writeFileSync(csv, "");
  const args = name === "logger" ? ["-i", "u:x", "-w", csv, "-t"] : ["-i", "u:x", "-f", csv, "-d"];
  if (name === "logreplay") await together([[TEXT, "write", csv, `${count}`]]);
  const main = join(import.meta.dir, "../src/main.ts");
  const product = Bun.spawn([process.execPath, main, "run", name, ...args], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
    env: { ...process.env, TRAP_SOCKET_DIR: folder },
  });
  const other = await together([[TEXT, name === "logger" ? "send" : "receive", "u:x", `${count}`]]);
  if ((await product.exited) !== 0) fail(`${name} ended with ${product.exitCode}`, 70);
  checked(other, count);
  if (statSync(csv).size < count * 100) fail(`${csv} has ${statSync(csv).size} bytes`, 70);
  const whole = (Number(product.resourceUsage()!.cpuTime.total) * 1000) / count;
  return { work: whole, whole };
}

async function soak(seconds: number): Promise<void> {
  const count = SOAK_RATE * seconds;
  const fast = [END, "receive", "u:x:timeout=WAIT"];
  const run = async (slow: number): Promise<Report[]> => {
    const began = performance.now();
    const reports = await together([
      [END, "send", "u:x", `${count}`, `${2 + slow}`, `${SOAK_RATE}`],
      fast,
      fast,
      ...(slow > 0 ? [[END, "slow", "x", `${seconds}`]] : []),
    ]);
    const [sent] = reports;
    console.log(
      `\n${slow > 0 ? "with the slow client" : "without it"}: ${((performance.now() - began) / 1000).toFixed(0)} s, sender's memory at most ${Math.round(sent!.rssMax / 1e6)} MB`,
    );
    for (const [i, { records = 0, missed = 0 }] of reports.slice(1).entries())
      console.log(
        `  ${i < 2 ? "fast" : "slow"}: ${records} received, ${missed} missed, ${((100 * records) / count).toFixed(2)} %`,
      );
    for (const { sentMessages, skippedMessages } of sent!.clients!) {
      console.log(
        `  the sender's count: ${sentMessages} sent + ${skippedMessages} skipped = ${sentMessages + skippedMessages}`,
      );
      if (sentMessages + skippedMessages !== count) fail("the counts do not add up", 1);
    }
    for (const { records = 0, missed = 0 } of reports.slice(1))
      if (records + missed !== count)
        fail(`${records} received and ${missed} missed are not ${count}`, 1);
    return reports;
  };
  await run(0);
  await run(1);
}

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "10" },
    runs: { type: "string", default: "3" },
    only: { type: "string", default: Object.keys(AIM).join(",") },
    soak: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
if (values.soak !== undefined) {
  await soak(Number(values.soak));
  process.exit(0);
}
const count = Number(values.messages) * MILLION;
const names = values.only
  .split(",")
  .map((name) => (name in AIM ? (name as Name) : fail(`--only ${name}\n${USAGE}`)));
const costs = new Map<Name, Cost[]>(names.map((name) => [name, []]));
for (let run = 0; run < Number(values.runs); run++)
  for (const name of names) costs.get(name)!.push(await measure(name, count));
const middle = (name: Name, of: keyof Cost): number =>
  median(costs.get(name)!.map((cost) => cost[of]));
console.log(
  `CPU a message in ns, ${count} messages, medians of ${values.runs}; load ${loadavg()[0]!.toFixed(1)}\n`,
);
console.log(
  alignColumns([
    ["link", "at work", "with start", "range", "aim"],
    ...names.map((name) => {
      const works = costs.get(name)!.map(({ work }) => work);
      const range = `${Math.min(...works).toFixed(0)}-${Math.max(...works).toFixed(0)}`;
      return [
        name,
        middle(name, "work").toFixed(1),
        middle(name, "whole").toFixed(1),
        range,
        `${AIM[name]}`,
      ];
    }),
  ]),
);
