// SPDX-License-Identifier: BSD-3-Clause
import type { Batch } from "../batch.ts";
import { OutputPort, type Receiver } from "../port.ts";
import { type AnyReader, reader } from "../unirec/reader.ts";
import { type Field, fieldOf, parseTemplate, type Template } from "../unirec/template.ts";
import { fixedBytes } from "../unirec/types.ts";

const REVERSE = "_REV";

/** The name that stands for a field in the other direction: SRC and DST change places. */
const opposite = (name: string): string =>
  name.startsWith("SRC_")
    ? `DST_${name.slice(4)}`
    : name.startsWith("DST_")
      ? `SRC_${name.slice(4)}`
      : name;

/** The template of the uniflows in a biflow template: without the reverse fields of those that have one. */
export function uniflowOf(template: Template): Template {
  const kept = template.fields.filter(
    ({ name }) => !(name.endsWith(REVERSE) && fieldOf(template, name.slice(0, -REVERSE.length))),
  );
  return parseTemplate(kept.map(({ type, name }) => `${type} ${name}`).join(","), "uniflow");
}

interface Move {
  readonly from: number;
  readonly to: number;
  readonly size: number;
}

/**
 * Splits biflows into uniflows, once for all who want them (unirec.md section 9).
 *
 * The forward record as it is; the reverse one with SRC and DST exchanged and each X taken from X_REV, only
 * when PACKETS_REV is not 0.
 */
export class BiflowSplitter implements Receiver {
  readonly flows: OutputPort;
  readonly #cursor: AnyReader;
  readonly #packetsReverse: number;
  readonly #forward: readonly Move[];
  readonly #reverse: readonly Move[];
  /** Descriptors of the variable fields: where they are in the biflow, where in the uniflow. */
  readonly #variable: readonly Move[];

  constructor(template: Template) {
    const uniflow = uniflowOf(template);
    this.flows = new OutputPort("flows", uniflow);
    this.#cursor = reader(template) as AnyReader;
    this.#packetsReverse = fieldOf(template, "PACKETS_REV")?.offset ?? -1;
    const plan = (source: (name: string) => Field): Move[] =>
      uniflow.fields
        .filter(({ size }) => size > 0)
        .map(({ name, type, offset }) => ({
          from: source(name).offset,
          to: offset,
          size: fixedBytes(type),
        }));
    const own = (name: string): Field => fieldOf(template, name)!;
    this.#forward = plan(own);
    this.#reverse = plan(
      (name) => fieldOf(template, name + REVERSE) ?? fieldOf(template, opposite(name)) ?? own(name),
    );
    this.#variable = uniflow.fields
      .filter(({ size }) => size < 0)
      .map(({ name, offset }) => ({ from: own(name).offset, to: offset, size: 0 }));
  }

  receive(batch: Batch): void {
    const cursor = this.#cursor;
    cursor.reset(batch);
    while (cursor.next()) {
      this.#emit(cursor, this.#forward);
      if (
        this.#packetsReverse >= 0 &&
        cursor.view.getInt32(cursor.at + this.#packetsReverse, true) !== 0
      )
        this.#emit(cursor, this.#reverse);
    }
  }

  #emit(cursor: AnyReader, moves: readonly Move[]): void {
    const { fixedSize } = this.flows.template;
    let size = fixedSize;
    for (const { from } of this.#variable) {
      cursor.span(from);
      size += cursor.spanLength;
    }
    const batch = this.flows.room(size);
    const p = batch.push(size);
    for (let i = 0; i < moves.length; i++)
      copyValue(cursor.view, cursor.at, batch.view, p, moves[i]!);
    let data = 0;
    for (const { from, to } of this.#variable) {
      const at = cursor.span(from);
      const length = cursor.spanLength;
      batch.view.setUint16(p + to, data, true);
      batch.view.setUint16(p + to + 2, length, true);
      for (let i = 0; i < length; i++)
        batch.bytes[p + fixedSize + data + i] = cursor.view.getUint8(at + i);
      data += length;
    }
  }

  advance(watermark: number): void {
    this.flows.advance(watermark);
  }

  end(): void {
    this.flows.end();
  }
}

function copyValue(
  source: DataView,
  at: number,
  target: DataView,
  p: number,
  { from, to, size }: Move,
): void {
  let i = 0;
  for (; i + 4 <= size; i += 4)
    target.setInt32(p + to + i, source.getInt32(at + from + i, true), true);
  for (; i < size; i++) target.setUint8(p + to + i, source.getUint8(at + from + i));
}
