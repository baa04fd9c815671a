// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, property, string } from "fast-check";
import { TestAuth } from "../auth/testing/auth.ts";
import { alertOf } from "../store/testing/alerts.ts";
import type { ProcessView } from "../supervise/view.ts";
import { FAMILIES } from "./metric-families.ts";
import { metricsText } from "./metrics.ts";
import { everything, snapshotOf, TestApi } from "./testing/fixtures.ts";
import { parseMetrics } from "./testing/prometheus.ts";

const labels = (all: Record<string, string>): string => JSON.stringify(all);

test("/metrics shows every counter of the snapshot and the store in Prometheus' format", async () => {
  using api = new TestApi([alertOf({ severity: 8 })]);
  const response = await api.ask("/metrics");
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const families = parseMetrics(await response.text());
  const value = (name: string, of: Record<string, string> = {}): number | undefined =>
    families.get(name)?.samples.get(labels(of));
  const tap = { source: "tap0", worker: "1" };
  expect(value("nemean_packets_total", tap)).toBe(100);
  expect(value("nemean_ignored_packets_total", { ...tap, reason: "non_ip" })).toBe(3);
  expect(value("nemean_flows_total", { ...tap, reason: "active" })).toBe(3);
  expect(value("nemean_capture_dropped_frames_total", tap)).toBe(2);
  expect(value("nemean_source_progress_ratio", { source: 'a"b\\c\nd', worker: "0" })).toBe(0.5);
  expect(value("nemean_source_progress_ratio", tap)).toBeUndefined();
  const module = "vportscan";
  expect(value("nemean_module_received_records_total", { module, port: "flows" })).toBe(10);
  expect(value("nemean_module_sent_records_total", { module, port: "alerts" })).toBe(1);
  expect(value("nemean_module_events_total", { module, event: "bitmaps_reused" })).toBe(2);
  expect(value("nemean_store_events", { detector: "vportscan", severity: "8" })).toBe(1);
  expect(value("nemean_store_alerts_total", { outcome: "committed" })).toBe(1);
  expect(value("process_resident_memory_bytes")).toBe(50_000_000);
  expect(value("nemean_build_info", { version: "0.1.0" })).toBe(1);
  expect(value("nemean_degraded")).toBe(0);
  expect([...families.keys()]).toMatchSnapshot();
});

test("/metrics escapes any name of a source so that its reader gets it back", () => {
  using api = new TestApi();
  const store = api.store.counts();
  const [source] = snapshotOf().sources;
  assert(
    property(string({ unit: "binary" }), (name) => {
      const snapshot = snapshotOf({ sources: [{ ...source!, name }] });
      const text = metricsText({ snapshot, store, version: "0", degraded: false });
      const { samples } = parseMetrics(text).get("nemean_packets_total")!;
      expect([...samples.keys()]).toEqual([labels({ source: name, worker: "0" })]);
    }),
    { seed: 5, numRuns: 100 },
  );
});

test("/metrics shows what plugins found and what was exported, where there is any", () => {
  using api = new TestApi();
  const store = api.store.counts();
  const [source] = snapshotOf().sources;
  const meter = { ...source!.meter, found: { dns: 4 }, malformed: { dns: 1 } };
  const exported = { records: 7, messages: 2, dropped: 0, tooLong: 0, reconnects: 0 };
  const snapshot = snapshotOf({ sources: [{ ...source!, name: "tap", meter }], exported });
  const text = metricsText({ snapshot, store, version: "0", degraded: false });
  const value = (name: string, of: Record<string, string> = {}): number | undefined =>
    parseMetrics(text).get(name)?.samples.get(labels(of));
  const dns = { source: "tap", worker: "0", plugin: "dns" };
  expect(value("nemean_plugin_flows_total", dns)).toBe(4);
  expect(value("nemean_plugin_malformed_packets_total", dns)).toBe(1);
  expect(value("nemean_exported_records_total")).toBe(7);
});

const process = (name: string, change: Partial<ProcessView> = {}): ProcessView => ({
  name,
  kind: "module",
  state: "running",
  pid: 7,
  since: 0,
  restarts: 0,
  reason: null,
  retryAt: null,
  cpu: 1.25,
  memory: 4096,
  modules: [],
  ...change,
});

