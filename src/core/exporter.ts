// SPDX-License-Identifier: BSD-3-Clause
/**
 * What brings alerts to others: a declaration an exporter, as modules have one. Queues, retries and what is remembered
 * over a restart are the control plane's, once for all of them.
 * @module
 */
import type { Alert } from "./alert.ts";
import type { Params, ValuesOf } from "./module.ts";

/** What became of a batch: its alerts are taken in order, and the first that is not taken ends it. */
export interface SendResult {
  /** How many of the batch, from its beginning, the receiver has. */
  readonly accepted: number;
  /** Why the next one will never be taken, however often it is sent: it goes to the dead letters. */
  readonly refused?: string;
  /** Why the rest has to wait: the receiver is not there, too slow, or says so. */
  readonly failure?: string;
  /** Milliseconds after which the receiver wants to be asked again, where it says so. */
  readonly retryAfter?: number;
}

/** A connection to a receiver of alerts. */
export interface Sink {
  /** Send alerts in order. Never rejects: what goes wrong is in the result. One call at a time. */
  send(alerts: readonly Alert[]): Promise<SendResult>;
  /** Let go of the connection; a later send makes it anew. */
  close(): Promise<void>;
}

/** What an exporter is told of its place. */
export interface SinkPlace {
  /** Name of the product's host, as it appears in messages. */
  readonly host: string;
  /** Version of the product. */
  readonly version: string;
}

export interface ExporterDef<P extends Params = Params> {
  readonly name: string;
  /** One sentence. */
  readonly about: string;
  /** Longer text for the docs page, in Markdown. */
  readonly details?: string;
  readonly params: P;
  /** @throws {NemeanError} for parameters that cannot work: a file that is missing, an address that is none */
  open(params: ValuesOf<P>, place: SinkPlace): Sink;
}

/** Any exporter, for code that handles all of them. */
export type AnyExporter = Omit<ExporterDef, "open"> & {
  open(params: never, place: SinkPlace): Sink;
};

/** Declare an exporter. The identity function is all it takes: the types do the work. */
export const defineExporter = <const P extends Params>(def: ExporterDef<P>): ExporterDef<P> => def;
