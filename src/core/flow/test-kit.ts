// SPDX-License-Identifier: BSD-3-Clause
/** For tests: what the meter makes of a capture, as plain rows or as text. @module */
import { type CaptureSummary, readCapture } from "../capture-file/reader.ts";
import type { Receiver } from "../port.ts";
import { type AnyReader, plainRecord, reader } from "../unirec/reader.ts";
import { parseTemplate, type Template } from "../unirec/template.ts";
import { TextWriter } from "../unirec/text-writer.ts";
import { FLOWS } from "./flows.ts";
import { Meter, type MeterOptions, type MeterStats } from "./meter.ts";

/** A flow as tests compare it: addresses and MACs as text, times in microseconds. */
export interface FlowRow {
  readonly [field: string]: unknown;
  readonly SRC_IP: string;
  readonly DST_IP: string;
  readonly SRC_PORT: number;
  readonly DST_PORT: number;
  readonly PROTOCOL: number;
  readonly PACKETS: number;
  readonly PACKETS_REV: number;
  readonly BYTES: number;
  readonly BYTES_REV: number;
  readonly TIME_FIRST: number;
  readonly TIME_LAST: number;
  readonly TCP_FLAGS: number;
  readonly TCP_FLAGS_REV: number;
  readonly SRC_MAC: string;
  readonly DST_MAC: string;
  readonly FLOW_END_REASON: number;
}

/** Keeps all flows of a meter as rows, and the watermarks between them. */
export class FlowRows implements Receiver {
  readonly rows: FlowRow[] = [];
  readonly watermarks: number[] = [];
  /** Flows whose TIME_LAST lies below a watermark that was told before them. */
  late = 0;
  readonly #cursor = reader(FLOWS) as AnyReader;

  constructor(meter: Meter) {
    meter.flows.link(this);
  }

  receive(batch: Parameters<Receiver["receive"]>[0]): void {
    this.#cursor.reset(batch);
    while (this.#cursor.next()) {
      const row = plainRecord(this.#cursor, FLOWS) as FlowRow;
      if (row.TIME_LAST < (this.watermarks.at(-1) ?? 0)) this.late++;
      this.rows.push(row);
    }
  }

  advance(watermark: number): void {
    this.watermarks.push(watermark);
  }

  end(): void {}
}

export interface Metered {
  readonly rows: readonly FlowRow[];
  readonly stats: MeterStats;
  readonly summary: CaptureSummary;
  /** Flows that came after a watermark they lie below. */
  readonly late: number;
}

/** Meter a whole capture. */
export function meterCapture(path: string, options: MeterOptions = {}): Metered {
  const meter = new Meter(options);
  const flows = new FlowRows(meter);
  const summary = readCapture(path, meter.frames);
  meter.end();
  return { rows: flows.rows, stats: meter.stats(), summary, late: flows.late };
}

/** Meter a whole capture into text lines that have the fields of `spec`, in its order, which is checked against it. */
export function meterText(path: string, spec: string, options: MeterOptions = {}): string[] {
  const projected = projectionOf(spec);
  const meter = new Meter(options);
  const lines: string[] = [];
  const writer = new TextWriter((bytes) => {
    lines.push(...new TextDecoder().decode(bytes).split("\n").slice(0, -1));
  });
  const cursor = reader(FLOWS) as AnyReader;
  writer.header(projected);
  meter.flows.link({
    receive: (batch) => {
      cursor.reset(batch);
      while (cursor.next()) writer.record(cursor, projected);
    },
    advance: () => {},
    end: () => writer.flush(),
  });
  readCapture(path, meter.frames);
  meter.end();
  return lines;
}

/** Some fields of the meter's records, at their places in these: what a text writer needs to show only them. */
function projectionOf(spec: string): Template {
  const template = parseTemplate(spec);
  const fields = template.fields.map((wanted) => {
    const field = FLOWS.fields.find(
      ({ name, type }) => name === wanted.name && type === wanted.type,
    );
    if (field === undefined) throw new Error(`the meter sends no ${wanted.type} ${wanted.name}`);
    return field;
  });
  return { ...template, fields };
}
