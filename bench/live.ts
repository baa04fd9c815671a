// SPDX-License-Identifier: BSD-3-Clause
/** The product under live load: does the API stay quick, is each frame accounted for, what does a frame cost? */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { spawnSync } from "bun";
import { Network, networkObstacle } from "../src/collectors/live/testing/network.ts";
import { writeTraffic } from "../tests/live/frames.ts";
import { cpuSecondsOf } from "../tests/live/process-tree.ts";
import { CACHE_DIR } from "./captures.ts";
import { type Answers, ask, flood, frames, start } from "./live/load.ts";
import { alignColumns } from "./meter/report.ts";

const USAGE = `bun run bench live [--seconds N] [--workers N] [--scale N]
  --seconds  how long each load lasts (10)
  --workers  capture Workers (1)
  --scale    generated traffic of the replay, as demo's option (500)`;
/** Milliseconds the API's p99 should stay below. */
const AIM = 20;
const FRAMES = 100_000;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    workers: { type: "string", default: "1" },
    scale: { type: "string", default: "500" },
    inside: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const seconds = Number(values.seconds);

function stop(message: string): never {
  console.error(`bench live: ${message}`);
  process.exit(69);
}

/** In a network namespace of its own from its first thread on, since the HTTP client is another. */
if (!values.inside) {
  const obstacle = networkObstacle() ?? (Bun.which("tcpreplay") ? undefined : "needs tcpreplay");
  if (obstacle) stop(obstacle);
  const command = ["unshare", "--net", process.execPath, import.meta.path, "--inside"];
  const { exitCode } = spawnSync([...command, ...process.argv.slice(2)], {
    stdio: ["inherit", "inherit", "inherit"],
  });
  process.exit(exitCode);
}

const rows: string[][] = [["load", "requests", "p50 ms", "p99 ms", "max ms", "CPU s"]];
const worst: number[] = [];
function report(load: string, { count, failed, p50, p99, max }: Answers, cpu: number): void {
  const requests = failed === 0 ? `${count}` : `${count}, ${failed} FAILED`;
  rows.push([load, requests, ...[p50, p99, max].map((ms) => ms.toFixed(1)), cpu.toFixed(2)]);
  worst.push(p99);
}

/** What is said below the table. */
const notes: string[] = [];

async function live(file: string, data: string): Promise<void> {
  const args = ["up", "-I", "right", "--port", "0", "--data", data, "--workers", values.workers];
  const { product, url } = await start(args, /the API answers on (\S+)/);
  await using _ = product;
  let before = cpuSecondsOf(product.pid);
  report("idle", await ask(url, seconds / 2), cpuSecondsOf(product.pid) - before);
  before = cpuSecondsOf(product.pid);
  const [sent, answers] = await Promise.all([flood(file, seconds), ask(url, seconds)]);
  const cpu = cpuSecondsOf(product.pid) - before;
  report(`tcpreplay, ${values.workers} Worker(s)`, answers, cpu);
  // The last block is handed over after 60 ms, and counters come four times a second.
  await Bun.sleep(1000);
  const { received, dropped } = await frames(url);
  const { code, milliseconds } = await product.stop();
  const unexplained = sent - received - dropped;
  notes.push(
    `${sent} frames sent (${Math.round(sent / seconds)}/s): ${received} received, ${dropped} dropped by the kernel, ${unexplained} unexplained`,
    `${Math.round((cpu / received) * 1e9)} ns of CPU a frame, the API's requests included`,
    `SIGTERM to end: ${milliseconds} ms, exit code ${code}`,
  );
  if (unexplained !== 0) process.exitCode = 1;
}

async function replay(): Promise<void> {
  const port = 8080;
  const url = `http://127.0.0.1:${port}/`;
  const { product } = await start(
    ["demo", "--once", "--scale", values.scale, "--port", `${port}`],
    /^/,
  );
  await using _ = product;
  await product.until(() =>
    fetch(`${url}healthz`).then(
      () => true,
      () => undefined,
    ),
  );
  const before = cpuSecondsOf(product.pid);
  const answers = await ask(url, seconds);
  report("replay at full speed", answers, cpuSecondsOf(product.pid) - before);
  const stats = (await (await fetch(`${url}api/v1/stats`)).json()) as {
    finished: boolean;
    sources: { meter: { packets: number; flows: number } }[];
  };
  const { packets, flows } = stats.sources[0]!.meter;
  notes.push(
    `replay: ${packets} packets, ${flows} flows by then${stats.finished ? "; it ENDED before the requests did: raise --scale" : ""}`,
  );
}

using _network = new Network();
const folder = mkdtempSync(join(tmpdir(), "nemean-bench-"));
const file = join(CACHE_DIR, "live.pcap");
try {
  mkdirSync(CACHE_DIR, { recursive: true });
  if (!existsSync(file)) writeTraffic(file, FRAMES);
  await live(file, folder);
  await replay();
} finally {
  rmSync(folder, { recursive: true });
}
console.log(`${alignColumns(rows)}\n\n${notes.join("\n")}`);
console.log(`p99 aim: ${AIM} ms, worst: ${Math.max(...worst).toFixed(1)} ms`);
