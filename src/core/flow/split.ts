// SPDX-License-Identifier: BSD-3-Clause
import { type Batch, RECORD_MAX } from "../batch.ts";
import { OutputPort, type Receiver } from "../port.ts";
import { type AnyReader, reader } from "../unirec/reader.ts";
import { type Field, fieldOf, parseTemplate, type Template } from "../unirec/template.ts";
import { addRun, type CopyWords, type Run, wordCopy } from "../unirec/word-copy.ts";

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

/** A variable field's descriptors: where in the biflow, where in the uniflow. */
interface Place {
  readonly from: number;
  readonly to: number;
}

interface Plan {
  readonly copyFixed: CopyWords;
  readonly variable: readonly Place[];
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
  readonly #forward: Plan;
  readonly #reverse: Plan;
  /** Offset and length in the batch of each variable value of the record that is written. */
  readonly #spans: Int32Array;
  #tooLong = 0;

  constructor(template: Template) {
    const uniflow = uniflowOf(template);
    this.flows = new OutputPort("flows", uniflow);
    this.#cursor = reader(template) as AnyReader;
    const packets = fieldOf(template, "PACKETS_REV");
    this.#packetsReverse = packets?.type === "uint32" ? packets.offset : -1;
    this.#forward = plan(uniflow, (field) => fieldOf(template, field.name)!);
    this.#reverse = plan(uniflow, (field) => reverseOf(template, field));
    this.#spans = new Int32Array(this.#forward.variable.length * 2);
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

  #emit(cursor: AnyReader, { copyFixed, variable }: Plan): void {
    const { fixedSize } = this.flows.template;
    const spans = this.#spans;
    let size = fixedSize;
    for (let i = 0; i < variable.length; i++) {
      spans[i * 2] = cursor.span(variable[i]!.from);
      spans[i * 2 + 1] = cursor.spanLength;
      size += cursor.spanLength;
    }
    // Only a record whose values overlap grows by being laid out.
    if (size > RECORD_MAX) {
      this.#tooLong++;
      return;
    }
    const batch = this.flows.room(size);
    const p = batch.push(size);
    copyFixed(cursor.view, cursor.at, batch.view, p);
    let data = 0;
    for (let i = 0; i < variable.length; i++) {
      const at = spans[i * 2]!;
      const length = spans[i * 2 + 1]!;
      batch.view.setUint16(p + variable[i]!.to, data, true);
      batch.view.setUint16(p + variable[i]!.to + 2, length, true);
      for (let k = 0; k < length; k++)
        batch.bytes[p + fixedSize + data + k] = cursor.view.getUint8(at + k);
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

/** Where each field of a uniflow comes from. */
function plan(uniflow: Template, source: (field: Field) => Field): Plan {
  const fixed: Run[] = [];
  const variable: Place[] = [];
  for (const field of uniflow.fields) {
    const place = { from: source(field).offset, to: field.offset };
    if (field.size > 0) addRun(fixed, { ...place, size: field.size });
    else variable.push(place);
  }
  return { copyFixed: wordCopy(fixed), variable };
}

/** The field that has in the other direction what `field` has in this one: X_REV, SRC for DST, or itself. */
function reverseOf(template: Template, field: Field): Field {
  const names = [field.name + REVERSE, opposite(field.name)];
  const found = names.map((name) => fieldOf(template, name));
  return found.find((other) => other?.type === field.type) ?? fieldOf(template, field.name)!;
}
