// SPDX-License-Identifier: BSD-3-Clause
import { type Batch, RECORD_MAX } from "../core/batch.ts";
import { FlowIntake } from "../core/flow/intake.ts";
import type { FlowSink } from "../core/ipfix/collect/flow-collector.ts";
import type { Merge } from "../core/merge.ts";
import { PROTOCOLS } from "../core/metadata/protocols.ts";
import { OutputPort } from "../core/port.ts";
import { type AnyReader, reader } from "../core/unirec/reader.ts";
import { fieldOf, parseTemplate, type Template } from "../core/unirec/template.ts";
import { type RecordWriter, writer } from "../core/unirec/writer.ts";
import { MergeTarget } from "./merge-target.ts";
import { needsOfPorts, type PluginPlan } from "./plugins.ts";

/** What came from exporters, in the terms of a meter. */
export interface CollectedTotals {
  flows: number;
  packets: number;
  bytes: number;
  /** Records that were too long for a flow and were dropped. */
  tooLong: number;
}

/**
 * Flows that a collector decodes, as a meter would send them: all on the ports of all flows, and on a port for modules those
 * in which the exporter tells something of what the port is for.
 */
export class CollectedFlows {
  readonly sink: FlowSink;
  readonly totals: CollectedTotals = { flows: 0, packets: 0, bytes: 0, tooLong: 0 };
  readonly #all: OutputPort;
  readonly #cursor: AnyReader;
  readonly #ports: readonly Port[];

  /** @param name of the source, as errors call it */
  constructor(name: string, plugins: PluginPlan | undefined, merges: readonly Merge[]) {
    const layout = joined(merges.map(({ flows }) => flows.template));
    this.#all = new OutputPort("flows", layout);
    this.#cursor = reader(layout) as AnyReader;
    const needs = needsOfPorts(plugins);
    this.#ports = merges.map((merge, i) => new Port(name, merge, needs[i] ?? [], layout));
    this.#all.link({
      receive: (batch) => this.#spread(batch),
      advance: () => {},
      end: () => {},
    });
    const record = writer(layout);
    this.sink = { record, push: () => this.#push(record) };
  }

  #push(record: RecordWriter): void {
    if (record.size > RECORD_MAX) this.totals.tooLong++;
    else record.end(this.#all.room(record.size));
  }

  #spread(batch: Batch): void {
    const cursor = this.#cursor;
    const { totals } = this;
    cursor.reset(batch);
    while (cursor.next()) {
      totals.flows++;
      totals.packets += numberOf(cursor["PACKETS"]) + numberOf(cursor["PACKETS_REV"]);
      totals.bytes += numberOf(cursor["BYTES"]) + numberOf(cursor["BYTES_REV"]);
      for (const port of this.#ports) port.take(cursor);
    }
    for (const port of this.#ports) port.flush();
  }

  /** Send what was decoded so far. */
  flush(): void {
    this.#all.flush();
  }

  /** Some time has passed: what came goes on, though nothing says yet that event time has. */
  tick(): void {
    this.advance(Number.NEGATIVE_INFINITY);
  }

  /** Send what was decoded; no later flow is to end before the watermark. */
  advance(watermark: number): void {
    this.flush();
    for (const port of this.#ports) port.advance(watermark);
  }

  end(): void {
    this.flush();
    for (const port of this.#ports) port.end();
  }
}

/** One port of a meter that is not there. */
class Port {
  readonly #out: OutputPort;
  readonly #record: RecordWriter;
  readonly #intake: FlowIntake;
  /** Where the fields lie of which one has to say something; none where all flows will do. */
  readonly #told: readonly { readonly offset: number; readonly size: number }[];

  constructor(name: string, merge: Merge, needs: readonly string[], layout: Template) {
    const target = new MergeTarget(merge, name);
    this.#out = new OutputPort("flows", target.template);
    this.#record = writer(target.template);
    this.#intake = new FlowIntake(target);
    this.#out.link(this.#intake);
    this.#told = PROTOCOLS.filter((plugin) => needs.includes(plugin.name)).flatMap(({ fields }) =>
      fields.fields.map(({ name: field }) => fieldOf(layout, field)!),
    );
  }

  take(cursor: AnyReader): void {
    if (this.#told.length > 0 && !this.#told.some((field) => isTold(cursor, field))) return;
    const record = this.#record;
    record.begin().copyFrom(cursor);
    record.end(this.#out.room(record.size));
  }

  flush(): void {
    this.#out.flush();
  }

  advance(watermark: number): void {
    this.#intake.advance(watermark);
  }

  end(): void {
    this.#out.end();
  }
}

const numberOf = (value: unknown): number => Number(value ?? 0);

/** Whether a field is not empty, or not zero. */
function isTold(cursor: AnyReader, { offset, size }: { offset: number; size: number }): boolean {
  if (size < 0) {
    cursor.span(offset);
    return cursor.spanLength > 0;
  }
  for (let i = 0; i < size; i++)
    if (cursor.view.getUint8(cursor.at + offset + i) !== 0) return true;
  return false;
}

/** All fields of some layouts. */
function joined(layouts: readonly Template[]): Template {
  const fields = new Map(
    layouts.flatMap(({ fields }) => fields.map(({ name, type }) => [name, type] as const)),
  );
  return parseTemplate([...fields].map(([name, type]) => `${type} ${name}`).join(","), "biflow");
}
