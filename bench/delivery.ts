// SPDX-License-Identifier: BSD-3-Clause
/**
 * What the delivery queue takes and gives a second: `bun run bench delivery`.
 *
 * Alerts of about 1 KB are put until they are committed, in groups of 200 with a sync of the disk each; then the file
 * is opened anew and sinks that take all at once drain it. Wall time, since the disk is part of it. Every alert has to
 * arrive at every sink, or the exit code is 1.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Delivery } from "../src/control/delivery/delivery.ts";
import type { NamedSink } from "../src/control/delivery/worker.ts";
import type { Alert } from "../src/core/alert.ts";

const ALERTS = 100_000;
const ROUNDS = 3;
/** On the project's disk: a folder for temporary files may be memory. */
const FOLDER = join(import.meta.dir, "../.cache/bench/delivery");

const FLOW = {
  SRC_IP: "198.51.100.7",
  DST_IP: "192.0.2.1",
  SRC_PORT: 51_000,
  DST_PORT: 22,
  PROTOCOL: 6,
  PACKETS: 12,
  BYTES: 3456,
  TIME_FIRST: 1_767_603_600_000_000,
  TIME_LAST: 1_767_603_601_000_000,
};

const alertOf = (n: number): Alert => ({
  id: Bun.randomUUIDv7(),
  key: `vportscan:198.51.100.7 192.0.2.${n & 255}`,
  update: 0,
  state: "open",
  detector: "vportscan",
  version: "0.1.0",
  rule: 9_000_001,
  title: "Vertical port scan",
  category: "Recon.Scanning",
  severity: n % 10,
  confidence: 0.9,
  techniques: ["T1046"],
  detectTime: 1_767_603_600_000_000 + n,
  firstTime: 1_767_603_600_000_000,
  lastTime: 1_767_603_600_000_000 + n,
  source: { ip: "198.51.100.7", port: 50_000 },
  target: { ip: `192.0.2.${n & 255}` },
  protocol: 6,
  reason: "50 ports of 192.0.2.1 in 3 s",
  observed: n,
  threshold: 50,
  evidence: [FLOW, FLOW, FLOW],
  sensor: "bench",
  interface: "tap0",
});

let isWrong = false;

const counting = (name: string, done: () => void): NamedSink & { count: number } => {
  const counted = {
    name,
    count: 0,
    sink: {
      send(alerts: readonly Alert[]) {
        counted.count += alerts.length;
        if (counted.count >= ALERTS) done();
        return Promise.resolve({ accepted: alerts.length });
      },
      close: () => Promise.resolve(),
    },
  };
  return counted;
};

/** Alerts a second put and committed while no sink runs. */
async function enqueue(path: string, names: readonly string[]): Promise<number> {
  const down = { accepted: 0, failure: "down" };
  const sinks = names.map((name) => ({
    name,
    sink: { send: () => Promise.resolve(down), close: () => Promise.resolve() },
  }));
  const delivery = Delivery.start(path, sinks);
  const alerts = Array.from({ length: ALERTS }, (_, n) => alertOf(n));
  const start = performance.now();
  for (const alert of alerts) delivery.put(alert);
  isWrong ||= !(await delivery.committed());
  const rate = ALERTS / ((performance.now() - start) / 1000);
  await delivery.close();
  return rate;
}

/** Alerts a second that all sinks have, the file told so. */
async function drain(path: string, names: readonly string[]): Promise<number> {
  const start = performance.now();
  const ends: Promise<void>[] = [];
  const sinks = names.map((name) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    ends.push(promise);
    return counting(name, resolve);
  });
  const delivery = Delivery.start(path, sinks);
  await Promise.all(ends);
  await delivery.close();
  const rate = ALERTS / ((performance.now() - start) / 1000);
  isWrong ||= sinks.some(({ count }) => count !== ALERTS);
  return rate;
}

const perSecond = (rates: readonly number[]): string =>
  rates.map((rate) => Math.round(rate / 1000).toString()).join(", ");

mkdirSync(FOLDER, { recursive: true });
const bytes = Buffer.byteLength(JSON.stringify(alertOf(1)));
console.log(`${ALERTS} alerts of ${bytes} bytes, thousands a second, ${ROUNDS} rounds`);
for (const names of [["a"], ["a", "b", "c"]]) {
  const put: number[] = [];
  const sent: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const path = join(FOLDER, `${round}.sqlite`);
    put.push(await enqueue(path, names));
    sent.push(await drain(path, names));
    for (const end of ["", "-wal", "-shm"]) rmSync(path + end, { force: true });
  }
  console.log(
    `${names.length} sink${names.length > 1 ? "s" : ""}: enqueue ${perSecond(put)}; drain ${perSecond(sent)}`,
  );
}
process.exit(isWrong ? 1 : 0);
