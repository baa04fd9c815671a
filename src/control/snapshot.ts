// SPDX-License-Identifier: BSD-3-Clause

import type { MeterStats } from "../core/flow/meter.ts";
import type { TopView } from "../core/flow/top.ts";
import type { IpfixStats } from "../core/ipfix/exporter.ts";
import type { ModuleStats } from "../core/pipeline.ts";

/** What a capture interface has counted since capture began. */
export interface CaptureStats {
  /** Frames handed to the meter. */
  readonly received: number;
  /** Frames the kernel had to drop since its ring was full. */
  readonly dropped: number;
  /** Frames that wait to be read. Received, dropped and unread are all frames that passed the filter. */
  readonly unread: number;
  /** Times the ring froze: full, until a block was given back. */
  readonly freezes: number;
  /** `down`: nothing arrives until the interface is up again. `gone`: it is opened anew once it is there. */
  readonly state: "up" | "down" | "gone";
}

export interface SourceStats {
  /** Interface or file. */
  readonly name: string;
  readonly kind: "live" | "file" | "generator" | "collector";
  /** Capture Workers behind it; 1 for a file. */
  readonly workers: number;
  readonly meter: MeterStats;
  readonly capture?: CaptureStats;
  /** What a collector has counted, by the names of its page. */
  readonly collector?: Readonly<Record<string, number>>;
  /** From 0 to 1, for a source that ends. */
  readonly progress?: number;
}

/** What goes out by a TRAP interface. */
export interface LinkStats {
  /** `flows` of the meter, or a module. */
  readonly from: string;
  readonly port: string;
  /** The interface: `u:flow_data_source`. */
  readonly via: string;
  readonly records: number;
  /** Records lost since a receiver was too slow, once for each. */
  readonly dropped: number;
  /** Records that nobody was there to receive. */
  readonly unheard: number;
  readonly receivers: number;
}

/** One look at a running pipeline: what the API, /metrics and the summary line show. */
export interface Snapshot {
  /** Wall clock, microseconds since 1970. */
  readonly at: number;
  /** Seconds since the pipeline began. */
  readonly uptime: number;
  readonly sources: readonly SourceStats[];
  readonly modules: readonly ModuleStats[];
  /** Alerts sent by detectors, updates included. */
  readonly alerts: number;
  /** Times records went on before their second was over since too many were held (core/merge). */
  readonly mergeOverflows: number;
  /** Flow records dropped between capture and detection since a ring was full. */
  readonly ringDrops: number;
  /** Flow records that another process sent and this one never saw. */
  readonly missed: number;
  readonly links: readonly LinkStats[];
  /** Flow records dropped by outputs since a receiver was too slow or not there, once for each receiver. */
  readonly outputDrops: number;
  /** What was exported as IPFIX, where that was asked for. */
  readonly exported?: IpfixStats;
  /** Addresses and ports with most traffic of late, where flows are looked at. */
  readonly top?: TopView;
  /** Resident memory, bytes. */
  readonly rss: number;
  readonly finished: boolean;
}

/** Before anything was seen. */
export const EMPTY_SNAPSHOT: Snapshot = {
  at: 0,
  uptime: 0,
  sources: [],
  modules: [],
  alerts: 0,
  mergeOverflows: 0,
  ringDrops: 0,
  missed: 0,
  links: [],
  outputDrops: 0,
  rss: 0,
  finished: false,
};
