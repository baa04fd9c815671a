// SPDX-License-Identifier: BSD-3-Clause
// The product with its data folder on a file system that is really full: it detects on, says so, and recovers.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { FrameSender, Network, networkObstacle } from "../src/collectors/live/testing/network.ts";
import { get } from "../src/control/cli/local-api.ts";
import { AlertStore } from "../src/control/store/alert-store.ts";
import { Volume, volumeObstacle } from "./disk-full/volume.ts";
import { synFrame } from "./live/frames.ts";
import { treeOf } from "./live/process-tree.ts";
import { Product } from "./live/product.ts";

const obstacle = networkObstacle() ?? volumeObstacle();
const reason = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;
const MEGABYTES = 16;
const SCANNER = 0x0a090900;
const VICTIM = 0x0a010101;
const PORTS = 200;

setDefaultTimeout(90_000);

const configOf = (data: string): string => `
data = ${JSON.stringify(data)}
[[sources]]
interface = "right"
[meter]
idle = 1
[api]
port = 0
[sinks.file]
exporter = "file"
path = ${JSON.stringify(`${data}/alerts.json`)}
`;

describe.skipIf(obstacle !== undefined)(`the product on a full disk${reason}`, () => {
  let network: Network;
  beforeAll(() => {
    network = new Network();
  });
  afterAll(() => network[Symbol.dispose]());

  test("nemean up detects on while its disk is full, says so, loses no alert, and ends when it is told to", async () => {
    using volume = new Volume("ext4", MEGABYTES);
    const data = volume.file("data");
    const config = volume.file("nemean.toml");
    writeFileSync(config, configOf(data));
    await using product = new Product(["up", "--config", config]);
    await product.said(/the API answers on/);
    const before = treeOf(product.pid);
    using sender = new FrameSender("left");
    let scans = 0;
    const scan = (): void => {
      for (let port = 1; port <= PORTS; port++)
        sender.send(synFrame(SCANNER + scans, VICTIM, port));
      scans++;
    };
    const detected = async (): Promise<number> => {
      const { modules } = await get(data, "/api/v1/stats");
      return modules.find(({ name }) => name === "vportscan")?.inputs["flows"] ?? 0;
    };
    const until = async (what: string, look: () => Promise<boolean>): Promise<void> => {
      const began = performance.now();
      await product.until(async () => ((await look()) ? true : undefined), what);
      process.stdout.write(`${what} after ${Math.round(performance.now() - began)} ms\n`);
    };
    const isSeen = async () => (await detected()) === scans * PORTS;
    const reasons = async () => (await get(data, "/healthz")).reasons;

    scan();
    await until("a scan on a disk with room", isSeen);
    volume.fill();
    await until("degraded", async () => {
      // What is left of pages that were taken before is used up first.
      scan();
      return (await reasons()).length > 0;
    });
    for (let n = 0; n < 5; n++) scan();
    await until("scans on a full disk", isSeen);
    expect((await reasons()).join("\n")).toMatch(/full|ENOSPC|no space/i);
    volume.free();
    await until("healthy", async () => (await reasons()).length === 0);
    expect(treeOf(product.pid)).toEqual(before);

    volume.fill();
    const { milliseconds, code, stderr } = await product.stop();
    process.stdout.write(`ended with ${code} after ${milliseconds} ms on a full disk\n`);
    expect(stderr).not.toContain(" at ");
    volume.free();
    using store = new AlertStore(`${data}/nemean.sqlite`);
    const found = store.page({ detector: "vportscan", limit: 200 }).items;
    expect(new Set(found.map(({ source }) => source.ip)).size).toBe(scans);
  });
});
