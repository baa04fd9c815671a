// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Alert } from "../core/alert.ts";
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
