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

interface Plan {
  readonly ring: BatchRing;
  readonly count: number;
  /** 0, then 1 once the writer is there, then 2 for it to begin. */
  readonly gate: SharedArrayBuffer;
}

function write({ ring, count, gate }: Plan): void {
  const word = new Int32Array(gate);
  Atomics.store(word, 0, 1);
  Atomics.notify(word, 0);
  Atomics.wait(word, 0, 1);
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
  const gate = new SharedArrayBuffer(4);
  const word = new Int32Array(gate);
  const begun = process.cpuUsage();
  new Worker(import.meta.filename, { workerData: { ring, count, gate } satisfies Plan });
  Atomics.wait(word, 0, 0);
  const before = process.cpuUsage();
  Atomics.store(word, 0, 2);
  Atomics.notify(word, 0);
  while (!reader.ended) {
    const word = Atomics.load(rung, 0);
    if (reader.drain() === 0) Atomics.wait(rung, 0, word, WAIT_MS);
  }
  const { user, system } = process.cpuUsage(before);
  const start = before.user + before.system - begun.user - begun.system;
  console.log(
    JSON.stringify({
      ...seen,
      dropped: reader.dropped,
      micros: user + system,
      start,
      rssMax: 0,
    }),
  );
  process.exit(0);
}

if (isMainThread) read(Number(process.argv[2]));
else write(workerData as Plan);
