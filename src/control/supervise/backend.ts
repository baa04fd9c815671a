// SPDX-License-Identifier: BSD-3-Clause
/** What starts and ends processes for the supervisor: itself (`embedded`), or systemd. @module */
import type { LogLine, ProcessKind } from "./view.ts";

/** A process as a backend has to know it. */
export interface ProcessSpec {
  /** As in `ProcessView`: letters, digits, and any of `@ . _ -`. */
  readonly name: string;
  readonly kind: ProcessKind;
  /** Program and arguments of a `command`; the others run this program's `process NAME`. */
  readonly command?: readonly string[];
}

/** How a process ended. */
export interface Exit {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** What the backend knows beside these, in words: `watchdog`, `out of memory`. */
  readonly detail?: string;
}

export interface BackendHooks {
  /** A process has ended, for whatever reason; also one that could not be started. Never called inside `start`. */
  readonly onExit: (name: string, exit: Exit) => void;
}

/**
 * Starts, ends and observes processes. It decides nothing: when to start again is the supervisor's to say.
 * No method throws for a process that is not there, or not any more.
 */
export interface Backend extends AsyncDisposable {
  readonly kind: "embedded" | "systemd";
  /** Take what is to be told of processes; called once, before anything else. */
  observe(hooks: BackendHooks): void;
  start(spec: ProcessSpec): void;
  /** Ask it to end (SIGTERM). */
  stop(name: string): void;
  /** End it at once (SIGKILL). */
  kill(name: string): void;
  /** Its process id while it runs. */
  pidOf(name: string): number | undefined;
  /** The latest lines it has written, the oldest first. */
  logs(name: string, most: number): Promise<readonly LogLine[]>;
}
