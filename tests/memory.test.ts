// SPDX-License-Identifier: BSD-3-Clause
// The appliance under scans without end: descriptors stay as many as they are, and memory is printed.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FrameSender, Network, networkObstacle } from "../src/collectors/live/testing/network.ts";
import { get } from "../src/control/cli/local-api.ts";
import { synFrame } from "./live/frames.ts";
import { type Usage, usageOf } from "./live/process-tree.ts";
import { Product } from "./live/product.ts";

const obstacle = networkObstacle();
const reason = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;

/** `bun run soak memory` asks for more. */
const MINUTES = Number(process.env["NEMEAN_SOAK"] ?? 0.15);
/** Frames of a turn, which are the scan of one source, and milliseconds between turns: 4,000 frames a second. */
const PORTS = 60;
const TURN_MS = 15;
/** Sources before the first comes again: each is forgotten by then, so tables and alerts come and go at one rate. */
const SCANNERS = 2 ** 20;
const SCANNER = 0x0a400000;
const VICTIM = 0x0a010101;

/** One sink that takes all, and one whose server is not there. */
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
path = ${JSON.stringify(join(data, "alerts.json"))}
rotate = 10
keep = 1

[sinks.gone]
exporter = "syslog"
transport = "tcp"
host = "127.0.0.1"
port = 1
`;

/** Megabytes an hour by least squares over samples a second apart. */
function slopeOf(samples: readonly Usage[]): number {
  const middle = (samples.length - 1) / 2;
  const mean = samples.reduce((sum, { megabytes }) => sum + megabytes, 0) / samples.length;
  let [above, below] = [0, 0];
  for (const [i, { megabytes }] of samples.entries()) {
    above += (i - middle) * (megabytes - mean);
    below += (i - middle) ** 2;
  }
  return (above / below) * 3600;
}

describe.skipIf(obstacle !== undefined)(`memory${reason}`, () => {
  let network: Network;
  const data = mkdtempSync(join(tmpdir(), "nemean-memory-"));
  beforeAll(() => {
    network = new Network();
  });
  afterAll(() => {
    network[Symbol.dispose]();
    rmSync(data, { recursive: true });
  });

  test(
    `nemean up holds no more descriptors after ${MINUTES} minutes of scans, with a sink that is gone`,
    async () => {
      mkdirSync(data, { recursive: true });
      const config = join(data, "nemean.toml");
      writeFileSync(config, configOf(data));
      await using product = new Product(["up", "--config", config]);
      await product.said(/the API answers on/);
      using sender = new FrameSender("left");
      const samples: Usage[] = [];
      const end = performance.now() + MINUTES * 60_000;
      for (let turn = 0, next = 0; performance.now() < end; turn++) {
        const source = SCANNER + (turn % SCANNERS);
        for (let port = 1; port <= PORTS; port++) sender.send(synFrame(source, VICTIM, port));
        if (performance.now() >= next) {
          next = performance.now() + 1000;
          await get(data, "/healthz");
          samples.push(usageOf(product.pid));
        }
        await Bun.sleep(TURN_MS);
      }
      const { alerts } = await get(data, "/api/v1/stats");
      expect(alerts).toBeGreaterThan(samples.length);
      // What is open for a moment, such as a connection that is being refused, comes and goes.
      const most = (of: readonly Usage[]) => Math.max(...of.map(({ descriptors }) => descriptors));
      const half = samples.length >> 1;
      expect(most(samples.slice(half))).toBeLessThanOrEqual(most(samples.slice(0, half)) + 4);
      const warm = samples.slice(Math.floor(samples.length / 3));
      process.stdout.write(
        `${MINUTES} minutes, ${sender.sent} frames, ${alerts} alerts: ${most(samples)} descriptors at most; ` +
          `${Math.round(warm[0]!.megabytes)} MB after a third, ${Math.round(samples.at(-1)!.megabytes)} MB at the end, ` +
          `slope ${slopeOf(warm).toFixed(1)} MB/h\n`,
      );
      expect((await product.stop()).code).toBe(0);
    },
    60_000 + MINUTES * 90_000,
  );
});
