// SPDX-License-Identifier: BSD-3-Clause
/** What the supervisor shows of the product's processes, to the API, `nemean ctl` and the console. @module */
import type { Level } from "../../core/log.ts";

/**
 * What a process is there for.
 *
 * - `control`: this process: configuration, API, alerts, sinks
 * - `capture`: an interface or another source of packets, and the meter behind it
 * - `detectors`: the detectors that have no process of their own
 * - `detector`: a detector that has a process of its own
 * - `module`: another module
 * - `command`: a program that takes `-i`, such as a NEMEA module in C
 */
export type ProcessKind = "control" | "capture" | "detectors" | "detector" | "module" | "command";

/**
 * `failed`: it ended by itself, and is started again at `retryAt`, or by an operator where that is null.
 * `ended`: its source has no more; `stopped`: an operator stopped it.
 */
export type ProcessState = "starting" | "running" | "stopping" | "stopped" | "failed" | "ended";

/** One process. */
export interface ProcessView {
  /** Unique: `capture@eth0`, `collector@routers`, `exporter@ipfix`, `detectors`, `detector@vportscan`, `module@logger`, `command@NAME`, `control`. */
  readonly name: string;
  readonly kind: ProcessKind;
  readonly state: ProcessState;
  readonly pid: number | null;
  /** When it came into its state, microseconds since 1970. */
  readonly since: number;
  /** Times it was started again after it had ended by itself. */
  readonly restarts: number;
  /** Why it last ended by itself, in words. */
  readonly reason: string | null;
  /** When it is started again, microseconds since 1970. */
  readonly retryAt: number | null;
  /** CPU seconds it has used since it was started. */
  readonly cpu: number;
  /** Resident memory, bytes. */
  readonly memory: number;
  /** Modules that run in it. */
  readonly modules: readonly string[];
}

/** A line that a process has written. */
export interface LogLine {
  /** Microseconds since 1970. */
  readonly at: number;
  readonly level: Level;
  readonly message: string;
}

/** One module of the configuration. */
export interface ModuleView {
  readonly name: string;
  readonly kind: "detector" | "module" | "command";
  readonly about: string;
  readonly enabled: boolean;
  /** The process it runs in; null when it is not enabled. */
  readonly process: string | null;
  /** Parameters that the configuration sets. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Records received and sent, by port. */
  readonly inputs: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
  /** CPU seconds spent in its handlers. */
  readonly busy: number;
}

/** Where records, or alerts, go from one place to another. */
export interface LinkView {
  /** `capture@eth0`, a module's name, or a TRAP interface such as `u:flow_data_source`. */
  readonly from: string;
  /** The port there. */
  readonly fromPort: string;
  /** A module's name, `alerts` (control), a sink `sink:NAME`, or a TRAP interface. */
  readonly to: string;
  readonly toPort: string;
  /** The TRAP interface; `control` for alerts on their way to control; `queue` to a sink. */
  readonly via: string;
  /** Records, or alerts, that went over it. */
  readonly records: number;
  /** Records that were lost on it. */
  readonly dropped: number;
  /** Records that wait; null where nothing can wait, or nobody knows. */
  readonly queued: number | null;
}
