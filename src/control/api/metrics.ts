// SPDX-License-Identifier: BSD-3-Clause
import type { Snapshot } from "../snapshot.ts";

type Labels = Readonly<Record<string, string>>;

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

/** A metric in Prometheus' text format: its help, its type, a line a value. */
function metric(
  name: string,
  type: "counter" | "gauge",
  help: string,
  values: readonly (readonly [Labels, number])[],
): string[] {
  const lines = values.map(([labels, value]) => {
    const list = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
    return `${name}${list.length > 0 ? `{${list.join(",")}}` : ""} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines];
}

/** All counters of a snapshot for Prometheus. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a list of metrics, one after another.
export function metricsText({
  sources,
  modules,
  alerts,
  mergeOverflows,
  ringDrops,
  rss,
}: Snapshot): string {
  const each = (value: (source: Snapshot["sources"][number]) => number) =>
    sources.map((source) => [{ source: source.name }, value(source)] as const);
  const lines = [
    ...metric(
      "nemean_packets_total",
      "counter",
      "Packets observed.",
      each(({ meter }) => meter.packets),
    ),
    ...metric(
      "nemean_wire_bytes_total",
      "counter",
      "Bytes on the wire.",
      each(({ meter }) => meter.bytes),
    ),
    ...metric(
      "nemean_ignored_packets_total",
      "counter",
      "Packets that are in no flow, by reason.",
      sources.flatMap(({ name, meter }) =>
        Object.entries(meter.ignored).map(
          ([reason, value]) => [{ source: name, reason }, value] as const,
        ),
      ),
    ),
    ...metric(
      "nemean_flows_total",
      "counter",
      "Flows exported, by flowEndReason.",
      sources.flatMap(({ name, meter }) =>
        Object.entries(meter.ended).map(
          ([reason, value]) => [{ source: name, reason }, value] as const,
        ),
      ),
    ),
    ...metric(
      "nemean_flow_table_flows",
      "gauge",
      "Flows in the table.",
      each(({ meter }) => meter.live),
    ),
    ...metric(
      "nemean_flow_evictions_total",
      "counter",
      "Flows that left a full table.",
      each(({ meter }) => meter.evicted),
    ),
    ...metric(
      "nemean_capture_dropped_frames_total",
      "counter",
      "Frames the kernel dropped.",
      sources.flatMap(({ name, capture }) =>
        capture ? [[{ source: name }, capture.dropped] as const] : [],
      ),
    ),
    ...metric(
      "nemean_module_records_total",
      "counter",
      "Records a module received.",
      modules.map(
        ({ name, inputs }) =>
          [{ module: name }, Object.values(inputs).reduce((sum, n) => sum + n, 0)] as const,
      ),
    ),
    ...metric("nemean_alerts_total", "counter", "Alerts sent by detectors, updates included.", [
      [{}, alerts],
    ]),
    ...metric(
      "nemean_merge_overflows_total",
      "counter",
      "Times too many records were held for order.",
      [[{}, mergeOverflows]],
    ),
    ...metric(
      "nemean_ring_dropped_records_total",
      "counter",
      "Records dropped between capture and detection.",
      [[{}, ringDrops]],
    ),
    ...metric("nemean_resident_memory_bytes", "gauge", "Resident memory.", [[{}, rss]]),
  ];
  return `${lines.join("\n")}\n`;
}
