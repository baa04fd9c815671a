// SPDX-License-Identifier: BSD-3-Clause
import type { Exporter } from "../../core/ipfix/collect/message-head.ts";

/** Takes messages where they lie: the first `length` bytes of `view`. */
export type MessageHandler = (view: DataView, exporter: Exporter, length: number) => void;

/** The same of datagrams, with the time at which each came, in microseconds since 1970. */
export type DatagramHandler = (
  view: DataView,
  exporter: Exporter,
  length: number,
  arrivedAt: number,
) => void;

/** A source of messages. */
export interface Input extends Disposable {
  /** As the operator wrote it. */
  readonly text: string;
  /** What it has counted, by the names of the status page. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Files are read step by step: false at the end. */
export interface FileInput extends Input {
  step(): boolean;
}