test("/metrics shows the processes: which run, how often they ended, what they use", () => {
  using api = new TestApi();
  const processes = [
    process("module@vportscan"),
    process("capture@tap0", { kind: "capture", state: "failed", restarts: 3, memory: 0 }),
  ];
  const look = { snapshot: snapshotOf(), store: api.store.counts(), version: "0", degraded: true };
  const families = parseMetrics(metricsText({ ...look, processes }));
  const values = (name: string) => Object.fromEntries(families.get(name)!.samples);
  const module = { process: "module@vportscan", kind: "module" };
  const capture = { process: "capture@tap0", kind: "capture" };
  expect(values("nemean_process_up")).toEqual({
    [labels({ ...module, state: "running" })]: 1,
    [labels({ ...capture, state: "failed" })]: 0,
  });
  const named = (ofModule: number, ofCapture: number) => ({
    [labels(module)]: ofModule,
    [labels(capture)]: ofCapture,
  });
  expect(values("nemean_process_restarts_total")).toEqual(named(0, 3));
  expect(values("nemean_process_cpu_seconds_total")).toEqual(named(1.25, 1.25));
  expect(values("nemean_process_resident_memory_bytes")).toEqual(named(4096, 0));
});

test("/metrics shows how old fetched lists are, and how often they could not be had", () => {
  using api = new TestApi();
  const look = { snapshot: snapshotOf(), store: api.store.counts(), version: "0", degraded: false };
  const lists = [
    { name: "feodo", age: 61.5, failures: 0 },
    { name: "gone", failures: 3 },
  ];
  const families = parseMetrics(metricsText({ ...look, lists }));
  const values = (name: string) => Object.fromEntries(families.get(name)!.samples);
  const [feodo, gone] = lists.map(({ name }) => labels({ list: name }));
  expect(values("nemean_list_age_seconds")).toEqual({ [feodo!]: 61.5 });
  expect(values("nemean_list_fetch_failures_total")).toEqual({ [feodo!]: 0, [gone!]: 3 });
});

const promtool = Bun.which("promtool");

test.skipIf(promtool === null)(
  `promtool finds nothing wrong with /metrics${promtool === null ? " (needs promtool)" : ""}`,
  async () => {
    using accounts = new TestAuth();
    const { options, close } = everything(accounts.folder.path);
    using api = new TestApi([alertOf()], options);
    const source = snapshotOf().sources[0]!;
    const meter = { ...source.meter, found: { dns: 4 }, malformed: { dns: 1 } };
    const collector = { records: 5, sequence_lost: 1 };
    const exported = { records: 7, messages: 2, dropped: 0, tooLong: 0, reconnects: 0 };
    const text = metricsText({
      snapshot: snapshotOf({
        sources: [...snapshotOf().sources, { ...source, meter, collector }],
        exported,
      }),
      store: api.store.counts(),
      version: "0",
      degraded: false,
      delivery: options.delivery.stats(),
      processes: [process("control", { kind: "control" })],
      limited: { user: 1, stranger: 0 },
      lists: [{ name: "feodo", age: 60, failures: 1 }],
    });
    // Each metric has to be there, or nothing would be said of it.
    expect([...parseMetrics(text).keys()]).toEqual(Object.keys(FAMILIES));
    const { exitCode, stdout, stderr } = Bun.spawnSync([promtool!, "check", "metrics"], {
      stdin: Buffer.from(text),
    });
    expect([exitCode, `${stdout}${stderr}`]).toEqual([0, ""]);
    await close();
  },
);

test("parseMetrics refuses what promtool does", () => {
  const family = "# HELP a_total A.\n# TYPE a_total counter\n";
  expect(parseMetrics(`${family}a_total 1\n`).size).toBe(1);
  for (const text of [
    `${family}a_total 1`,
    `${family}a_total{x="1"} 1\na_total{x="1"} 2\n`,
    `${family}a_total{x="\\q"} 1\n`,
    `${family}a_total -1\n`,
    `${family}b 1\n`,
    "a_total 1\n",
    "# HELP a A.\n# TYPE a counter\n",
    "# HELP a_total A.\n# TYPE a_total gauge\n",
    family + family,
    `${family}a_total NaN\n`,
  ])
    expect(() => parseMetrics(text)).toThrow();
});
