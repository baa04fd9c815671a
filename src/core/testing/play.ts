// SPDX-License-Identifier: BSD-3-Clause
/** Feed rows to a detector piece by piece, with the event time a producer would send. @module */
import type { Alert } from "../alert.ts";
import type { AnyModule } from "../module.ts";
import type { OutputPort } from "../port.ts";
import type { ModuleRunner } from "../runner.ts";
import type { Template } from "../unirec/template.ts";
import { SECOND } from "../unirec/time.ts";
import { RecordWriter } from "../unirec/writer.ts";
import { Harness, type Outcome, type Row } from "./run-module.ts";

export interface PlayOptions {
  readonly params?: Readonly<Record<string, unknown>>;
  /** Indexes of rows after which a batch ends and event time is told. */
  readonly cuts?: readonly number[];
  /** What the sender's records are laid out as; as the module declares them when left out. */
  readonly layout?: Template;
}

/** A detector in the middle of a stream. */
export class Play {
  readonly #harness: Harness;
  #port: OutputPort;
  #writer: RecordWriter;

  /** Throws ERR_TEMPLATE when the layout lacks a required field. */
  constructor(def: AnyModule, { params, layout = def.inputs["flows"]! }: PlayOptions = {}) {
    this.#harness = new Harness(def, params);
    this.#port = this.#harness.feed("flows", layout);
    this.#writer = new RecordWriter(layout);
  }

  get runner(): ModuleRunner {
    return this.#harness.runner;
  }

  get port(): OutputPort {
    return this.#port;
  }

  /** The sender announces another layout. */
  negotiate(layout: Template): this {
    this.#port.flush();
    this.#port = this.#harness.feed("flows", layout);
    this.#writer = new RecordWriter(layout);
    return this;
  }

  /** Send the rows with an index from `from` up to, not including, `to`. */
  rows(
    rows: readonly Row[],
    part: { from?: number; to?: number; cuts?: readonly number[] } = {},
  ): this {
    const { from = 0, to = rows.length, cuts = [] } = part;
    const ahead = leastTimes(rows);
    const ends = new Set(cuts);
    for (let i = from; i < to; i++) {
      this.#writer.begin().setAll(rows[i]!);
      this.#writer.end(this.#port.room(this.#writer.size));
      if (ends.has(i)) this.#port.advance(ahead[i + 1]!);
    }
    this.#port.flush();
    return this;
  }

  /** Event time has come to `watermark`. */
  advance(watermark: number): this {
    this.#port.advance(watermark);
    return this;
  }

  /** The stream ends. */
  end(): Outcome {
    this.#port.end();
    return this.#harness.outcome();
  }

  /** What was sent so far. */
  outcome(): Outcome {
    return this.#harness.outcome();
  }
}

/** Feed all rows, then event time up to the last of them, then the end. */
export function play(def: AnyModule, rows: readonly Row[], options: PlayOptions = {}): Outcome {
  const { cuts = [] } = options;
  const played = new Play(def, options).rows(rows, { cuts });
  const latest = Math.max(...rows.map((row) => Number(row["TIME_LAST"])));
  return played.advance(latest).end();
}

/** For each index the least TIME_LAST of the rows from there on: the watermark a producer may send. */
function leastTimes(rows: readonly Row[]): number[] {
  const times = [Math.max(...rows.map((row) => Number(row["TIME_LAST"])))];
  for (const row of rows.toReversed())
    times.push(Math.min(times.at(-1)!, Number(row["TIME_LAST"])));
  return times.reverse();
}

/** The same rows some seconds later. */
export const later = (rows: readonly Row[], seconds: number): Row[] =>
  rows.map((row) => ({
    ...row,
    TIME_FIRST: Number(row["TIME_FIRST"]) + seconds * SECOND,
    TIME_LAST: Number(row["TIME_LAST"]) + seconds * SECOND,
  }));

/**
 * All that was sent, records and alerts, in an order of its own and without ids, which are random.
 * Events open anew after a restart, so then what an event gathers over its updates is left out.
 */
export function said(
  outcomes: Outcome | readonly Outcome[],
  { restarted = false }: { restarted?: boolean } = {},
): string[] {
  const anonymous = ({ id: _, update, firstTime, ...alert }: Alert): object =>
    restarted ? alert : { ...alert, update, firstTime };
  return [outcomes]
    .flat()
    .flatMap(({ alerts, out }: Outcome) => [
      ...alerts.map((alert) => JSON.stringify(anonymous(alert))),
      ...(out["alerts"] ?? []).map((record) => JSON.stringify(record)),
    ])
    .sort();
}
