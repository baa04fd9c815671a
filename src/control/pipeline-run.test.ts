// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, setSystemTime, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Alert } from "../core/alert.ts";
import { CaptureWriter } from "../core/capture-file/testing/writer.ts";
import { netflow5, SENT } from "../core/ipfix/collect/testing/messages.ts";
import { ETHERTYPE, ethernet, ipv4, PROTOCOL, udp } from "../core/packet/test-kit.ts";
import { SECOND } from "../core/unirec/time.ts";
import { Folder, scanCapture } from "./cli/testing/command-line.ts";
import { type PipelinePlan, PipelineRun } from "./pipeline-run.ts";

const folder = new Folder();
afterAll(() => folder.remove());
const scan = folder.file("scan.pcap", scanCapture(60));
const text = folder.file("text.pcap", "no capture at all");

const plan = (paths: readonly string[], more: Partial<PipelinePlan> = {}): PipelinePlan => ({
  source: { kind: "files", paths },
  modules: [{ name: "vportscan", params: {} }],
  sensor: "test",
  ...more,
});

/** Only the ports past 45: without what was kept of the others they are no scan. */
const TAIL = { kind: "files", paths: [scan], filter: "tcp dst portrange 46-60" } as const;

const SYN = 2;

/** NetFlow v5 of a SYN to each of so many ports, thirty to a datagram. */
function exportCapture(ports: number): Uint8Array {
  const writer = new CaptureWriter();
  for (let from = 1; from <= ports; from += 30) {
    const records = Array.from({ length: 30 }, (_, i) => scanRecord(from + i));
    const message = netflow5(records, { uptime: 60_000 });
    const payload = [...new Uint8Array(message.buffer)];
    const packet = ipv4(udp(50_000, 2055, payload), { source: "192.0.2.9" });
    writer.append(SENT * SECOND, Uint8Array.from(ethernet(ETHERTYPE.ipv4, packet)));
  }
  return writer.bytes();
}

/** Of NetFlow v5: 48 bytes. */
function scanRecord(port: number): Uint8Array {
  const record = new DataView(new ArrayBuffer(48));
  record.setUint32(0, 0x0a000007);
  record.setUint32(4, 0x0a000008);
  record.setUint32(16, 1); // packets
  record.setUint32(20, 40); // bytes
  record.setUint32(24, 1000 + port); // uptime at its beginning, and at its end
  record.setUint32(28, 1000 + port);
  record.setUint16(32, 40_000);
  record.setUint16(34, port);
  record.setUint8(37, SYN);
  record.setUint8(38, PROTOCOL.tcp);
  return new Uint8Array(record.buffer);
}

interface Ran {
  readonly run: PipelineRun;
  readonly alerts: Alert[];
  readonly warnings: string[];
}

/** Run a plan until its source has no more; as if it were stopped there, when asked. */
async function ran(what: PipelinePlan, { stopped = false } = {}): Promise<Ran> {
  const alerts: Alert[] = [];
  const warnings: string[] = [];
  const run = await PipelineRun.open(what, {
    onAlert: (alert) => alerts.push(alert),
    onWarning: (message) => warnings.push(message),
  });
  while (run.step());
  run.finish(stopped);
  return { run, alerts, warnings };
}

