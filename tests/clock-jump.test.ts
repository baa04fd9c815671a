// SPDX-License-Identifier: BSD-3-Clause
// The clock is set while traffic is observed: in the capture's own times, and under the running program.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PcapWriter } from "../bench/capture/pcap-writer.ts";
import { FrameSender, Network, networkObstacle } from "../src/collectors/live/testing/network.ts";
import { get } from "../src/control/cli/local-api.ts";
import { allModules } from "../src/control/modules.ts";
import { PipelineRun } from "../src/control/pipeline-run.ts";
import { AlertStore } from "../src/control/store/alert-store.ts";
import type { Alert } from "../src/core/alert.ts";
import { SECOND } from "../src/core/unirec/time.ts";
import { flowsIn } from "./live/flow-file.ts";
import { synFrame } from "./live/frames.ts";
import { Product } from "./live/product.ts";

const START = 1_767_603_600 * SECOND;
const HOUR = 3600 * SECOND;
const VICTIM = 0x0a010101;
const SCANNER = 0x0a090900;
const PORTS = 200;

const folder = mkdtempSync(join(tmpdir(), "nemean-clock-"));
afterAll(() => rmSync(folder, { recursive: true }));
setDefaultTimeout(60_000);

/** A capture of scans, each by another source, that begin at these times and go over 20 s. */
function captureOf(name: string, begins: readonly number[]): string {
  const path = join(folder, name);
  const file = new PcapWriter(path, 96);
  for (const [scan, begin] of begins.entries())
    for (let port = 1; port <= PORTS; port++) {
      const frame = synFrame(SCANNER + scan, VICTIM, port);
      const at = file.begin(begin + port * 0.1 * SECOND, frame.length, frame.length);
      file.bytes.set(frame, at);
    }
  file.close();
  return path;
}

/** The first alerts of scans, in the order in which they came. */
const scansOf = (alerts: readonly Alert[]): Alert[] =>
  alerts.filter(({ detector, update }) => detector === "vportscan" && update === 0);

function expectOrdered(ids: readonly string[]): void {
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual([...ids]);
}

test.each([
  ["on by an hour", [START, START + 20 * SECOND + HOUR]],
  ["back by an hour", [START, START + 20 * SECOND - HOUR]],
  ["back to 1970 and on again", [START, 0, START + HOUR]],
  ["from 1970 to today", [0, START]],
])("nemean finds every scan of a capture whose clock goes %s", async (name, begins) => {
  const flows = join(folder, `${name}.csv`);
  const alerts: Alert[] = [];
  const modules = (await allModules()).filter(({ kind }) => kind === "detector");
  const run = await PipelineRun.open(
    {
      source: { kind: "files", paths: [captureOf(`${name}.pcap`, begins)] },
      meter: { idle: 1 },
      modules: modules.map(({ def }) => ({ name: def.name, params: {} })),
      sensor: "test",
      flows,
    },
    { onAlert: (alert) => alerts.push(alert), onWarning: (why) => expect(why).toBe("") },
  );
  while (run.step());
  run.finish();
  const rows = flowsIn(flows);
  expect(rows.length).toBe(begins.length * PORTS);
  for (const { first, last } of rows) expect(last).toBeGreaterThanOrEqual(first);
  // A flow's times are those of its packets: it lies in one of the scans.
  for (const { first } of rows)
    expect(begins.some((begin) => first >= begin && first <= begin + 20 * SECOND)).toBeTrue();
  const scans = scansOf(alerts);
  expect(scans.map(({ source }) => source.ip).toSorted()).toEqual(
    begins.map((_, scan) => `10.9.9.${scan}`),
  );
  for (const { firstTime, lastTime, detectTime } of alerts)
    expect([lastTime >= firstTime, detectTime >= firstTime]).toEqual([true, true]);
  expectOrdered(scans.map(({ id }) => id));
});

const LIBRARY = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
]
  .map((place) => join(place, "faketime/libfaketimeMT.so.1"))
  .find((path) => existsSync(path));
const obstacle = networkObstacle() ?? (LIBRARY === undefined ? "needs libfaketime" : undefined);
const reason = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;

describe.skipIf(obstacle !== undefined)(`the program's clock${reason}`, () => {
  let network: Network;
  beforeAll(() => {
    network = new Network();
  });
  afterAll(() => network[Symbol.dispose]());

  test("nemean up finds scans and keeps alerts while its clock is set on, back and to 1970", async () => {
    const clock = join(folder, "clock");
    const data = join(folder, "data");
    const set = (to: string) => writeFileSync(clock, `${to}\n`);
    set("+0");
    // The clock of the wall alone: nobody sets the one that timers wait by.
    const env = [
      `LD_PRELOAD=${LIBRARY}`,
      `FAKETIME_TIMESTAMP_FILE=${clock}`,
      "FAKETIME_NO_CACHE=1",
      "FAKETIME_DONT_FAKE_MONOTONIC=1",
    ];
    const args = ["up", "-I", "right", "--idle", "1", "--port", "0", "--data", data];
    await using product = new Product(args, ["env", ...env]);
    await product.said(/the API answers on/);
    const stored = async () => {
      const { alerts } = await get(data, "/api/v1/stats");
      return alerts;
    };
    using sender = new FrameSender("left");
    for (const [scan, to] of ["+0", "+1h", "-1h", "@1970-01-01 00:10:00", "+0"].entries()) {
      set(to);
      const before = await stored();
      for (let port = 1; port <= PORTS; port++) sender.send(synFrame(SCANNER + scan, VICTIM, port));
      await product.until(async () => ((await stored()) > before ? true : undefined), to);
      expect(await get(data, "/healthz")).toMatchObject({ status: "ok" });
    }
    const { code, stderr } = await product.stop();
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("warning")]);
    using store = new AlertStore(join(data, "nemean.sqlite"));
    const { items } = store.page({ detector: "vportscan" });
    expect(items.map(({ source }) => source.ip).toSorted()).toEqual(
      [0, 1, 2, 3, 4].map((scan) => `10.9.9.${scan}`),
    );
    for (const { firstTime, lastTime } of items) expect(lastTime).toBeGreaterThanOrEqual(firstTime);
    const byScan = items.toSorted((a, b) => (a.source.ip! < b.source.ip! ? -1 : 1));
    expectOrdered(byScan.map(({ id }) => id));
  });
});
