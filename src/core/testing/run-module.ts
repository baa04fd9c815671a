// SPDX-License-Identifier: BSD-3-Clause
/** Run a module on plain rows or on UniRec text, and collect what it sends. @module */
import type { Alert } from "../alert.ts";
import { Batch } from "../batch.ts";
import { ManualClock } from "../clock.ts";
import type { AnyModule } from "../module.ts";
import { OutputPort } from "../port.ts";
import { ModuleRunner } from "../runner.ts";
import { type AnyReader, plainRecord, reader } from "../unirec/reader.ts";
import type { Template } from "../unirec/template.ts";
import { TextReader } from "../unirec/text-reader.ts";
import { TextWriter } from "../unirec/text-writer.ts";
import { SECOND } from "../unirec/time.ts";
import { RecordWriter } from "../unirec/writer.ts";

export type Row = Readonly<Record<string, unknown>>;

export interface Outcome {
  /** Records sent, as plain rows, by output. */
  readonly out: Readonly<Record<string, Row[]>>;
  /** The same as UniRec text with its header. */
  readonly text: Readonly<Record<string, string>>;
  readonly alerts: Alert[];
  readonly runner: ModuleRunner;
}

export interface HarnessOptions {
  readonly params?: Readonly<Record<string, unknown>>;
  /** How often records are delivered: after each so many. One batch when left out. */
  readonly batchSize?: number;
  /** Wall seconds for each second of a pacing column. */
  readonly clockRate?: number;
  /** Microseconds by which event time lags the latest TIME_LAST. */
  readonly lag?: number;
  /** Whether the stream ends. */
  readonly end?: boolean;
}

/** A module with its outputs collected. */
export class Harness {
  readonly runner: ModuleRunner;
  readonly clock = new ManualClock(1_704_067_200 * SECOND);
  readonly alerts: Alert[] = [];
  readonly #rows = new Map<string, Row[]>();
  readonly #text = new Map<string, string[]>();

  constructor(def: AnyModule, params: Readonly<Record<string, unknown>> = {}) {
    this.runner = new ModuleRunner(def, {
      params,
      clock: this.clock,
      onAlert: (alert) => this.alerts.push(alert),
    });
    for (const port of Object.values(this.runner.outputs)) this.#collect(port);
  }

  #collect(port: OutputPort): void {
    const rows: Row[] = [];
    const text: string[] = [];
    this.#rows.set(port.name, rows);
    this.#text.set(port.name, text);
    const cursor = reader(port.template) as AnyReader;
    const decoder = new TextDecoder();
    const writer = new TextWriter((bytes) => text.push(decoder.decode(bytes)));
    writer.header(port.template);
    writer.flush();
    port.link({
      receive: (batch) => {
        cursor.reset(batch);
        while (cursor.next()) {
          rows.push(plainRecord(cursor, port.template));
          writer.record(cursor, port.template);
        }
        writer.flush();
      },
      advance: () => {},
      end: () => {},
    });
  }

  /** A port that feeds an input with records of `template`. */
  feed(input: string, template: Template): OutputPort {
    const port = new OutputPort(input, template, new Batch());
    const target = this.runner.inputs[input];
    if (!target) throw new Error(`no input ${input}`);
    port.link(target);
    return port;
  }

  outcome(): Outcome {
    for (const port of Object.values(this.runner.outputs)) port.flush();
    const text = [...this.#text].map(([name, parts]) => [name, parts.join("")]);
    return {
      out: Object.fromEntries(this.#rows),
      text: Object.fromEntries(text),
      alerts: this.alerts,
      runner: this.runner,
    };
  }
}

/** Feed rows to a module's input `flows`; event time follows their TIME_LAST. */
export function runRows(
  def: AnyModule,
  rows: readonly Row[],
  options: HarnessOptions = {},
): Outcome {
  const harness = new Harness(def, options.params);
  const template = def.inputs["flows"]!;
  const port = harness.feed("flows", template);
  const composed = new RecordWriter(template);
  const { batchSize = Number.POSITIVE_INFINITY, lag = 30 * SECOND, end = true } = options;
  let latest = Number.NEGATIVE_INFINITY;
  for (const [i, row] of rows.entries()) {
    composed.begin().setAll(row);
    composed.end(port.room(composed.size));
    if (typeof row["TIME_LAST"] === "number") latest = Math.max(latest, row["TIME_LAST"]);
    if ((i + 1) % batchSize === 0) port.advance(latest - lag);
  }
  port.advance(latest - lag);
  if (end) port.end();
  return harness.outcome();
}

/** Feed UniRec text with its header to a module's input `flows`, at full speed or as its pacing column says. */
export function runText(def: AnyModule, csv: string, options: HarnessOptions = {}): Outcome {
  const harness = new Harness(def, options.params);
  const [header = "", ...lines] = csv.split("\n").filter((line) => line !== "");
  const text = new TextReader(header);
  const port = harness.feed("flows", text.template);
  const composed = text.writer();
  const { clockRate = 1, batchSize = Number.POSITIVE_INFINITY, end = true } = options;
  const start = harness.clock.now();
  let begun: number | undefined;
  for (const [i, line] of lines.entries()) {
    const pace = text.read(line, composed);
    if (text.paced) {
      begun ??= pace;
      const wall = start + (pace - begun) * clockRate;
      if (wall !== harness.clock.now()) port.flush();
      harness.clock.set(wall);
    }
    composed.end(port.room(composed.size));
    if ((i + 1) % batchSize === 0) port.flush();
  }
  if (end) port.end();
  return harness.outcome();
}
