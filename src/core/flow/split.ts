// SPDX-License-Identifier: BSD-3-Clause
import type { Batch } from "../batch.ts";
import { OutputPort, type Receiver } from "../port.ts";
import { type AnyReader, reader } from "../unirec/reader.ts";
import { RecordCopy } from "../unirec/record-copy.ts";
import { type Field, fieldOf, parseTemplate, type Template } from "../unirec/template.ts";

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
  readonly #forward: RecordCopy;
  readonly #reverse: RecordCopy;
  #tooLong = 0;

  constructor(template: Template) {
    const uniflow = uniflowOf(template);
    this.flows = new OutputPort("flows", uniflow);
    this.#cursor = reader(template) as AnyReader;
    const packets = fieldOf(template, "PACKETS_REV");
    this.#packetsReverse = packets?.type === "uint32" ? packets.offset : -1;
    this.#forward = new RecordCopy(uniflow, (field) => fieldOf(template, field.name)!);
    this.#reverse = new RecordCopy(uniflow, (field) => reverseOf(template, field));
  }

  /** Records shorter than their template, fields that point outside their record, records that are too long. */
  get malformed(): number {
    return this.#cursor.malformed + this.#tooLong;
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
    // Event time may not go on for long, as after a clock that was set back: nothing waits for it here.
    this.flows.flush();
  }

  #emit(cursor: AnyReader, copy: RecordCopy): void {
    if (!copy.copy(cursor, this.flows)) this.#tooLong++;
  }

  advance(watermark: number): void {
    this.flows.advance(watermark);
  }

  end(): void {
    this.flows.end();
  }
}

/** The field that has in the other direction what `field` has in this one: X_REV, SRC for DST, or itself. */
function reverseOf(template: Template, field: Field): Field {
  const names = [field.name + REVERSE, opposite(field.name)];
  const found = names.map((name) => fieldOf(template, name));
  return found.find((other) => other?.type === field.type) ?? fieldOf(template, field.name)!;
}
