// SPDX-License-Identifier: BSD-3-Clause
// The product on a live interface, from frames on a wire to alerts in its API and its store.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FrameSender, Network, networkObstacle } from "../src/collectors/live/testing/network.ts";
import { AlertStore } from "../src/control/store/alert-store.ts";
import { synFrame, writeTraffic } from "./live/frames.ts";
import { get, Product } from "./live/product.ts";

const FRAMES = 100_000;
const obstacle =
  networkObstacle() ?? (Bun.which("tcpreplay") === null ? "needs tcpreplay" : undefined);
const reason = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;
/** The most that a graceful end may take on a busy machine; what it took is printed. */
const END_MS_MAX = 5_000;

const SCANNER = 0x0a090909;
const VICTIM = 0x0a010101;

setDefaultTimeout(60_000);

interface MeterReport {
  readonly packets: number;
  readonly flows: number;
  readonly ignored: Readonly<Record<string, number>>;
  readonly capture: {
    readonly received: number;
    readonly dropped: number;
    readonly unread: number;
  };
  readonly ringDrops: number;
}

describe.skipIf(obstacle !== undefined)(`live appliance${reason}`, () => {
  let network: Network;
  const folder = mkdtempSync(join(tmpdir(), "nemean-live-"));
  beforeAll(() => {
    network = new Network();
  });
  afterAll(() => {
    network[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  });

  function replay(file: string): void {
    const { stdout, stderr } = Bun.spawnSync(
      ["tcpreplay", "-q", "--topspeed", "-i", "left", file],
      { stdin: "ignore" },
    );
    expect(stdout.toString() + stderr.toString()).toMatch(
      new RegExp(`Successful packets:\\s+${FRAMES}\\n`),
    );
  }

  describe.each([1, 2])("nemean meter with %d Workers", (workers) => {
    test("nemean meter accounts for each of 100,000 frames and exports all flows at SIGTERM", async () => {
      const file = join(folder, "traffic.pcap");
      const csv = join(folder, "flows.csv");
      writeTraffic(file, FRAMES);
      const args = ["-I", "right", "--stats", "json", "--csv", csv, "--workers", String(workers)];
      await using product = new Product(["meter", ...args]);
      await product.said(/capturing from right/);
      replay(file);
      const { code, stdout, stderr, milliseconds } = await product.stop();
      expect([code, stderr]).toEqual([0, expect.not.stringContaining("warning")]);
      const report = JSON.parse(stdout) as MeterReport;
      const { capture, packets, ignored, flows, ringDrops } = report;
      expect(capture.received + capture.dropped).toBe(FRAMES);
      expect([packets, capture.unread, ringDrops]).toEqual([capture.received, 0, 0]);
      const rows = readFlows(csv);
      const outside = Object.values(ignored).reduce((sum, n) => sum + n, 0);
      expect([rows.count, rows.packets]).toEqual([flows, packets - outside]);
      expect(milliseconds).toBeLessThan(END_MS_MAX);
      process.stdout.write(
        `${workers} Workers: ${capture.received} received, ${capture.dropped} dropped of ${FRAMES}; ${flows} flows; SIGTERM to end: ${milliseconds} ms\n`,
      );
    });
  });

  test("nemean meter exports all flows at SIGTERM, also more than the rings between Workers hold", async () => {
    const csv = join(folder, "many.csv");
    await using product = new Product(["meter", "-I", "right", "--stats", "json", "--csv", csv]);
    await product.said(/capturing from right/);
    using sender = new FrameSender("left");
    for (let i = 0; i < FRAMES; i++) sender.send(synFrame(0x0b000000 + i, VICTIM, 80));
    const { code, stdout, milliseconds } = await product.stop();
    const { packets, capture, ringDrops } = JSON.parse(stdout) as MeterReport;
    expect([code, capture.received + capture.dropped, ringDrops]).toEqual([0, sender.sent, 0]);
    expect(readFlows(csv)).toEqual({ count: packets, packets });
    expect(milliseconds).toBeLessThan(END_MS_MAX);
    process.stdout.write(`${packets} flows; SIGTERM to end: ${milliseconds} ms\n`);
  });

  const SCAN = { detector: "vportscan", source: { ip: "10.9.9.9" }, target: { ip: "10.1.1.1" } };

  function scan(from: number, to: number): void {
    using sender = new FrameSender("left");
    for (let port = from; port <= to; port++) sender.send(synFrame(SCANNER, VICTIM, port));
  }

  /** Flows leave soon after their last packet, so that a test need not wait for them. */
  const up = (data: string, ...more: string[]) => upAsIs(data, "--idle", "1", ...more);

  async function upAsIs(data: string, ...more: string[]) {
    const product = new Product(["up", "-I", "right", "--port", "0", "--data", data, ...more]);
    const [, url] = await product.said(/the API answers on (\S+)/);
    return { product, url: url! };
  }

  const alertsOf = (url: string) =>
    (get(`${url}api/v1/alerts`) as { items: Record<string, unknown>[] }).items;

  /** Events in the store of an appliance that has ended. */
  function stored(data: string) {
    using store = new AlertStore(join(data, "nemean.sqlite"));
    return store.page().items;
  }

  test.each([1, 2])("nemean up with %d Workers finds a scan", async (workers) => {
    const data = join(folder, `up-${workers}`);
    const { product, url } = await up(data, "--workers", String(workers));
    await using _ = product;
    scan(1, 200);
    const [alert] = await product.until(() => {
      const items = alertsOf(url);
      return items.length > 0 ? items : undefined;
    }, "an alert");
    expect(alert).toMatchObject({ ...SCAN, state: "open", interface: "right" });
    expect(get(`${url}healthz`)).toMatchObject({ status: "ok", reasons: [] });
    const { code, milliseconds } = await product.stop();
    expect([code, milliseconds < END_MS_MAX]).toEqual([0, true]);
    expect(stored(data)).toMatchObject([{ ...SCAN, id: alert!["id"], observed: 200 }]);
  });

  test("nemean up finds a scan without an answer on a tap that falls silent, long before flows are idle", async () => {
    const { product, url } = await upAsIs(join(folder, "as-is"));
    await using _ = product;
    const began = performance.now();
    scan(1, 200);
    // This waits for less than the idle timeout.
    const alert = await product.until(() => alertsOf(url)[0], "an alert");
    expect(alert).toMatchObject(SCAN);
    process.stdout.write(`scan to alert: ${Math.round(performance.now() - began)} ms\n`);
    expect((await product.stop()).code).toBe(0);
  });

  test("nemean up finds a scan half of which came before a restart", async () => {
    const data = join(folder, "restart");
    const before = await up(data);
    await using _ = before.product;
    scan(1, 30);
    expect((await before.product.stop()).code).toBe(0);
    expect(stored(data)).toEqual([]);
    const after = await up(data);
    await using __ = after.product;
    scan(31, 60);
    const { code, stderr } = await after.product.stop();
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("warning")]);
    expect(stored(data)).toMatchObject([{ ...SCAN, observed: 60 }]);
  });

  test("nemean up tells of an interface that is gone and goes on when it is back", async () => {
    const { product, url } = await up(join(folder, "gone"), "--workers", "2");
    await using _ = product;
    const health = () => get(`${url}healthz`) as { status: string; reasons: string[] };
    network.ip("link del right");
    await product.until(() => (health().reasons.length === 2 ? true : undefined), "degraded");
    expect(health()).toMatchObject({
      status: "degraded",
      reasons: [
        expect.stringContaining("capture: right/0 is gone"),
        expect.stringContaining("capture: right/1 is gone"),
      ],
    });
    network.connect();
    await product.until(() => (health().status === "ok" ? true : undefined), "health");
    scan(1, 200);
    await product.until(() => alertsOf(url)[0], "an alert");
    expect((await product.stop()).code).toBe(0);
  });

  test.each([
    [["-I", "tap9"], [], 66, "nemean: tap9: no such interface; there are lo, "],
    [["-I", "right", "--filter", "port port"], [], 64, 'nemean: --filter: filter "port port": '],
    [
      ["-I", "right", "--workers", "2"],
      ["setpriv", "--bounding-set", "-net_raw,-net_admin"],
      77,
      "nemean: right: no permission to capture: run as root, or with the capability CAP_NET_RAW",
    ],
    [["-I", "right", "--csv", "/dev/null/x"], [], 73, "nemean: cannot write /dev/null/x: "],
  ] as const)(
    "nemean meter %j ends by itself and says why",
    async (args, prefix, code, message) => {
      await using product = new Product(["meter", ...args], prefix);
      const outcome = await product.outcome();
      expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(message)]);
      expect(outcome.stderr.split("nemean: ").length).toBe(2);
    },
  );
});

/** Records of a flow file, and packets in them, both ways. */
function readFlows(path: string): { count: number; packets: number } {
  const [header, ...lines] = readFileSync(path, "utf8").trim().split("\n");
  const names = header!.split(",").map((field) => field.split(" ").at(-1)!);
  const columns = [names.indexOf("PACKETS"), names.indexOf("PACKETS_REV")];
  let packets = 0;
  for (const line of lines) {
    const cells = line.split(",");
    for (const column of columns) packets += Number(cells[column]);
  }
  return { count: lines.length, packets };
}
