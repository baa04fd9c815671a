// SPDX-License-Identifier: BSD-3-Clause
import { type Batch, PAYLOAD_MAX, RECORD_MAX, recordTooLong } from "../batch.ts";
import { EXIT, NemeanError } from "../errors.ts";
import { CopyPlan } from "./copy-plan.ts";
import type { AnyReader } from "./reader.ts";
import { writeScalar } from "./scalar-write.ts";
import type { Template, Values } from "./template.ts";
import type { ScalarType, WriteTypes } from "./types.ts";
import { VariableValues } from "./variable-values.ts";
import { writerClass } from "./writer-class.ts";

// biome-ignore lint/performance/noBarrelFile: one name, which belongs to what a writer offers.
export { writeScalar } from "./scalar-write.ts";

/** Setters of a template's fields: `writer.SRC_IP = flow.SRC_IP`. */
export type Setters<T> =
  T extends Template<infer F, string> ? { -readonly [K in keyof F]: WriteTypes[F[K]] } : never;

/**
 * Composes records of one template, one at a time, and puts them into batches.
 *
 * `begin()` clears the record, setters fill it in any order, `end(batch)` appends it. Variable values are laid out
 * in record order, without gaps, at the end.
 */
export class RecordWriter {
  readonly template: Template;
  /** The fixed part being composed. */
  readonly fixed: Uint8Array;
  readonly view: DataView;
  // For the class that writer() generates, not for callers: it cannot reach members called `#`.
  /** Strings, bytes and arrays. */
  readonly $values: VariableValues;
  /** What the last cursor's layout has in common with the template. */
  $plan: CopyPlan;

  constructor(template: Template) {
    this.template = template;
    this.fixed = new Uint8Array(new ArrayBuffer(Math.max(1, template.fixedSize)));
    this.view = new DataView(this.fixed.buffer);
    this.$values = new VariableValues(template);
    this.$plan = new CopyPlan(undefined, template);
  }

  /** Start a record: all fields zero or empty. */
  begin(): this {
    // Records with a short fixed part have a begin() of their own.
    this.fixed.fill(0);
    this.$values.clear();
    return this;
  }

  /** Set several fields by name; a name the template lacks is ERR_FIELD. */
  setAll(values: Readonly<Record<string, unknown>>): this {
    for (const name in values) {
      const i = this.template.fields.findIndex((field) => field.name === name);
      if (i < 0)
        throw new NemeanError("ERR_FIELD", EXIT.software, `the template has no field ${name}`);
      if (values[name] !== undefined) this.set(i, values[name]);
    }
    return this;
  }

  /** Set the field of an index in record order. */
  set(i: number, value: unknown): void {
    const field = this.template.fields[i]!;
    if (field.size > 0) writeScalar(this.view, field.offset, field.type as ScalarType, value);
    else this.$values.set(i, value);
  }

  /** Copy the fields that both templates have from the record under a cursor, bit by bit. */
  copyFrom(cursor: AnyReader): this {
    if (this.$plan.layout !== cursor.layout) this.$planCopy(cursor.layout);
    const { copy, variable } = this.$plan;
    copy(cursor.view, cursor.at, this.view, 0);
    for (let k = 0; k < variable.length; k += 2)
      this.$values.copy(variable[k + 1]!, cursor, variable[k]!);
    return this;
  }

  $planCopy(layout: Template): void {
    this.$plan = new CopyPlan(layout, this.template);
  }

  /** Bytes of the record as it stands. */
  get size(): number {
    return this.template.fixedSize + this.$values.size;
  }

  /**
   * Append the record to a batch it fits in: see {@link size} and {@link Batch.fits}.
   * Throws ERR_RECORD_SIZE when it is longer than {@link RECORD_MAX}.
   */
  end(batch: Batch): void {
    const { size } = this;
    const { fixedSize } = this.template;
    if (size > RECORD_MAX) throw recordTooLong(size);
    this.$values.describe(this.view);
    const at = batch.push(size);
    if (fixedSize > 0) batch.bytes.set(this.fixed, at);
    this.$values.copyTo(batch.bytes, at + fixedSize);
  }
}

/**
 * A {@link RecordWriter} with a setter for each field, of a class that is generated for the template.
 * Throws ERR_TEMPLATE when a field is called as a member of the writer (UniRec's names are upper case).
 */
export function writer<T extends Template>(template: T): RecordWriter & Setters<T> {
  const Writer = writerClass(template, RecordWriter);
  return new Writer(template) as RecordWriter & Setters<T>;
}

/** Pack rows into one batch, for tests and small inputs; ERR_RECORD_SIZE when they do not fit. */
export function packBatch<T extends Template>(
  template: T,
  rows: readonly Values<T>[],
  batch: Batch,
): Batch {
  const composed = new RecordWriter(template);
  for (const row of rows) {
    composed.begin().setAll(row as Record<string, unknown>);
    if (!batch.fits(composed.size))
      throw new NemeanError(
        "ERR_RECORD_SIZE",
        EXIT.data,
        `more than ${PAYLOAD_MAX} bytes of records`,
      );
    composed.end(batch);
  }
  return batch;
}
