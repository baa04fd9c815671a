// SPDX-License-Identifier: BSD-3-Clause
/** `ring.ts COUNT`: a Worker sends so many records through shared memory, this thread reads them. */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import {
  type BatchRing,
  createBell,
  createRing,
  RingReader,
  RingWriter,
} from "../../src/core/batch-ring.ts";
import { ModuleRunner } from "../../src/core/runner.ts";
import { receiver, seen, sender } from "./flow.ts";

const WAIT_MS = 100;

function write({ ring, count }: { ring: BatchRing; count: number }): void {
  const runner = new ModuleRunner(sender, { params: { count } });
  const writer = new RingWriter(ring);
  writer.patient = true;
  runner.outputs["flows"]!.link(writer);
  while (runner.produce() !== undefined);
  runner.end();
  parentPort!.close();
}

function read(count: number): void {
  const bell = createBell();
  const ring = createRing(bell, 16);
  const runner = new ModuleRunner(receiver);
  const reader = new RingReader(ring, runner.inputs["flows"]!);
  const rung = new Int32Array(bell);
  const before = process.cpuUsage();
  new Worker(import.meta.filename, { workerData: { ring, count } });
  while (!reader.ended) {
    const word = Atomics.load(rung, 0);
    if (reader.drain() === 0) Atomics.wait(rung, 0, word, WAIT_MS);
  }
  const { user, system } = process.cpuUsage(before);
  console.log(
    JSON.stringify({
      ...seen,
      dropped: reader.dropped,
      micros: user + system,
      start: 0,
      rssMax: 0,
    }),
  );
  process.exit(0);
}

if (isMainThread) read(Number(process.argv[2]));
else write(workerData as { ring: BatchRing; count: number });
