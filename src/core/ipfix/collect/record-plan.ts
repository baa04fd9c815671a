// SPDX-License-Identifier: BSD-3-Clause
import type { Field, Template } from "../../unirec/template.ts";
import { type ArrayType, isArrayType, type ScalarType } from "../../unirec/types.ts";
import type { RecordWriter } from "../../unirec/writer.ts";
import { conversionFor } from "./conversions.ts";
import { type Place, readList } from "./lists.ts";
import type { ElementRef, Mapping } from "./mapping.ts";
import { compile, type Fill, type Step } from "./plan-code.ts";
import type { Transfer } from "./transfer.ts";
import type { WireTemplate } from "./wire-template.ts";

/** Records after which a plan is worth its code. */
const COMPILE_AFTER = 1000;
/** Bytes of a string or of bytes that are taken. */
const LENGTH_MAX = 1024;
/** basicList (RFC 6313). */
const BASIC_LIST = 291;

/** A value of variable length: a string, bytes, or a list. */
interface LongValue {
  readonly source: number;
  readonly element: ElementRef;
  /** Index of the UniRec field. */
  readonly field: number;
  readonly type: Field["type"];
}

/** A field of the layout, and one of the elements it may come from. */
export interface Wanted {
  readonly field: Field;
  /** Its index. */
  readonly index: number;
  readonly element: ElementRef;
}

/** What a layout wants; of several elements of a field the best comes last, and is not written where it is zero. */
export const wantedOf = ({ fields }: Template, mapping: Mapping): readonly Wanted[] =>
  fields.flatMap((field, index) =>
    mapping
      .elementsOf(field.name)
      .toReversed()
      .map((element) => ({ field, index, element })),
  );

/**
 * How records of one template become UniRec records of one layout, made when the first of them comes.
 *
 * Fields for which the record has no element stay zero or empty. Of several elements the best is taken; where its value is zero, the next one: routers
 * send both ports and ICMP types, of which one is zero.
 */
export class RecordPlan {
  readonly #steps: readonly Step[];
  readonly #long: readonly LongValue[];
  readonly #template: WireTemplate;
  #records = 0;
  #fill: Fill | undefined;

  constructor(template: WireTemplate, wanted: readonly Wanted[]) {
    this.#template = template;
    const steps: Step[] = [];
    const long: LongValue[] = [];
    for (const { field, index, element } of wanted) {
      const source = indexOf(template, element);
      if (source < 0) continue;
      const { type, size, offset } = field;
      if (size <= 0) {
        if (long.at(-1)?.field === index) long.pop();
        long.push({ source, element, field: index, type });
        continue;
      }
      const { length } = template.fields[source]!;
      const kind = conversionFor({ name: field.name, type: type as ScalarType }, element, length);
      if (kind === undefined) continue;
      const from = template.isFixed ? template.offsetOf(source) : source;
      const isSecond = steps.at(-1)?.target === offset;
      steps.push({ kind, source: from, length, target: offset, isSecond });
    }
    this.#steps = steps;
    this.#long = long;
  }

  /** Whether it looks at where the fields of a record lie. */
  get needsSpans(): boolean {
    return this.#long.length > 0 || !this.#template.isFixed;
  }

  /** Fill in a record that is begun, from the one that the transfer has. */
  write(transfer: Transfer, record: RecordWriter): void {
    if (this.#fill) this.#fill(transfer);
    else {
      for (const step of this.#steps) run(step, transfer, this.#template.isFixed);
      if (++this.#records === COMPILE_AFTER)
        this.#fill = compile(this.#steps, this.#template.isFixed);
    }
    for (const value of this.#long) {
      const { source, field, type } = value;
      const { view, spans } = transfer;
      const content = isArrayType(type)
        ? this.#list(transfer, { ...value, type })
        : textOf(view, { at: spans[2 * source]!, length: spans[2 * source + 1]! }, type);
      if (content !== undefined) record.set(field, content);
    }
  }

  /** The list of an element's items: a record may have several lists, which say themselves what they hold. */
  #list(
    { view, spans }: Transfer,
    { source, element, type }: { source: number; element: ElementRef; type: ArrayType },
  ): readonly number[] | undefined {
    const { fields } = this.#template;
    for (let i = source; i >= 0; i--) {
      if (fields[i]!.number !== BASIC_LIST || fields[i]!.enterprise !== 0) continue;
      const items = readList(view, { at: spans[2 * i]!, length: spans[2 * i + 1]! }, element, type);
      if (items) return items;
    }
    return undefined;
  }
}

function run({ kind, source, length, target }: Step, transfer: Transfer, isFixed: boolean): void {
  transfer.store(
    kind,
    isFixed ? transfer.at + source : transfer.spans[2 * source]!,
    length,
    target,
  );
}

/** A string ends where its padding of zeros begins. */
function textOf(view: DataView, { at, length }: Place, type: Field["type"]): string | Uint8Array {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, Math.min(length, LENGTH_MAX));
  if (type !== "string") return bytes;
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("utf8");
}

/** Index of the field that has an element; -1 when there is none. */
const indexOf = (template: WireTemplate, { enterprise, number, isList }: ElementRef): number =>
  isList ? template.indexOf(0, BASIC_LIST) : template.indexOf(enterprise, number);
