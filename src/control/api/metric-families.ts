// SPDX-License-Identifier: BSD-3-Clause
/** What is measured: each metric by its name, and where its values come from. @module */
import type { DeliveryStats, SinkStats } from "../delivery/delivery.ts";
import type { Snapshot, SourceStats } from "../snapshot.ts";
import type { AlertStoreCounts } from "../store/alert-store.ts";
import type { ProcessView } from "../supervise/view.ts";
import type { ListView } from "../threat-lists/schedule.ts";

/** Counts by kind of sender. */
type Limited = Readonly<Record<string, number>>;
type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [Labels, number];

/** All that a scrape shows. */
export interface Look {
  readonly snapshot: Snapshot;
  readonly store: AlertStoreCounts;
  readonly version: string;
  readonly degraded: boolean;
  readonly delivery?: DeliveryStats;
  /** The processes of the product, where they are looked after. */
  readonly processes?: readonly ProcessView[];
  /** Threat lists that are fetched. */
  readonly lists?: readonly ListView[];
  /** Requests refused since their sender sent too many. */
  readonly limited?: Limited;
}

/** One metric: a counter ends in `_total`, and units are seconds and bytes. */
export interface Family {
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: (look: Look) => readonly Sample[];
}

const CAPITAL = /[A-Z]/g;
const snake = (name: string): string =>
  name.replace(CAPITAL, (letter) => `_${letter.toLowerCase()}`);

/** Workers of one interface bear its name, so they are numbered. */
function labelled(sources: readonly SourceStats[]): [SourceStats, Labels][] {
  const seen = new Map<string, number>();
  return sources.map((source) => {
    const worker = seen.get(source.name) ?? 0;
    seen.set(source.name, worker + 1);
    return [source, { source: source.name, worker: String(worker) }];
  });
}

const counter = (help: string, samples: Family["samples"]): Family => ({
  type: "counter",
  help,
  samples,
});
const gauge = (help: string, samples: Family["samples"]): Family => ({
  type: "gauge",
  help,
  samples,
});
/** One value without labels. */
const single =
  (value: (look: Look) => number): Family["samples"] =>
  (look) => [[{}, value(look)]];
/** A value a source; sources that have none are left out. */
const perSource =
  (value: (source: SourceStats) => number | undefined): Family["samples"] =>
  ({ snapshot }) =>
    labelled(snapshot.sources).flatMap(([source, labels]): Sample[] => {
      const number = value(source);
      return number === undefined ? [] : [[labels, number]];
    });
/** A value for each key that the source counts by. */
const perReason =
  (values: (source: SourceStats) => Readonly<Record<string, number>>): Family["samples"] =>
  ({ snapshot }) =>
    labelled(snapshot.sources).flatMap(([source, labels]) =>
      Object.entries(values(source)).map(
        ([reason, value]): Sample => [{ ...labels, reason: snake(reason) }, value],
      ),
    );
/** A value for each plugin of a source's meter; none without plugins. */
const perPlugin =
  (key: "found" | "malformed"): Family["samples"] =>
  ({ snapshot }) =>
    labelled(snapshot.sources).flatMap(([{ meter }, labels]) =>
      Object.entries(meter[key] ?? {}).map(
        ([plugin, value]): Sample => [{ ...labels, plugin }, value],
      ),
    );
/** A value a sink; none without sinks. */
const perSink =
  (value: (sink: SinkStats) => number): Family["samples"] =>
  ({ delivery }) =>
    (delivery?.sinks ?? []).map((sink): Sample => [{ sink: sink.name }, value(sink)]);
/** A value a process. */
const perProcess =
  (value: (process: ProcessView) => number): Family["samples"] =>
  ({ processes = [] }) =>
    processes.map((process): Sample => {
      const { name, kind } = process;
      return [{ process: name, kind }, value(process)];
    });
