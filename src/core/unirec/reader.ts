// SPDX-License-Identifier: BSD-3-Clause
import type { Batch } from "../batch.ts";
import { cursorClass } from "./cursor-class.ts";
import { macText } from "./ip.ts";
import type { Field, Reader, Template } from "./template.ts";
import type { IpField } from "./types.ts";

/** A cursor over the records of batches, before its template gives it a type. */
export interface AnyReader {
  view: DataView;
  /** Offset in `view` of the record under the cursor, and its bytes. */
  at: number;
  size: number;
  /** Records that were shorter than their template, and variable fields that point outside their record. */
  malformed: number;
  /** The batch it was pointed at last. */
  readonly batch: Batch;
  /** The layout of the records: what the sender announced. */
  readonly layout: Template;
  next(): boolean;
  /** Point the cursor at a batch. */
  reset(batch: Batch): void;
  /** Take the layout of the sender's records; throws ERR_TEMPLATE when a required field is missing. */
  negotiate(layout: Template): void;
  /** Where a variable field lies in `view`, after a check against the record; empty when it lies outside. */
  span(descriptor: number): number;
  spanLength: number;
  readonly [field: string]: unknown;
}

/**
 * A cursor with a getter for each field of `declared`, over records laid out as `negotiated`.
 *
 * One class for each declared template, offsets in the instance: a peer may renegotiate its layout
 * without changing the class. Offsets as constants would save 0.1 ns a record and cost 10 ns as soon as a
 * handler meets a second layout (bench api). Only names checked by the template reach the source.
 */
export function reader<T extends Template>(
  declared: T,
  negotiated: Template = declared,
): Reader<T> & AnyReader {
  const cursor = new (cursorClass(declared))() as AnyReader;
  cursor.negotiate(negotiated);
  return cursor as Reader<T> & AnyReader;
}

/** A value as plain data, for evidence, JSON and tests: addresses and MACs as text. */
export function plainValue(value: unknown, type: Field["type"]): unknown {
  if (type === "ipaddr") return String(value as IpField);
  if (type === "macaddr") return macText(value as number);
  if (type === "macaddr*") return (value as number[]).map(macText);
  if (value instanceof Uint8Array) return value.slice();
  return value;
}

/** The record under a cursor as a plain object in declared order. */
export function plainRecord(cursor: AnyReader, declared: Template): Record<string, unknown> {
  return Object.fromEntries(
    declared.fields.map(({ name, type }) => [name, plainValue(cursor[name], type)]),
  );
}
