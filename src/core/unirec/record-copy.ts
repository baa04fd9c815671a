// SPDX-License-Identifier: BSD-3-Clause
import { RECORD_MAX } from "../batch.ts";
import type { OutputPort } from "../port.ts";
import type { AnyReader } from "./reader.ts";
import type { Field, Template } from "./template.ts";

/** A run of bytes of the fixed part, or a variable field's descriptors: where in the source, where in the copy. */
interface Move {
  readonly from: number;
  readonly to: number;
  readonly size: number;
}

/** Copies the fixed part of a record at `at` of `source` to a record at `p` of `target`. */
type CopyFixed = (source: DataView, at: number, target: DataView, p: number) => void;

/** Copies records of one layout into another one, each field from one of the source's of the same type. */
export class RecordCopy {
  readonly #copyFixed: CopyFixed;
  readonly #variable: readonly Move[];
  readonly #fixedSize: number;
  /** Offset and length in the batch of each variable value of the record that is written. */
  readonly #spans: Int32Array;

  /** @param sourceOf the source's field for a field of `to` */
  constructor(to: Template, sourceOf: (field: Field) => Field) {
    const moves = to.fields.map((field) => ({
      from: sourceOf(field).offset,
      to: field.offset,
      size: Math.max(0, field.size),
    }));
    this.#copyFixed = compileCopy(moves.filter(({ size }) => size > 0));
    this.#variable = moves.filter(({ size }) => size === 0);
    this.#spans = new Int32Array(this.#variable.length * 2);
    this.#fixedSize = to.fixedSize;
  }

  /** Copy the record under a cursor; false for one that is too long. Only one whose values overlap grows by being laid out. */
  copy(cursor: AnyReader, port: OutputPort): boolean {
    const spans = this.#spans;
    const variable = this.#variable;
    let size = this.#fixedSize;
    for (let i = 0; i < variable.length; i++) {
      spans[i * 2] = cursor.span(variable[i]!.from);
      spans[i * 2 + 1] = cursor.spanLength;
      size += cursor.spanLength;
    }
    if (size > RECORD_MAX) return false;
    const batch = port.room(size);
    const p = batch.push(size);
    this.#copyFixed(cursor.view, cursor.at, batch.view, p);
    let data = 0;
    for (let i = 0; i < variable.length; i++) {
      const at = spans[i * 2]!;
      const length = spans[i * 2 + 1]!;
      batch.view.setUint16(p + variable[i]!.to, data, true);
      batch.view.setUint16(p + variable[i]!.to + 2, length, true);
      for (let k = 0; k < length; k++)
        batch.bytes[p + this.#fixedSize + data + k] = cursor.view.getUint8(at + k);
      data += length;
    }
    return true;
  }
}

/**
 * One straight run of loads and stores, neighbours joined: half the cost of a loop over moves. Only offsets, which
 * are numbers, reach the source.
 */
function compileCopy(moves: readonly Move[]): CopyFixed {
  const lines: string[] = [];
  for (const { from, to, size } of joined(moves)) {
    let i = 0;
    for (; i + 4 <= size; i += 4)
      lines.push(`target.setInt32(p + ${to + i}, source.getInt32(at + ${from + i}, true), true);`);
    for (; i < size; i++)
      lines.push(`target.setUint8(p + ${to + i}, source.getUint8(at + ${from + i}));`);
  }
  return new Function("source", "at", "target", "p", lines.join("\n")) as CopyFixed;
}

/** Moves with those joined that lie side by side at both ends. */
function joined(moves: readonly Move[]): Move[] {
  const runs: Move[] = [];
  for (const move of moves.toSorted((a, b) => a.to - b.to)) {
    const last = runs.at(-1);
    const adjoins = last && last.from + last.size === move.from && last.to + last.size === move.to;
    if (adjoins) runs[runs.length - 1] = { ...last, size: last.size + move.size };
    else runs.push(move);
  }
  return runs;
}