const perModule =
  (
    key: "port" | "event",
    values: (module: Snapshot["modules"][number]) => Readonly<Record<string, number>>,
  ): Family["samples"] =>
  ({ snapshot }) =>
    snapshot.modules.flatMap((module) =>
      Object.entries(values(module)).map(
        ([name, value]): Sample => [{ module: module.name, [key]: name }, value],
      ),
    );

const OUTCOMES = ["folded", "committed", "rejected", "dropped"] as const;

/** All metrics, in the order of a scrape. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  nemean_build_info: gauge("Version of the running product.", (look) => [
    [{ version: look.version }, 1],
  ]),
  nemean_degraded: gauge(
    "1 while something is wrong; /healthz says what.",
    single((look) => (look.degraded ? 1 : 0)),
  ),
  nemean_uptime_seconds: gauge(
    "Time since the pipeline began.",
    single(({ snapshot }) => snapshot.uptime),
  ),
  process_resident_memory_bytes: gauge(
    "Resident memory of the process.",
    single(({ snapshot }) => snapshot.rss),
  ),
  nemean_process_up: gauge(
    "1 for a process that runs, 0 for one that does not; the label says why.",
    ({ processes = [] }) =>
      processes.map(({ name, kind, state }): Sample => {
        return [{ process: name, kind, state }, state === "running" ? 1 : 0];
      }),
  ),
  nemean_process_restarts_total: counter(
    "Times a process was started again after it had ended by itself.",
    perProcess(({ restarts }) => restarts),
  ),
  nemean_process_cpu_seconds_total: counter(
    "CPU time a process has used since it was started.",
    perProcess(({ cpu }) => cpu),
  ),
  nemean_process_resident_memory_bytes: gauge(
    "Resident memory of a process.",
    perProcess(({ memory }) => memory),
  ),
  nemean_packets_total: counter(
    "Packets observed.",
    perSource(({ meter }) => meter.packets),
  ),
  nemean_wire_bytes_total: counter(
    "Bytes of the packets observed, as on the wire.",
    perSource(({ meter }) => meter.bytes),
  ),
  nemean_ignored_packets_total: counter(
    "Packets that are in no flow, by reason.",
    perReason(({ meter }) => meter.ignored),
  ),
  nemean_fragments_total: counter(
    "IP fragments observed.",
    perSource(({ meter }) => meter.fragments),
  ),
  nemean_unmatched_fragments_total: counter(
    "IP fragments whose first fragment is not known.",
    perSource(({ meter }) => meter.fragmentsUnmatched),
  ),
  nemean_clock_jumps_total: counter(
    "Times that capture time went back by more than the active timeout.",
    perSource(({ meter }) => meter.clockJumps),
  ),
  nemean_flows_total: counter(
    "Flows exported, by flowEndReason.",
    perReason(({ meter }) => meter.ended),
  ),
  nemean_plugin_flows_total: counter(
    "Flows in which a plugin of the meter found something.",
    perPlugin("found"),
  ),
  nemean_plugin_malformed_packets_total: counter(
    "Packets that broke the rules of a plugin's protocol.",
    perPlugin("malformed"),
  ),
  nemean_flow_table_flows: gauge(
    "Flows in the flow table.",
    perSource(({ meter }) => meter.live),
  ),
  nemean_flow_table_peak_flows: gauge(
    "Most flows that were in the flow table at once.",
    perSource(({ meter }) => meter.peak),
  ),
  nemean_flow_evictions_total: counter(
    "Flows that left early since the flow table was full.",
    perSource(({ meter }) => meter.evicted),
  ),
  nemean_collector_total: counter(
    "What a collector of exporters' flows has counted, by the names of its page.",
    perReason(({ collector }) => collector ?? {}),
  ),
  nemean_capture_frames_total: counter(
    "Frames received from the kernel.",
    perSource(({ capture }) => capture?.received),
  ),
  nemean_capture_dropped_frames_total: counter(
    "Frames the kernel dropped since its ring was full.",
    perSource(({ capture }) => capture?.dropped),
  ),
  nemean_capture_freezes_total: counter(
    "Times the kernel's ring was full.",
    perSource(({ capture }) => capture?.freezes),
  ),
  nemean_source_progress_ratio: gauge(
    "How much of a source that ends has been read.",
    perSource(({ progress }) => progress),
  ),
  nemean_ring_dropped_records_total: counter(
    "Flow records dropped between capture and detection.",
    single(({ snapshot }) => snapshot.ringDrops),
  ),
  nemean_output_dropped_records_total: counter(
    "Flow records dropped for receivers that are too slow.",
    single(({ snapshot }) => snapshot.outputDrops),
  ),
  nemean_exported_records_total: counter("Flow records exported as IPFIX.", ({ snapshot }) =>
    snapshot.exported ? [[{}, snapshot.exported.records]] : [],
  ),
  nemean_merge_overflows_total: counter(
    "Times records went on unordered since too many were held.",
    single(({ snapshot }) => snapshot.mergeOverflows),
  ),
  nemean_module_received_records_total: counter(
    "Records received by a module, by input port.",
    perModule("port", ({ inputs }) => inputs),
  ),
  nemean_module_sent_records_total: counter(
    "Records sent by a module, by output port.",
    perModule("port", ({ outputs }) => outputs),
  ),
  nemean_module_events_total: counter(
    "What a module counts of itself; its documentation names the events.",
    perModule("event", ({ counters }) => counters),
  ),
  nemean_alerts_total: counter(
    "Alerts sent by detectors, updates included.",
    single(({ snapshot }) => snapshot.alerts),
  ),
  nemean_store_received_alerts_total: counter(
    "Alerts given to the store, updates included.",
    single(({ store }) => store.received),
  ),
  nemean_store_alerts_total: counter("What became of the alerts given to the store.", ({ store }) =>
    OUTCOMES.map((outcome): Sample => [{ outcome }, store[outcome]]),
  ),
  nemean_store_queued_events: gauge(
    "Events that wait to be committed.",
    single(({ store }) => store.queued),
  ),
  nemean_store_commits_total: counter(
    "Transactions of the store.",
    single(({ store }) => store.commits),
  ),
  nemean_store_failures_total: counter(
    "Transactions that failed and were tried again.",
    single(({ store }) => store.failures),
  ),
  nemean_store_evicted_events_total: counter(
    "Stored events that left since the store was full.",
    single(({ store }) => store.evicted),
  ),
  nemean_sink_waiting_alerts: gauge(
    "Alerts that a sink still has to get.",
    perSink(({ waiting }) => waiting),
  ),
  nemean_sink_delivered_alerts_total: counter(
    "Alerts that a sink's receiver has.",
    perSink(({ delivered }) => delivered),
  ),
  nemean_sink_dropped_alerts_total: counter(
    "Alerts that left a sink's queue at its bound before they were sent.",
    perSink(({ dropped }) => dropped),
  ),
  nemean_sink_refused_alerts_total: counter(
    "Alerts that a sink's receiver will never take: the dead letters.",
    perSink(({ dead }) => dead),
  ),
  nemean_sink_retries_total: counter(
    "Sends to a sink that failed and were tried again.",
    perSink(({ retries }) => retries),
  ),
  nemean_list_age_seconds: gauge(
    "Time since a threat list was last known to be the newest.",
    ({ lists = [] }) =>
      lists.flatMap(({ name, age }): Sample[] =>
        age === undefined ? [] : [[{ list: name }, age]],
      ),
  ),
  nemean_list_fetch_failures_total: counter(
    "Times a threat list could not be fetched.",
    ({ lists = [] }) => lists.map(({ name, failures }): Sample => [{ list: name }, failures]),
  ),
  nemean_api_limited_requests_total: counter(
    "Requests refused since their sender sent too many.",
    ({ limited = {} }) =>
      Object.entries(limited).map(([sender, requests]): Sample => [{ sender }, requests]),
  ),
  nemean_store_events: gauge("Events stored.", ({ store }) =>
    store.stored.map(
      ({ detector, severity, events }): Sample => [
        { detector, severity: String(severity) },
        events,
      ],
    ),
  ),
};