describe("PipelineRun", () => {
  test("PipelineRun takes frames through meter and modules, and tells what it counted", async () => {
    const { run, alerts, warnings } = await ran(plan([scan]));
    expect(alerts.map(({ observed, state }) => [observed, state])).toEqual([
      [50, "open"],
      [60, "open"],
    ]);
    expect(warnings).toEqual([]);
    const { sources, modules, ...snapshot } = run.snapshot();
    expect(snapshot).toMatchObject({ alerts: 2, ringDrops: 0, mergeOverflows: 0, finished: true });
    expect(sources).toMatchObject([
      { name: scan, kind: "file", meter: { packets: 60, flows: 60 } },
    ]);
    expect(modules).toMatchObject([{ name: "vportscan", inputs: { flows: 60 } }]);
  });

  test("PipelineRun decodes what exporters tell inside a capture, and finds a scan in it", async () => {
    const path = folder.file("export.pcap", exportCapture(60));
    const { run, alerts } = await ran(plan([path]));
    expect(alerts[0]).toMatchObject({ source: { ip: "10.0.0.7" }, target: { ip: "10.0.0.8" } });
    expect(run.snapshot().sources).toMatchObject([
      { meter: { packets: 2, flows: 1 }, collector: { records: 60, datagrams: 2, malformed: 0 } },
    ]);
    expect((await ran(plan([scan]))).run.snapshot().sources[0]).not.toHaveProperty("collector");
  });

  test("PipelineRun fed by other processes lets detectors work by the wall clock, whether flows come or not", async () => {
    const lists = folder.file("list.txt", "192.0.2.1\n");
    const source = { kind: "trap", name: "tap", senders: [["u:nobody-sends-here"]] } as const;
    const modules = [{ name: "ipblacklist", params: { lists } }];
    const run = await PipelineRun.open(plan([], { source, modules }), {
      onAlert: () => {},
      onWarning: () => {},
    });
    const entries = () => run.snapshot().modules[0]!.counters["list_entries"];
    try {
      run.step();
      expect(entries()).toBe(1);
      folder.file("list.txt", "192.0.2.1\n192.0.2.2\n");
      // Lists are looked at twice before a file that changes is read.
      for (const later of [10, 20, 30]) {
        setSystemTime(Date.now() + later * 1000);
        run.step();
      }
      expect(entries()).toBe(2);
    } finally {
      setSystemTime();
      run.finish();
    }
  });

  test("PipelineRun ends once, however often it is told", async () => {
    const { run, alerts } = await ran(plan([scan]));
    run.finish();
    run.finish(true);
    expect(alerts).toHaveLength(2);
  });

  test("PipelineRun keeps what came before a file that is none", async () => {
    const { run, alerts } = await ran(plan([scan, text]));
    expect(alerts).toHaveLength(2);
    expect(run.failure).toMatchObject({ exitCode: 65 });
    expect(run.failure!.message).toContain(text);
  });

  test("PipelineRun refuses at once a first file that is none, and a module that is none", async () => {
    await expect(ran(plan([text]))).rejects.toMatchObject({ exitCode: 65 });
    const modules = [{ name: "nix", params: {} }];
    await expect(ran(plan([scan], { modules }))).rejects.toMatchObject({ exitCode: 64 });
  });

  test("PipelineRun leaves out frames that do not match the filter", async () => {
    const source = { kind: "files", paths: [scan], filter: "tcp port 7" } as const;
    const { run, alerts } = await ran(plan([], { source }));
    expect(run.snapshot().sources[0]!.meter.packets).toBe(1);
    expect(alerts).toEqual([]);
  });

  test("PipelineRun writes all flows", async () => {
    const flows = folder.at("flows.csv");
    await ran(plan([scan], { flows, modules: [] }));
    expect(readFileSync(flows, "utf8").trimEnd().split("\n")).toHaveLength(61);
  });

  test("PipelineRun that is stopped keeps its modules' state; the next one goes on with it", async () => {
    const stateFolder = folder.at("state");
    const half = folder.file("half.pcap", scanCapture(45));
    const stopped = await ran(plan([half], { stateFolder }), { stopped: true });
    expect(stopped.alerts).toEqual([]);
    expect((await ran(plan([], { source: TAIL }))).alerts).toEqual([]);
    const next = await ran(plan([], { stateFolder, source: TAIL }));
    expect(next.alerts.at(-1)).toMatchObject({ observed: 60, threshold: 50 });
    expect(next.warnings).toEqual([]);
  });

  test("PipelineRun reads generated traffic and ends", async () => {
    const source = { kind: "generator", traffic: { seed: 3, scale: 0.05 } } as const;
    const { run } = await ran(plan([], { source }));
    const [stats] = run.snapshot().sources;
    expect(stats).toMatchObject({ kind: "generator" });
    expect(stats!.meter.flows).toBeGreaterThan(0);
  });
});
