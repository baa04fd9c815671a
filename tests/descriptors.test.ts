// SPDX-License-Identifier: BSD-3-Clause
// The product when it may open nothing more: what comes meanwhile is refused or waits, and then goes on.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FrameSender, Network, networkObstacle } from "../src/collectors/live/testing/network.ts";
import { get } from "../src/control/cli/local-api.ts";
import { socketPath } from "../src/control/data-folder.ts";
import { synFrame } from "./live/frames.ts";
import { treeOf } from "./live/process-tree.ts";
import { Product } from "./live/product.ts";

const obstacle =
  networkObstacle() ?? (Bun.which("prlimit") === null ? "needs prlimit of util-linux" : undefined);
const reason = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;
const DESCRIPTORS = 64;
const PORTS = 200;

setDefaultTimeout(60_000);

describe.skipIf(obstacle !== undefined)(`descriptors${reason}`, () => {
  let network: Network;
  const data = mkdtempSync(join(tmpdir(), "nemean-descriptors-"));
  beforeAll(() => {
    network = new Network();
  });
  afterAll(() => {
    network[Symbol.dispose]();
    rmSync(data, { recursive: true });
  });

  test(`nemean up with ${DESCRIPTORS} descriptors, all of them taken by clients, detects on and recovers`, async () => {
    const config = join(data, "nemean.toml");
    const alerts = join(data, "alerts.json");
    writeFileSync(
      config,
      `data = ${JSON.stringify(data)}
[[sources]]
interface = "right"
[meter]
idle = 1
[api]
port = 0
[sinks.file]
exporter = "file"
path = ${JSON.stringify(alerts)}
`,
    );
    const limit = ["prlimit", `--nofile=${DESCRIPTORS}`];
    await using product = new Product(["up", "--config", config], limit);
    await product.said(/the API answers on/);
    const processes = treeOf(product.pid);
    const held = (): number => readdirSync(`/proc/${product.pid}/fd`).length;

    const clients: Socket[] = [];
    for (let i = 0; i < DESCRIPTORS; i++)
      clients.push(connect(socketPath(data)).on("error", () => undefined));
    await product.until(() => (held() === DESCRIPTORS ? true : undefined), "no descriptor left");
    using sender = new FrameSender("left");
    for (let port = 1; port <= PORTS; port++) sender.send(synFrame(0x0a090909, 0x0a010101, port));
    await product.until(() => (product.stdout.includes("vportscan:") ? true : undefined), "alert");

    for (const client of clients) client.destroy();
    await product.until(async () => {
      const { reasons } = await get(data, "/healthz");
      const { items } = await get(data, "/api/v1/sinks");
      return reasons.length === 0 && items[0]?.waiting === 0 ? true : undefined;
    }, "the sink has all");
    expect(await Bun.file(alerts).text()).toContain('"ip":"10.9.9.9"');
    expect(held()).toBeLessThan(DESCRIPTORS);
    expect(treeOf(product.pid)).toEqual(processes);
    expect((await product.stop()).code).toBe(0);
  });
});
