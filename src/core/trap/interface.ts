// SPDX-License-Identifier: BSD-3-Clause
/** What all TRAP interfaces have in common, whatever they are made of. @module */
import type { Log } from "../log.ts";
import type { Poller } from "../net/poller.ts";
import type { OutputPort, Receiver } from "../port.ts";

/** What an interface is given by its process. */
export interface TrapEnvironment {
  /** The thread's loop: sockets and timers join it. */
  readonly poller: Poller;
  /** One line for what an operator should know: a peer that breaks the rules, a file that ends early. */
  readonly log: Log;
  /** Folder of unix sockets. */
  readonly socketFolder: string;
  /** Group of unix sockets, where the specifier names none. */
  readonly socketGroup?: string | undefined;
}

/** Counters of an input, as the service interface shows them (trap.md section 10). */
export interface InputStats {
  /** Letter of the specifier. */
  readonly type: string;
  /** Name, port or path; `none` for what has none. */
  readonly id: string;
  readonly connected: boolean;
  readonly messages: number;
  /** Containers. */
  readonly buffers: number;
  /** Messages that the sender counted and this input never saw. */
  readonly missed: number;
  /** Containers and messages that broke the format, and what was lost with them. */
  readonly malformed: number;
  /** Times the sender was lost and is looked for again. */
  readonly reconnects: number;
}

/** One receiver of an output, or one that has gone. */
export interface ClientStats {
  /** Process id over a unix socket, port over TCP. */
  readonly id: number;
  readonly sentContainers: number;
  readonly sentMessages: number;
  /** Messages that it did not get since it was too slow, or since it left. */
  readonly skippedMessages: number;
}

export interface OutputStats {
  readonly type: string;
  readonly id: string;
  /** Messages given to the interface. */
  readonly messages: number;
  readonly buffers: number;
  readonly autoflushes: number;
  /** Messages lost: too long for a container, or skipped by a client that was too slow, once for each. */
  readonly dropped: number;
  /** Messages that nobody was there to receive. */
  readonly unheard: number;
  /** Receivers now; 1 for what is no socket. */
  readonly clients: readonly ClientStats[];
  readonly clientCount: number;
}

/** Where records come from. It delivers to its receiver when its loop turns. */
export interface TrapInput extends Disposable {
  readonly stats: InputStats;
  /** The stream has ended: its receiver has been told, nothing more comes. */
  readonly ended: boolean;
  /** Why it cannot go on, as a NemeanError: what comes cannot be read, a file is not there. */
  readonly failure: Error | undefined;
}

/** Where records go. The port it is attached to delivers to it. */
export interface TrapOutput extends Receiver {
  readonly stats: OutputStats;
  /** Whether the end of the stream is told to the receivers (trap.md section 4.1); not when a process is stopped. */
  endsStream: boolean;
  /**
   * `performance.now()` until which it waits for slow receivers though it would not otherwise, and though the process
   * is stopped: what was observed to the end is to arrive. 0 for not at all.
   */
  patientUntil: number;
  /** Take the records of a port; its part-filled batch goes out after the autoflush time. */
  attach(port: OutputPort): void;
  /** Whether all that was taken has been handed over. */
  readonly drained: boolean;
  /** Close at once; what was not handed over counts as dropped. */
  close(): void;
}
