// SPDX-License-Identifier: BSD-3-Clause
/** What the whole appliance costs while it waits, and while alerts come and are watched. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { sleep } from "bun";
import { cpuSecondsOf, treeOf } from "../tests/live/process-tree.ts";
import { median } from "./meter/report.ts";

const USAGE = `bun run bench up [--runs N] [--clients N] [--seconds N]
  --runs     starts; medians of readiness and memory are reported (5)
  --clients  watchers of the alert stream, against none (50)
  --seconds  how long they watch (20)
Captures from lo, so it needs root; the only traffic is its own, on loopback.`;

const MAIN = resolve(import.meta.dir, "../src/main.ts");
/** Until what a start leaves behind has been let go. */
const SETTLE_MS = 10_000;
/** PSS in MB of all processes: memory that they share counts once. */
const pss = (pid: number): number =>
  treeOf(pid).reduce(
    (sum, each) =>
      sum +
      Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${each}/smaps_rollup`, "utf8"))?.[1]) / 1024,
    0,
  );

/** A running appliance. */
class Up implements AsyncDisposable {
  readonly #data = mkdtempSync(join(tmpdir(), "nemean-bench-"));
  readonly #began = performance.now();
  readonly #child = Bun.spawn(
    [process.execPath, MAIN, "up", "-I", "lo", "--data", this.#data, "--port", "0"],
    { stdout: "ignore", stderr: "pipe" },
  );
  readonly pid = this.#child.pid;
  url = "";
  /** Seconds to readiness. */
  ready = 0;

  async start(): Promise<void> {
    let said = "";
    for await (const bytes of this.#child.stderr) {
      said += Buffer.from(bytes).toString();
      const [, url] = /capturing from lo; the API answers on (\S+)/.exec(said) ?? [];
      if (url === undefined) continue;
      this.url = url;
      this.ready = (performance.now() - this.#began) / 1000;
      return;
    }
    throw new Error(`the appliance ended: ${said}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.exited;
    rmSync(this.#data, { recursive: true });
  }
}

/** Scan loopback, 300 ports a second, so that alerts come all the time. */
async function scan(seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  for (let n = 0; performance.now() < end; ) {
    for (let i = 0; i < 60; i++, n++)
      connect(20_000 + (n % 20_000), `127.0.0.${2 + (Math.floor(n / 60) % 200)}`).on(
        "error",
        () => {},
      );
    await sleep(200);
  }
}

/** Percent of a core while so many watch, and the bytes they were sent. */
async function watched(clients: number, seconds: number): Promise<[number, number]> {
  await using up = new Up();
  await up.start();
  const gone = new AbortController();
  let received = 0;
  const watch = async (): Promise<void> => {
    const { body } = await fetch(`${up.url}api/v1/alerts/stream`, { signal: gone.signal });
    for await (const bytes of body!) received += bytes.length;
  };
  for (let i = 0; i < clients; i++) watch().catch(() => {});
  await sleep(1000);
  const before = cpuSecondsOf(up.pid);
  await scan(seconds);
  const percent = ((cpuSecondsOf(up.pid) - before) / seconds) * 100;
  gone.abort();
  return [percent, received];
}

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    clients: { type: "string", default: "50" },
    seconds: { type: "string", default: "20" },
    help: { type: "boolean", default: false },
  },
});
const [runs, clients, seconds] = [values.runs, values.clients, values.seconds].map(Number);
if (values.help || !(runs! > 0 && clients! > 0 && seconds! > 0)) {
  console.log(USAGE);
  process.exit(values.help ? 0 : 64);
}

const ready: number[] = [];
const memory: number[] = [];
for (let run = 0; run < runs!; run++) {
  await using up = new Up();
  await up.start();
  ready.push(up.ready);
  await sleep(SETTLE_MS);
  memory.push(pss(up.pid));
}
console.log(`ready in ${median(ready).toFixed(2)} s, then ${median(memory).toFixed(0)} MB (PSS)`);
for (const count of [0, clients!]) {
  const [percent, received] = await watched(count, seconds!);
  console.log(`${count} watchers: ${percent.toFixed(1)} % of a core, ${received} bytes sent`);
}
