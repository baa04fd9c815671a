// SPDX-License-Identifier: BSD-3-Clause
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { TestFolder } from "../store/testing/alerts.ts";
import type { DeliveryStats } from "./delivery.ts";
import {
  acksFile,
  CRASH_SINKS,
  lastAck,
  queueFile,
  type Received,
  receivedByRun,
  receivedFile,
} from "./testing/crash-files.ts";
import { BATCH_ALERTS } from "./worker.ts";

/** `bun run soak queue` asks for more. */
const KILLS = Number(process.env["NEMEAN_SOAK"] ?? 5);
const CHILD = Bun.fileURLToPath(new URL("./testing/crash-child.ts", import.meta.url));

const spawn = (...args: string[]) =>
  Bun.spawn([process.execPath, CHILD, ...args], { stdout: "pipe", stderr: "pipe" });

/** Start the process and kill it some time after it is ready, or while it starts. */
async function runAndKill(folder: string, run: number): Promise<void> {
  const child = spawn(folder, String(run));
  if (run % 5 === 3) await Bun.sleep(20 + Math.random() * 200);
  else {
    const { value } = await child.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toStartWith("ready");
    await Bun.sleep(50 + Math.random() * 250);
  }
  child.kill("SIGKILL");
  await child.exited;
  expect(await child.stderr.text()).toBe("");
}

/** Alerts that a sink did not have before, in its order; those it had must be the same, and come first in a run. */
function withoutRepeats(runs: readonly (readonly Received[])[]): Received[] {
  const seen = new Map<number, Received>();
  for (const run of runs) {
    const repeats = run.filter(({ number }) => seen.has(number));
    expect(repeats.length).toBeLessThanOrEqual(BATCH_ALERTS);
    expect(run.slice(0, repeats.length)).toEqual(repeats);
    for (const alert of repeats) expect(alert).toEqual(seen.get(alert.number)!);
    for (const alert of run.slice(repeats.length)) {
      expect(seen.has(alert.number)).toBeFalse();
      seen.set(alert.number, alert);
    }
  }
  return [...seen.values()];
}

test(
  `Delivery killed ${KILLS} times brings every acknowledged alert to each sink, in order, and repeats a batch at most`,
  async () => {
    using folder = new TestFolder();
    for (let run = 0; run < KILLS; run++) await runAndKill(folder.path, run);
    const child = spawn(folder.path, String(KILLS), "drain");
    const said = await child.stdout.text();
    expect(await child.exited).toBe(0);
    const stats = JSON.parse(said.trim().split("\n").at(-1)!) as DeliveryStats;

    const acks = Array.from({ length: KILLS }, (_, run) => ({
      first: run * 1_000_000,
      last: lastAck(folder.file(acksFile(run))) ?? -1,
    }));
    expect(acks.filter(({ last }) => last >= 0).length).toBeGreaterThan(KILLS / 2);
    let repeats = 0;
    for (const [i, name] of CRASH_SINKS.entries()) {
      const runs = receivedByRun(folder.file(receivedFile(name)));
      const received = withoutRepeats(runs);
      repeats += runs.flat().length - received.length;
      const numbers = received.map(({ number }) => number);
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
      const had = new Set(numbers);
      for (const { first, last } of acks)
        for (let n = first; n <= last; n++) if (!had.has(n)) throw new Error(`${name}: no ${n}`);
      expect(stats.sinks[i]).toMatchObject({
        name,
        delivered: received.length,
        waiting: 0,
        dropped: 0,
        dead: 0,
      });
    }
    expect(stats.queue).toMatchObject({ state: "ok", alerts: 0 });
    using raw = new Database(folder.file(queueFile));
    expect(raw.query("PRAGMA integrity_check").values()).toEqual([["ok"]]);
    const acked = acks.reduce((sum, { first, last }) => sum + Math.max(0, last + 1 - first), 0);
    process.stdout.write(
      `${KILLS} kills, ${acked} alerts acknowledged, 0 lost at ${CRASH_SINKS.length} sinks, ${repeats} twice\n`,
    );
  },
  10_000 + KILLS * 2000,
);
