// SPDX-License-Identifier: BSD-3-Clause
/**
 * A process to be killed: puts numbered alerts without end, and notes what is acknowledged and what its sinks got.
 *
 *     crash-child.ts FOLDER RUN          puts alerts from RUN millions on until it is killed
 *     crash-child.ts FOLDER RUN drain    puts none, ends when all is delivered
 */
import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Alert } from "../../../core/alert.ts";
import type { Sink } from "../../../core/exporter.ts";
import { Delivery } from "../delivery.ts";
import { acksFile, CRASH_SINKS, queueFile, receivedFile } from "./crash-files.ts";
import { numbered } from "./sinks.ts";

const TICK_MS = 2;
const ALERTS_A_TICK = 50;

/** Writes down what it takes, a line an alert, and sometimes takes a part only. */
class RecordingSink implements Sink {
  readonly #fd: number;

  constructor(path: string, run: number) {
    this.#fd = openSync(path, "a");
    // The process before may have been killed within a line.
    writeSync(this.#fd, `\nrun ${run} .\n`);
  }

  async send(alerts: readonly Alert[]): Promise<{ accepted: number }> {
    await Bun.sleep(Math.random() * 4);
    const accepted = Math.random() < 0.8 ? alerts.length : Math.ceil(alerts.length / 3);
    const lines = alerts
      .slice(0, accepted)
      .map(({ observed, id, update }) => `${observed} ${id} ${update} .\n`);
    writeSync(this.#fd, lines.join(""));
    return { accepted };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const [folder = "", runText = "", mode] = process.argv.slice(2);
const run = Number(runText);
const delivery = Delivery.start(
  join(folder, queueFile),
  CRASH_SINKS.map((name) => ({
    name,
    sink: new RecordingSink(join(folder, receivedFile(name)), run),
  })),
);
writeSync(1, "ready\n");

if (mode === "drain") {
  while (delivery.stats().sinks.some(({ waiting }) => waiting > 0)) await Bun.sleep(5);
  await delivery.close();
  writeSync(1, `${JSON.stringify(delivery.stats())}\n`);
} else {
  const acks = openSync(join(folder, acksFile(run)), "a");
  for (let n = run * 1_000_000; ; ) {
    for (let i = 0; i < ALERTS_A_TICK; i++, n++) delivery.put(numbered(n, { update: n % 3 }));
    const last = n - 1;
    void delivery.committed().then((kept) => kept && writeSync(acks, `${last}\n`));
    await Bun.sleep(TICK_MS);
  }
}
